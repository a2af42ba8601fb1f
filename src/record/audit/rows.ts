/**
 * The rows that readers see beside a remediation's chain, against what its entries say: pure. A row that was changed,
 * removed or put in without its entry is found by that; docs/operating.md lists which columns are covered.
 */
import type { Json, JsonObject } from "../../contracts/json.ts";
import type { Plan } from "../../contracts/plan.ts";
import type { Verdict } from "../../contracts/verdict.ts";
import type { AuditRow } from "../api.ts";
import { canonicalJson, sha256 } from "../canonical.ts";
import { digestOf } from "../verdicts.ts";
import type { Fault } from "./chain.ts";

/** Rows of one remediation as they are stored. */
export interface BesideRows {
  /** Null: its row is gone. */
  remediation: {
    target_kind: string;
    target_id: string;
    workflow_id: string;
    outcome: string | null;
    needs_human: boolean;
    detail: string;
    closed_at: string | null;
    closing_hash: string | null;
  } | null;
  effects: {
    key: string;
    rung: string;
    step: string;
    action: string;
    direction: string;
    attempt: number;
    state: string;
    request: JsonObject;
    result: JsonObject | null;
    detail: string;
    intent_at: string;
    settled_at: string | null;
  }[];
  decisions: {
    plan_hash: string;
    person: string;
    decision: string;
    via: string;
    reason: string;
    status: string;
    detail: string;
  }[];
  /** In their order. */
  verdicts: { seq: number; verdict: Verdict; plan_hash: string | null; catalogue_version: string }[];
  plans: { plan_hash: string; plan: Plan }[];
  escalations: { key: string; route: string; summary: string; sent_at: string | null }[];
  admissions: { plan_hash: string; scopes: string[]; standing_id: string | null }[];
  reviews: { verdict: string; by_person: string; reason: string }[];
  postmortems: { owner: string; markdown: string }[];
}

export function noRows(): BesideRows {
  return {
    ...{ remediation: null, effects: [], decisions: [], verdicts: [] },
    ...{ plans: [], escalations: [], admissions: [], reviews: [], postmortems: [] },
  };
}

/** Entry and row are of one transaction; a transaction that takes longer is ended by the database. */
const SAME_MOMENT_MS = 60_000;

export function rowFaults(rows: BesideRows, entries: readonly AuditRow[]): Fault[] {
  const told = new Told(entries);
  ofRemediation(rows, told);
  ofEffects(rows, told);
  ofDecisions(rows, told);
  ofVerdicts(rows, told);
  ofEscalations(rows, told);
  const admitted = told.all("admitted");
  for (const row of rows.admissions) {
    const entry = admitted.findLast(({ body }) => body["planHash"] === row.plan_hash);
    const { scopes, standing_id: standing } = row;
    told.same("the admission", entry, { planHash: row.plan_hash, scopes, standing });
  }
  if (admitted.length > 0 && rows.admissions.length === 0) told.gone("the admission", admitted[0]);
  const review = told.last("review");
  for (const { verdict, by_person: by, reason } of rows.reviews)
    told.same("the review", review, { verdict, by, reason });
  if (review !== undefined && rows.reviews.length === 0) told.gone("the review", review);
  const draft = told.last("postmortem");
  for (const { owner, markdown } of rows.postmortems)
    told.same("the postmortem", draft, { owner, sha256: sha256(markdown) });
  if (draft !== undefined && rows.postmortems.length === 0) told.gone("the postmortem", draft);
  return told.faults;
}

/** The entries by their kind, and what was found wrong. */
class Told {
  readonly faults: Fault[] = [];
  readonly #byKind: Map<string, AuditRow[]>;

  constructor(entries: readonly AuditRow[]) {
    this.#byKind = Map.groupBy(entries, (entry) => entry.kind);
  }

  /** `key`: of what it is about. */
  all(kind: string, key?: string): AuditRow[] {
    const all = this.#byKind.get(kind) ?? [];
    return key === undefined ? all : all.filter(({ body }) => body["key"] === key);
  }

  last(kind: string, key?: string): AuditRow | undefined {
    return this.all(kind, key).at(-1);
  }

  /** Each of `fields` must be in the entry's body as it is in the row. */
  same(what: string, entry: AuditRow | undefined, fields: Record<string, unknown>): void {
    if (entry === undefined) {
      this.wrong(what, null, "stands in the record, but no entry of the chain tells of it");
      return;
    }
    for (const [name, value] of Object.entries(fields)) {
      const said = entry.body[name] ?? null;
      const stands = (value ?? null) as Json;
      if (canonicalJson(said) === canonicalJson(stands)) continue;
      this.wrong(what, entry, `has ${name} ${clip(stands)}, but ${nameOf(entry)} says ${clip(said)}`);
    }
  }

  gone(what: string, entry: AuditRow | undefined): void {
    if (entry !== undefined) this.wrong(what, entry, `is told of by ${nameOf(entry)}, but its row is gone`);
  }

  near(what: string, name: string, at: string, entry: AuditRow): void {
    if (Math.abs(Date.parse(at) - Date.parse(entry.at)) <= SAME_MOMENT_MS) return;
    this.wrong(what, entry, `has ${name} ${at}, but ${nameOf(entry)} was written at ${entry.at}`);
  }

  wrong(what: string, entry: AuditRow | null, detail: string): void {
    this.faults.push({ code: "row", seq: entry?.seq ?? null, detail: `${what} ${detail}` });
  }
}

function ofRemediation({ remediation: row }: BesideRows, told: Told): void {
  const [opened] = told.all("opened");
  const closed = told.last("closed");
  if (row === null) {
    told.gone("the remediation", opened);
    return;
  }
  const what = "the remediation";
  const { target_kind: kind, target_id: id, workflow_id: workflowId } = row;
  told.same(what, opened, { target: { kind, id }, workflowId });
  if (closed === undefined) {
    if (row.closed_at !== null) told.wrong(what, null, `is closed since ${row.closed_at}, but no entry closed it`);
    return;
  }
  const { outcome, needs_human: needsHuman, detail } = row;
  told.same(what, closed, { outcome, needsHuman, detail });
  if (row.closed_at === null) told.wrong(what, closed, `is open, but ${nameOf(closed)} closed it`);
  else told.near(what, "closed_at", row.closed_at, closed);
  if (row.closing_hash !== closed.hash) {
    told.wrong(
      what,
      closed,
      `has the closing hash ${clip(row.closing_hash)}, but ${nameOf(closed)} has ${closed.hash}`,
    );
  }
}

function ofEffects({ effects }: BesideRows, told: Told): void {
  for (const row of effects) {
    const what = `the effect ${row.key}`;
    const { key, rung, step, action, direction, attempt, request, state, result, detail } = row;
    const intents = told.all("effectIntended", key);
    told.same(what, intents.at(-1), { rung, step, action, direction, attempt, request });
    const [first] = intents;
    if (first !== undefined) told.near(what, "intent_at", row.intent_at, first);
    const settled = told.all("effectSettled", key).findLast((entry) => entry.seq > (intents.at(-1)?.seq ?? 0));
    if (settled === undefined) {
      if (state !== "intent") told.wrong(what, null, `is ${state}, but no entry says what became of it`);
      continue;
    }
    // While it is pending it is read again and again, and only the first reading is told.
    told.same(what, settled, state === "pending" ? { state } : { state, result, detail });
    if (row.settled_at !== null) told.near(what, "settled_at", row.settled_at, settled);
  }
  const known = new Set(effects.map(({ key }) => key));
  for (const entry of told.all("effectIntended")) {
    const key = keyOf(entry);
    if (!known.has(key)) told.gone(`the effect ${key}`, entry);
    known.add(key);
  }
}

function ofDecisions({ decisions }: BesideRows, told: Told): void {
  const key = (planHash: unknown, by: unknown, decision: unknown): string => JSON.stringify([planHash, by, decision]);
  const spoken = Map.groupBy(told.all("decision"), ({ body }) => key(body["planHash"], body["by"], body["decision"]));
  for (const row of decisions) {
    const { plan_hash: planHash, person, decision, via, reason, status, detail } = row;
    const what = `the ${decision} of ${person} on plan ${planHash.slice(0, 12)}`;
    const ignored = status === "ignored" ? detail : null;
    const fits = (spoken.get(key(planHash, person, decision)) ?? []).filter(
      ({ body }) => body["ignoredBecause"] === ignored,
    );
    if (ignored === null) told.same(what, fits.at(-1), { via, reason });
    else if (fits.length === 0) told.wrong(what, null, "is ignored, but no entry says so");
    const voided = told
      .all("approvalVoid")
      .some(({ body }) => body["planHash"] === planHash && body["person"] === person);
    if (status === "void" && !voided) told.wrong(what, null, "is void, but no entry says so");
    const taken = spoken.get(key(planHash, person, "withdraw"))?.some(({ body }) => body["ignoredBecause"] === null);
    if (status === "withdrawn" && taken !== true) told.wrong(what, null, "is withdrawn, but no entry says so");
  }
  const known = new Set(decisions.map((row) => key(row.plan_hash, row.person, row.decision)));
  for (const [which, entries] of spoken) if (!known.has(which)) told.gone(`the decision ${which}`, entries.at(-1));
}

function ofVerdicts({ verdicts, plans }: BesideRows, told: Told): void {
  const entries = told.all("verdict");
  for (const [
    index,
    { seq, verdict, plan_hash: planHash, catalogue_version: catalogueVersion },
  ] of verdicts.entries()) {
    const { outcome, results, at } = verdict;
    const entry = entries[index];
    // An older version wrote no digest.
    const whole =
      entry?.body["digest"] === undefined ? {} : { digest: digestOf({ verdict, planHash, catalogueVersion }) };
    told.same(`verdict ${seq}`, entry, { outcome, results, at, planHash, catalogueVersion, ...whole });
  }
  for (const entry of entries.slice(verdicts.length)) told.gone("a verdict", entry);
  const decided = new Set(entries.map(({ body }) => body["planHash"]));
  for (const { plan_hash: planHash, plan } of plans) {
    const what = `the plan ${planHash.slice(0, 12)}`;
    const made = sha256(canonicalJson(plan as unknown as JsonObject));
    if (made !== planHash) told.wrong(what, null, `was changed: its content has the hash ${made.slice(0, 12)}`);
    if (!decided.has(planHash)) told.wrong(what, null, "stands in the record, but no verdict decided on it");
  }
}

function ofEscalations({ escalations }: BesideRows, told: Told): void {
  for (const { key, route, summary, sent_at: sentAt } of escalations) {
    const what = `the escalation ${key}`;
    told.same(what, told.last("escalation", key), { route, summary });
    const sent = told.last("escalationSent", key);
    if (sentAt !== null && sent === undefined) told.wrong(what, null, `was sent at ${sentAt}, but no entry says so`);
    if (sentAt === null && sent !== undefined) told.wrong(what, sent, `was not sent, but ${nameOf(sent)} says it was`);
    if (sentAt !== null && sent !== undefined) told.near(what, "sent_at", sentAt, sent);
  }
  const known = new Set(escalations.map(({ key }) => key));
  for (const entry of told.all("escalation")) {
    const key = keyOf(entry);
    if (!known.has(key)) told.gone(`the escalation ${key}`, entry);
  }
}

/** Of what the entry is about. */
function keyOf({ body }: AuditRow): string {
  return typeof body["key"] === "string" ? body["key"] : "";
}

function nameOf({ seq, kind }: AuditRow): string {
  return `entry ${seq} (${kind})`;
}

const MAX_SHOWN = 100;

function clip(value: Json): string {
  const text = JSON.stringify(value);
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN).toWellFormed()}…`;
}
