/** Modes that people set, what runbooks have shown for them, and the gate to `auto` (ADR 50). */
import type { Catalogue, Runbook } from "../catalogue/catalogue.ts";
import { whyUnknown } from "../catalogue/people.ts";
import { MODES, type Attestation, type ModeSet } from "../contracts/autonomy.ts";
import type { Mode } from "../contracts/facts.ts";
import { scopeOf } from "../contracts/ids.ts";
import { GLOBAL_SCOPE } from "../contracts/scopes.ts";
import { evidenceOf, type Evidence } from "../policy/evidence.ts";
import { inForce, lapsed, lowest, modesAt } from "../policy/modes.ts";
import { gateOf, type GateItem } from "../policy/promotion.ts";
import type { RecordStore } from "../record/api.ts";
import { conflict, notAllowed, throughRecord, wrongField } from "./problems.ts";
import { requireGroup, runbookOf } from "./standing.ts";

export interface ModeDependencies {
  record: Pick<RecordStore, "now" | "modes" | "setMode" | "cases" | "attest" | "attestations">;
  /** The active catalogue. */
  active: () => Promise<Catalogue>;
}

/** One place where a mode is declared or set. */
export interface ModeRow {
  scope: string;
  /** As the files have it. */
  declared: Mode;
  set: ModeSet | null;
  /** Why what was set does not lift any more; null: it counts, or nothing was set. */
  lapsed: string | null;
  mode: Mode;
}

export interface ModesAnswer {
  scopes: ModeRow[];
  /** What counts in the end: the lowest of global, group and runbook. */
  effective: { runbook: string; group: string; mode: Mode }[];
}

export async function showModes(deps: ModeDependencies): Promise<ModesAnswer> {
  const { catalogue, sets } = await read(deps);
  const places = [
    GLOBAL_SCOPE,
    ...Object.keys(catalogue.groups).map(scopeOf.group),
    ...catalogue.runbooks.flatMap(({ name }) => [
      scopeOf.runbook(name),
      ...Object.keys(catalogue.groups)
        .map((group) => scopeOf.runbookInGroup(name, group))
        .filter((scope) => sets.some((one) => one.scope === scope)),
    ]),
  ];
  const effective = catalogue.runbooks.flatMap((runbook) =>
    Object.keys(catalogue.groups).map((group) => {
      return { runbook: runbook.name, group, mode: effectiveMode(catalogue, runbook, group, sets) };
    }),
  );
  return { scopes: places.map((scope) => rowOf(requirePlace(catalogue, scope), sets)), effective };
}

function effectiveMode(catalogue: Catalogue, runbook: Runbook, group: string, sets: ModeSet[]): Mode {
  const declared = {
    global: catalogue.mode,
    group: catalogue.groups[group]?.mode ?? "observe",
    runbook: runbook.spec.mode,
  };
  const levels = modesAt(declared, { group, runbook: runbook.name, runbookHash: runbook.hash }, sets);
  return lowest([levels.global, levels.group, levels.runbook]);
}

async function read({ record, active }: ModeDependencies): Promise<{ catalogue: Catalogue; sets: ModeSet[] }> {
  const [catalogue, sets] = await throughRecord("read the modes", () => Promise.all([active(), record.modes()]));
  return { catalogue, sets };
}

interface Place {
  scope: string;
  declared: Mode;
  /** null: it is no place of a runbook. */
  runbook: Runbook | null;
}

const PLACES = "global, group:NAME, runbook:NAME or runbook:NAME@GROUP";

function requirePlace(catalogue: Catalogue, scope: string): Place {
  const groups = Object.entries(catalogue.groups);
  const places: Place[] = [
    { scope: GLOBAL_SCOPE, declared: catalogue.mode, runbook: null },
    ...groups.map(([name, { mode }]) => ({ scope: scopeOf.group(name), declared: mode, runbook: null })),
    ...catalogue.runbooks.flatMap((runbook) => {
      const { name, spec } = runbook;
      const scopes = [scopeOf.runbook(name), ...groups.map(([group]) => scopeOf.runbookInGroup(name, group))];
      return scopes.map((one) => ({ scope: one, declared: spec.mode, runbook }));
    }),
  ];
  const found = places.find((one) => one.scope === scope);
  if (found !== undefined) return found;
  const alike = places.map((one) => one.scope).filter((one) => one.split(":")[0] === scope.split(":")[0]);
  const wouldBeRight = alike.length === 0 ? PLACES : `one that the catalogue has: ${alike.slice(0, 12).join(", ")}`;
  throw wrongField("scope", JSON.stringify(scope.slice(0, 100)), wouldBeRight);
}

function rowOf({ scope, declared, runbook }: Place, sets: readonly ModeSet[]): ModeRow {
  const set = sets.find((one) => one.scope === scope) ?? null;
  const hash = runbook?.hash ?? null;
  const mode = inForce(set, declared, hash);
  const why = set !== null && mode !== set.mode ? lapsed(set, declared, hash) : null;
  return { scope, declared, set, lapsed: why, mode };
}

export interface SetWish {
  scope: string;
  /** `file`: as the files say it, from now on. */
  mode: Mode | "file";
  by: string;
  reason: string;
}

/** Anybody may lower a mode, as anybody may pause. To lift one takes a person of selfheal.yaml who may approve. */
export async function setMode(deps: ModeDependencies, { scope, mode, by, reason }: SetWish): Promise<ModeRow> {
  const { catalogue, sets } = await read(deps);
  const place = requirePlace(catalogue, scope);
  const { declared, runbook } = place;
  const wanted = mode === "file" ? declared : mode;
  if (MODES.indexOf(wanted) > MODES.indexOf(modeOf(catalogue, place, sets))) {
    requireApprover(catalogue, runbook, by, `lifting the mode of ${scope}`);
    if (runbook !== null && mode === "auto") {
      throw conflict(
        `a runbook earns auto in one group at a time: selfheal modes promote ${runbook.name} --group GROUP shows what is missing`,
      );
    }
  }
  const chosen = mode === "file" ? null : mode;
  const wish = { scope, mode: chosen, declared, runbookHash: null, by, reason, about: {} };
  const set = await throughRecord("set the mode", () => deps.record.setMode(wish));
  return rowOf(place, set === null ? [] : [set]);
}

/** What counts at this place now; of a runbook in one group also what was set for the runbook. */
function modeOf(catalogue: Catalogue, place: Place, sets: ModeSet[]): Mode {
  const { runbook, scope } = place;
  const group = scope.includes("@") ? decodeURIComponent(scope.slice(scope.indexOf("@") + 1)) : null;
  if (runbook === null || group === null) return rowOf(place, sets).mode;
  const declared = { global: catalogue.mode, group: "auto" as const, runbook: runbook.spec.mode };
  return modesAt(declared, { group, runbook: runbook.name, runbookHash: runbook.hash }, sets).runbook;
}

function requireApprover(catalogue: Catalogue, runbook: Runbook | null, by: string, what: string): void {
  const roles = rolesThatApprove(catalogue, runbook === null ? catalogue.runbooks : [runbook]);
  const fault = whyUnknown(catalogue, by, roles.length === 0 ? null : roles, what);
  if (fault !== null) throw notAllowed(fault);
}

/** Where nobody named a role, everybody among the people of selfheal.yaml may approve. */
function rolesThatApprove({ approvals }: Catalogue, runbooks: readonly Runbook[]): string[] {
  return [...new Set(runbooks.flatMap(({ spec }) => spec.approval?.roles ?? approvals.roles))];
}

export interface PromoteWish {
  runbook: string;
  group: string;
  by: string;
  /** Why it is promoted though something is missing; null: then it is refused. */
  override: string | null;
}
export interface GateAnswer {
  runbook: string;
  runbookHash: string;
  group: string;
  gate: GateItem[];
}
export interface PromoteAnswer extends GateAnswer {
  set: ModeSet;
  /** What counts now: the group's or the global mode may still be lower. */
  effective: Mode;
}

export async function showGate(deps: ModeDependencies, name: string, group: string): Promise<GateAnswer> {
  const { catalogue } = await read(deps);
  const runbook = runbookOf(catalogue, name);
  requireGroup(catalogue, group);
  const { hash, owner, spec } = runbook;
  const { within, ...rules } = catalogue.promotion;
  const [now, cases, attestations] = await throughRecord("read the evidence", () =>
    Promise.all([
      deps.record.now(),
      deps.record.cases(within, { runbook: name, group }),
      deps.record.attestations(name, hash),
    ]),
  );
  const steps = spec.ladder.flatMap((rung) =>
    rung.steps.map(({ uses }) => {
      const action = catalogue.actions[uses];
      // An action that this program does not know is as bad as can be.
      return { uses, risk: action?.risk ?? "irreversible", undoable: action?.undo !== undefined };
    }),
  );
  const harm = spec.harm?.sli ?? null;
  const { reviewBy } = spec.metadata;
  const evidence = evidenceOf(cases)[0] ?? null;
  const gate = gateOf({ now, owner, reviewBy, steps, harm, attestations, evidence }, rules);
  return { runbook: name, runbookHash: hash, group, gate };
}

/** Binds `auto` to this version of the runbook: a change of it must be earned again. */
export async function promote(deps: ModeDependencies, wish: PromoteWish): Promise<PromoteAnswer> {
  const answer = await showGate(deps, wish.runbook, wish.group);
  const { catalogue } = await read(deps);
  const runbook = runbookOf(catalogue, wish.runbook);
  requireApprover(catalogue, runbook, wish.by, `promoting ${wish.runbook}`);
  const missing = answer.gate.filter((one) => !one.met);
  if (missing.length > 0 && wish.override === null) throw gateShut(wish, missing);
  const scope = scopeOf.runbookInGroup(wish.runbook, wish.group);
  const { runbookHash } = answer;
  const reason = wish.override ?? "the gate's checklist is met";
  const set = await throughRecord("set the mode", () =>
    deps.record.setMode({
      ...{ scope, mode: "auto", declared: runbook.spec.mode, runbookHash, by: wish.by, reason },
      about: { promoted: true, overridden: missing.map(({ item, detail }) => ({ item, detail })) },
    }),
  );
  if (set === null) throw new Error(`the record set no mode for ${scope}`);
  const { sets } = await read(deps);
  return { ...answer, set, effective: effectiveMode(catalogue, runbook, wish.group, sets) };
}

function gateShut({ runbook, group }: PromoteWish, missing: GateItem[]): Error {
  const lines = missing.map(({ item, detail }) => `${item} (${detail})`).join("; ");
  const faults = missing.map(({ item, detail }) => ({ field: item, value: "missing", wouldBeRight: detail }));
  return conflict(`${runbook} is not promoted in ${group}; missing: ${lines}`, faults);
}

const DAY_MS = 24 * 3_600_000;

export async function showEvidence(deps: ModeDependencies, days: number | null): Promise<Evidence[]> {
  const catalogue = await throughRecord("read the active catalogue", deps.active);
  const windowMs = days === null ? catalogue.promotion.within : days * DAY_MS;
  return evidenceOf(await throughRecord("read the evidence", () => deps.record.cases(windowMs)));
}

export interface AttestWish extends Pick<Attestation, "runbook" | "kind" | "passed" | "summary" | "by"> {
  /** The version that was run; null: the active one. */
  runbookHash: string | null;
}

/** A person's word, bound to the version that is active now: of another one it is refused. */
export async function attest(deps: ModeDependencies, wish: AttestWish): Promise<Attestation> {
  const catalogue = await throughRecord("read the active catalogue", deps.active);
  const { hash } = runbookOf(catalogue, wish.runbook);
  if (wish.runbookHash !== null && wish.runbookHash !== hash) {
    const versions = `${wish.runbookHash.slice(0, 12)} was run, ${hash.slice(0, 12)} is active`;
    throw conflict(`${wish.runbook} has another version here: ${versions}`);
  }
  const fault = whyUnknown(catalogue, wish.by, null);
  if (fault !== null) throw notAllowed(fault);
  return throughRecord("write it down", () => deps.record.attest({ ...wish, runbookHash: hash }));
}
