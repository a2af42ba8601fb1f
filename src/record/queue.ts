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
import { cappedScopes, queuedScopes } from "./scopes.ts";
import { scopeOf } from "../contracts/ids.ts";
import type { Tables } from "./tables.ts";

const HEAD_START_MS: Record<Severity, number> = { critical: 60 * 60_000, warning: 30 * 60_000, info: 0 };
/** Later than every row. */
const NEW_SEQ = Number.MAX_SAFE_INTEGER;
/** Waits that end when another remediation gives capacity back. */
const CAPACITY: readonly ReasonCode[] = ["GROUP_CAP", "RACK_CAP", "ALREADY_OPEN"];

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
 * one that waits for its runbook's rate keeps that runbook, and one that waits for something of its own (a cooldown, a
 * pause) keeps nothing: it would only block others that could go.
 */
export function heldPlaces(plan: Plan, waiting: readonly GuardrailResult[]): string[] {
  const codes = waiting.filter((result) => result.outcome === "wait").map((result) => result.code);
  if (codes.every((code) => CAPACITY.includes(code))) return queuedScopes(plan);
  if (codes.every((code) => CAPACITY.includes(code) || code === "RATE")) return [scopeOf.runbook(plan.runbook)];
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
}

/** Answers true when it was not in the queue before. */
export async function stayInQueue(tx: Transaction<Tables>, waiter: Waiter): Promise<boolean> {
  const caps = cappedScopes(waiter.plan);
  const what = {
    severity: waiter.plan.severity,
    rank_at: waiter.place.rankAt,
    plan_hash: waiter.planHash,
    caps: JSON.stringify(caps),
    scopes: caps.map((cap) => cap.scope),
    holds: waiter.holds,
    wait_until: waiter.waitUntil,
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

export async function queueRows(db: Session) {
  const rows = await db
    .selectFrom("queue")
    .select(["remediation_id as remediationId", "severity", "since", "scopes"])
    .orderBy("rank_at")
    .orderBy("seq")
    .execute();
  return rows.map((row, index) => ({ ...row, position: index + 1 }));
}

interface Candidate {
  remediationId: string;
  workflowId: string;
  caps: { scope: string; max: number }[];
  holds: string[];
  /** It waits for a known time or a pause: no use in waking it, but it may keep its place. */
  asleep: boolean;
}

/** Walks the queue as admission would, letting each that could go take its capacity. */
export async function admissibleWaiters(
  db: Session,
  limit: number,
): Promise<{ workflowId: string; remediationId: string }[]> {
  const candidates = await sql<Candidate>`
    select q.remediation_id as "remediationId", q.workflow_id as "workflowId", q.caps, q.holds,
           coalesce(q.wait_until > selfheal_now(), false) or exists (
             select 1 from pauses p where p.resumed_at is null and p.scope = any(r.pause_scopes)
                and (p.until_at is null or p.until_at > selfheal_now())) as asleep
      from queue q join remediations r using (remediation_id)
     where r.closed_at is null
     order by q.rank_at, q.seq`.execute(db);
  const counts = await sql<{ scope: string; n: number }>`
    select scope, count(*)::int as n from leases group by scope`.execute(db);
  const held = new Map(counts.rows.map((row) => [row.scope, row.n]));
  const kept = new Set<string>();
  const admissible: { workflowId: string; remediationId: string }[] = [];
  for (const candidate of candidates.rows) {
    if (admissible.length >= limit) break;
    const room = candidate.caps.every((cap) => (held.get(cap.scope) ?? 0) < cap.max && !kept.has(cap.scope));
    const free = room && !candidate.asleep && !candidate.holds.some((scope) => kept.has(scope));
    if (free) {
      admissible.push({ workflowId: candidate.workflowId, remediationId: candidate.remediationId });
      for (const cap of candidate.caps) held.set(cap.scope, (held.get(cap.scope) ?? 0) + 1);
    } else {
      for (const scope of candidate.holds) kept.add(scope);
    }
  }
  return admissible;
}
