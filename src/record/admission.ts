/**
 * Admission (design §3 stage 4): everything countable is evaluated and consumed in one transaction, and all admissions
 * and releases run one after the other behind one advisory lock. So what was counted is still so when it is taken. The
 * policy decides; the record itself never lets a cap be exceeded or a waiter be passed, whatever the policy says.
 */
import { sql, type Transaction } from "kysely";
import type { JsonObject } from "../contracts/json.ts";
import type { CountedFacts } from "../contracts/facts.ts";
import type { GuardrailResult } from "../contracts/verdict.ts";
import type { Admission, AdmissionRequest, Admitted } from "./api.ts";
import { appendAudit } from "./audit.ts";
import { latch } from "./breakers.ts";
import { now } from "./clock.ts";
import { countFacts } from "./counted.ts";
import { RecordConflict } from "./errors.ts";
import { lockAdmission } from "./locks.ts";
import { type Database, inTransaction } from "./pool.ts";
import { type Ahead, aheadOf, blockerAhead, placeOf, type Place, removeFromQueue, stayInQueue } from "./queue.ts";
import { fewerInWork, heldPlaces } from "./queue-order.ts";
import { lockRemediation, type StoredRemediation } from "./remediation-row.ts";
import { cappedScopes, leasedScopes, orderedScopes } from "./scopes.ts";
import type { Tables } from "./tables.ts";

export async function admit(db: Database, request: AdmissionRequest): Promise<Admitted> {
  return inTransaction(db, async (tx) => {
    await lockAdmission(tx);
    const row = await lockRemediation(tx, request.remediationId);
    const before = await admittedBefore(tx, request);
    if (before !== null) return { ...before, tripped: [] };
    if (row.closed_at !== null)
      throw new RecordConflict(`remediation ${request.remediationId} is closed: it cannot be admitted`);
    const { counted, now: at, modes } = await countFacts(tx, request.remediationId, request.plan, request.planHash);
    const results = request.evaluate(counted, at, modes);
    const tripped = await latch(tx, request.remediationId, results);
    return { ...(await settle(tx, { request, row, counted, results, at })), tripped };
  });
}

interface Evaluated {
  request: AdmissionRequest;
  row: StoredRemediation;
  counted: CountedFacts;
  results: GuardrailResult[];
  at: string;
}

async function settle(tx: Transaction<Tables>, evaluated: Evaluated): Promise<Admission> {
  const { request, counted, results, at } = evaluated;
  const against = results.filter((result) => result.outcome !== "pass" && result.outcome !== "wait");
  if (against.length > 0) {
    return mayBeDecidedAgain(against) ? sendBack(tx, request, results, { against, at }) : refuse(tx, request, results);
  }
  const place = await placeOf(tx, request.remediationId, request.plan.severity, at);
  const ahead = await aheadOf(tx, request.remediationId, place, orderedScopes(request.plan));
  const wait = whyFull(request, counted, results) ?? (await whyBehind(tx, request, place, ahead));
  return wait === null ? take(tx, evaluated) : enqueue(tx, { ...evaluated, place, ahead, detail: wait });
}

/** Admitted for this very plan already: a retry consumes nothing. */
async function admittedBefore(tx: Transaction<Tables>, request: AdmissionRequest): Promise<Admission | null> {
  const found = await tx
    .selectFrom("admissions")
    .select("results")
    .where("remediation_id", "=", request.remediationId)
    .where("plan_hash", "=", request.planHash)
    .executeTakeFirst();
  return found === undefined ? null : { status: "admitted", results: found.results };
}

/**
 * Since the forecast something came up that does not end it: a person is to be asked (a breaker tripped, an approval ran
 * out, a mode was lowered), it only observes by now, or what was read has grown too old (nobody could work for a while).
 */
function mayBeDecidedAgain(against: readonly GuardrailResult[]): boolean {
  if (against.some(({ outcome }) => outcome === "observe")) return true;
  return against.every(({ outcome, stale }) => outcome === "review" || stale === true);
}

/**
 * It is confirmed and decided again at once, and asks, observes or reads. A plan that passes the forecast again with no
 * person asked in between would go in circles: then it is refused.
 */
async function sendBack(
  tx: Transaction<Tables>,
  request: AdmissionRequest,
  results: GuardrailResult[],
  { against, at }: { against: readonly GuardrailResult[]; at: string },
): Promise<Admission> {
  const since = await decidedSinceSentBack(tx, request);
  const asked = since?.includes("review") ?? true;
  if (since !== null && since.length > 0 && !asked) return refuse(tx, request, results);
  await removeFromQueue(tx, request.remediationId);
  // Not decided since: this is the same call again, whose answer was lost.
  if (since?.length !== 0) await audit(tx, request, SENT_BACK, { results: asJson(results) }, at);
  return { status: "again", results, detail: `decided again: ${against.map(({ detail }) => detail).join("; ")}` };
}

const SENT_BACK = "admissionReconsidered";

/** Outcomes of the verdicts since this plan was sent back last; null: it never was. */
async function decidedSinceSentBack(
  tx: Transaction<Tables>,
  { remediationId, planHash }: AdmissionRequest,
): Promise<string[] | null> {
  const found = await sql<{ outcomes: string[] }>`
    select coalesce((select json_agg(v.body ->> 'outcome') from audit v
             where v.chain = ${remediationId} and v.seq > sent.seq and v.kind = 'verdict'), '[]') as outcomes
      from (select max(seq) as seq from audit
             where chain = ${remediationId} and kind = ${SENT_BACK} and body ->> 'planHash' = ${planHash}) sent
     where sent.seq is not null`.execute(tx);
  return found.rows[0]?.outcomes ?? null;
}

async function refuse(
  tx: Transaction<Tables>,
  request: AdmissionRequest,
  results: GuardrailResult[],
): Promise<Admission> {
  await removeFromQueue(tx, request.remediationId);
  await audit(tx, request, "admissionRefused", { results: asJson(results) });
  return { status: "refused", results };
}

/** The sentence for people, or null when there is room and the policy passes it. */
function whyFull(request: AdmissionRequest, counted: CountedFacts, results: GuardrailResult[]): string | null {
  const waits = results.filter((result) => result.outcome === "wait");
  if (waits.length > 0) return waits.map((result) => result.detail).join("; ");
  const full = cappedScopes(request.plan).find((cap) => (counted.held[cap.scope] ?? 0) >= cap.max);
  return full === undefined ? null : `${full.scope} is full: ${counted.held[full.scope] ?? 0} of ${full.max} in work`;
}

async function whyBehind(
  tx: Transaction<Tables>,
  { remediationId, plan }: AdmissionRequest,
  place: Place,
  ahead: Ahead,
): Promise<string | null> {
  const blocker = ahead.blocker === null ? null : await blockerAhead(tx, remediationId, place, plan);
  return blocker === null ? null : `behind remediation ${blocker}, which waits for a scope of this plan`;
}

interface Enqueue extends Evaluated {
  place: Place;
  ahead: Ahead;
  detail: string;
}

async function enqueue(
  tx: Transaction<Tables>,
  { request, row, counted, results, place, ahead, detail }: Enqueue,
): Promise<Admission> {
  const { remediationId, plan, planHash } = request;
  const untils = results.flatMap((result) => (result.outcome === "wait" && result.until ? [result.until] : []));
  // Every wait must be over: the last known time is the first at which it may pass.
  const until = untils.length === 0 ? null : untils.reduce((a, b) => (Date.parse(a) > Date.parse(b) ? a : b));
  const holds = (await needsPerson(tx, request, cappedScopes(plan))) ? [] : heldPlaces(plan, results);
  const workflowId = row.workflow_id;
  const fewerThan = fewerInWork(plan, counted, results);
  const waitsFor = results.flatMap((result) => result.waitsFor ?? []);
  const waiter = { remediationId, workflowId, plan, planHash, place, holds, waitUntil: until, detail };
  const isNew = await stayInQueue(tx, { ...waiter, waitsFor, fewerThan });
  if (isNew) await audit(tx, request, "queued", { detail, results: asJson(results) });
  return { status: "queued", results, position: ahead.count + 1, detail, until };
}

/** A lease that was left over fills one of its scopes: until a person acts, others need not wait behind this one. */
async function needsPerson(
  tx: Transaction<Tables>,
  request: AdmissionRequest,
  caps: { scope: string; max: number }[],
): Promise<boolean> {
  const counts = await sql<{ scope: string; n: number; orphaned: number }>`
    select scope, count(*)::int as n, (count(*) filter (where state <> 'held'))::int as orphaned from leases
     where scope = any(${caps.map((cap) => cap.scope)}::text[]) and remediation_id <> ${request.remediationId}
     group by scope`.execute(tx);
  return counts.rows.some((row) => row.orphaned > 0 && caps.some((cap) => cap.scope === row.scope && row.n >= cap.max));
}

async function take(tx: Transaction<Tables>, { request, counted, results, at }: Evaluated): Promise<Admission> {
  const { remediationId, plan, planHash } = request;
  const scopes = leasedScopes(plan);
  const capped = cappedScopes(plan).map(({ scope }) => scope);
  await sql`
    with clock as materialized (select selfheal_now() as now)
    insert into leases (remediation_id, scope, state, since, capped)
    select ${remediationId}, scope, 'held', clock.now, scope = any(${capped}::text[]) from clock, unnest(${scopes}::text[]) scope
    on conflict (remediation_id, scope) do update set state = 'held', capped = excluded.capped`.execute(tx);
  const standing = await consumeStanding(tx, counted, results);
  const what = {
    plan_hash: planHash,
    scopes,
    standing_id: standing,
    results: JSON.stringify(results),
    runbook: plan.runbook,
    group_name: plan.target.group,
    cost: plan.limits.shared?.cost.estimate ?? 0,
  };
  await tx
    .insertInto("admissions")
    .values({
      remediation_id: remediationId,
      target_kind: plan.target.kind,
      target_id: plan.target.id,
      admitted_at: now,
      ...what,
    })
    // A new plan of an episode that was admitted before: it consumed its attempt and its rate then.
    .onConflict((conflict) => conflict.column("remediation_id").doUpdateSet(what))
    .execute();
  await removeFromQueue(tx, remediationId);
  // With its time: a plan may come back after another, and be let in by another approval.
  await audit(tx, request, "admitted", { scopes, standing, results: asJson(results) }, at);
  return { status: "admitted", results };
}

/** Consumed only where the policy says that it is what lets this plan pass. Withdrawing one takes the same lock as we. */
async function consumeStanding(
  tx: Transaction<Tables>,
  counted: CountedFacts,
  results: GuardrailResult[],
): Promise<string | null> {
  if (!results.some((result) => result.code === "STANDING_APPROVAL" && result.outcome === "pass")) return null;
  const id = counted.standing?.id ?? null;
  const used = await tx
    .updateTable("standing_approvals")
    .set((update) => ({ used: update("used", "+", 1) }))
    .where("id", "=", id ?? "")
    .returning("id")
    .execute();
  if (used.length === 1) return id;
  throw new Error("policy passed a plan by a standing approval where the record counted none");
}

async function audit(
  tx: Transaction<Tables>,
  request: AdmissionRequest,
  kind: string,
  body: JsonObject,
  /** Of what may happen to one plan several times. */
  at: string | null = null,
): Promise<void> {
  const { remediationId, planHash } = request;
  const key = at === null ? `${kind}:${planHash}` : `${kind}:${planHash}:${at}`;
  await appendAudit(tx, { chain: remediationId, key, kind, body: { planHash, ...body } });
}

function asJson(results: GuardrailResult[]): JsonObject[] {
  return results as unknown as JsonObject[];
}
