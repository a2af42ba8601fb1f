/**
 * The order of those who wait for capacity. The place is fixed when one comes: the time, less the head start of its
 * severity. So a critical one passes warnings that came up to half an hour before it, and nobody is passed for ever.
 */
import { sql, type Transaction } from "kysely";
import type { Severity } from "../contracts/alert.ts";
import type { Plan } from "../contracts/plan.ts";
import type { GuardrailResult, ReasonCode } from "../contracts/verdict.ts";
import { lockAdmission } from "./locks.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import { cappedScopes, queuedScopes, windowScopes } from "./scopes.ts";
import type { Tables } from "./tables.ts";

const HEAD_START_MS: Record<Severity, number> = { critical: 60 * 60_000, warning: 30 * 60_000, info: 0 };
/** Later than every row. */
const NEW_SEQ = Number.MAX_SAFE_INTEGER;
/** Waits that end when another remediation gives capacity back. */
const CAPACITY: readonly ReasonCode[] = [
  "GROUP_CAP",
  "RACK_CAP",
  "SERVICE_CAP",
  "REGION_CAP",
  "GLOBAL_CAP",
  "MIN_HEALTHY",
  "ALREADY_OPEN",
];
/** Waits that end when a window has moved on. */
const WINDOWS: readonly ReasonCode[] = ["RATE", "COST_BUDGET"];

export interface Place {
  since: string;
  rankAt: string;
  seq: number;
}

/** The place that the remediation has, or would get now. */
export async function placeOf(
  tx: Transaction<Tables>,
  remediationId: string,
  severity: Severity,
  at: string,
): Promise<Place> {
  const known = await tx
    .selectFrom("queue")
    .select(["since", "seq"])
    .where("remediation_id", "=", remediationId)
    .executeTakeFirst();
  const since = known?.since ?? at;
  return {
    since,
    rankAt: new Date(Date.parse(since) - HEAD_START_MS[severity]).toISOString(),
    seq: known?.seq ?? NEW_SEQ,
  };
}

export interface Ahead {
  /** How many are ranked earlier, whatever they wait for. */
  count: number;
  /** The first of them that keeps a scope of ours. */
  blocker: string | null;
}

export async function aheadOf(
  tx: Transaction<Tables>,
  remediationId: string,
  place: Place,
  scopes: string[],
): Promise<Ahead> {
  const found = await sql<{ count: number; blocker: string | null }>`
    select count(*)::int as count,
           (array_agg(remediation_id order by rank_at, seq) filter (where holds && ${scopes}::text[]))[1] as blocker
      from queue
     where (rank_at, seq) < (${place.rankAt}::timestamptz, ${place.seq}::bigint)
       and remediation_id <> ${remediationId}`.execute(tx);
  return found.rows[0] as Ahead;
}

/**
 * The scopes on which later ones must wait behind this waiter. One that waits only for capacity keeps all of its scopes,
 * one that waits for a rate or a budget keeps its windows, so that cheaper ones do not pass it for ever, and one that
 * waits for something of its own (a cooldown, a pause) keeps nothing: it would only block others that could go.
 */
export function heldPlaces(plan: Plan, waiting: readonly GuardrailResult[]): string[] {
  const codes = waiting.filter((result) => result.outcome === "wait").map((result) => result.code);
  if (codes.every((code) => CAPACITY.includes(code))) return queuedScopes(plan);
  if (codes.every((code) => CAPACITY.includes(code) || WINDOWS.includes(code))) return windowScopes(plan);
  return [];
}

export interface Waiter {
  remediationId: string;
  workflowId: string;
  plan: Plan;
  planHash: string;
  place: Place;
  holds: string[];
  waitUntil: string | null;
  detail: string;
  /** Targets held now on the group's scope, when it waits for members to become healthy: fewer of them may help. */
  fewerThan: { scope: string; max: number } | null;
}

/** Answers true when it was not in the queue before. */
export async function stayInQueue(tx: Transaction<Tables>, waiter: Waiter): Promise<boolean> {
  const capped = cappedScopes(waiter.plan);
  const caps = waiter.fewerThan === null ? capped : [...capped, waiter.fewerThan];
  const what = {
    severity: waiter.plan.severity,
    rank_at: waiter.place.rankAt,
    plan_hash: waiter.planHash,
    caps: JSON.stringify(caps),
    scopes: capped.map((cap) => cap.scope),
    holds: waiter.holds,
    wait_until: waiter.waitUntil,
    detail: waiter.detail,
  };
  await tx
    .insertInto("queue")
    .values({
      remediation_id: waiter.remediationId,
      workflow_id: waiter.workflowId,
      since: waiter.place.since,
      ...what,
    })
    .onConflict((conflict) => conflict.column("remediation_id").doUpdateSet(what))
    .execute();
  return waiter.place.seq === NEW_SEQ;
}

export async function removeFromQueue(tx: Transaction<Tables>, remediationId: string): Promise<void> {
  await tx.deleteFrom("queue").where("remediation_id", "=", remediationId).execute();
}

export async function leaveQueue(db: Database, remediationId: string): Promise<void> {
  await inTransaction(db, async (tx) => {
    await lockAdmission(tx);
    await removeFromQueue(tx, remediationId);
  });
}

export async function keepPlace(db: Database, remediationId: string): Promise<void> {
  await sql`update queue set wait_until = 'infinity' where remediation_id = ${remediationId}`.execute(db);
}

interface Candidate {
  remediationId: string;
  workflowId: string;
  target: string;
  caps: { scope: string; max: number }[];
  holds: string[];
  /** It waits for a known time, a pause or a breaker: no use in waking it, but it may keep its place. */
  asleep: boolean;
}

/** Walks the queue as admission would, letting each that could go take its capacity. */
export async function admissibleWaiters(
  db: Session,
  limit: number,
): Promise<{ workflowId: string; remediationId: string }[]> {
  const candidates = await sql<Candidate>`
    select q.remediation_id as "remediationId", q.workflow_id as "workflowId", q.caps, q.holds,
           r.target_kind || ' ' || r.target_id as target,
           coalesce(q.wait_until > selfheal_now(), false) or exists (
             select 1 from pauses p where p.resumed_at is null and p.scope = any(r.pause_scopes)
                and (p.until_at is null or p.until_at > selfheal_now())) or exists (
             select 1 from breakers b where b.kind = 'storm' and b.reset_at is null
                and b.scope = any(r.pause_scopes)) as asleep
      from queue q join remediations r using (remediation_id)
     where r.closed_at is null
     order by q.rank_at, q.seq`.execute(db);
  const held = await heldTargets(db);
  const kept = new Set<string>();
  const admissible: { workflowId: string; remediationId: string }[] = [];
  for (const candidate of candidates.rows) {
    if (admissible.length >= limit) break;
    const { caps, target, workflowId, remediationId } = candidate;
    const room = caps.every(({ scope, max }) => othersOn(held, scope, target) < max && !kept.has(scope));
    const free = room && !candidate.asleep && !candidate.holds.some((scope) => kept.has(scope));
    if (free) {
      admissible.push({ workflowId, remediationId });
      for (const { scope } of caps) held.set(scope, (held.get(scope) ?? new Map<string, boolean>()).set(target, false));
    } else {
      for (const scope of candidate.holds) kept.add(scope);
    }
  }
  return admissible;
}

/** By scope, the targets held on it; true: only left out of service. */
async function heldTargets(db: Session): Promise<Map<string, Map<string, boolean>>> {
  const rows = await sql<{ scope: string; target: string; left: boolean }>`
    select l.scope, r.target_kind || ' ' || r.target_id as target, bool_and(l.state = 'leftOut') as left
      from leases l join remediations r using (remediation_id) group by 1, 2`.execute(db);
  const held = new Map<string, Map<string, boolean>>();
  for (const { scope, target, left } of rows.rows) {
    held.set(scope, (held.get(scope) ?? new Map<string, boolean>()).set(target, left));
  }
  return held;
}

/** What the target itself was left out by does not stand in its own way. */
function othersOn(held: Map<string, Map<string, boolean>>, scope: string, target: string): number {
  const on = held.get(scope);
  return on === undefined ? 0 : on.size - (on.get(target) === true ? 1 : 0);
}
