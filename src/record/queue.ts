/**
 * The order of those who wait for capacity. The place is fixed when one comes: the time, less the head start of its
 * severity. So a critical one passes warnings that came up to half an hour before it, and nobody is passed for ever.
 */
import { sql, type Transaction } from "kysely";
import type { Severity } from "../contracts/alert.ts";
import type { Plan } from "../contracts/plan.ts";
import type { LeaseState } from "./api.ts";
import { lockAdmission } from "./locks.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import { behindWhom, heldAs, keptWhole, rankOf, Walk, type Held, type HeldAs, type Queued } from "./queue-order.ts";
import { cappedScopes, leasedScopes } from "./scopes.ts";
import type { Tables } from "./tables.ts";

/** Later than every row. */
const NEW_SEQ = Number.MAX_SAFE_INTEGER;
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
    rankAt: new Date(rankOf(Date.parse(since), severity)).toISOString(),
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

export interface Waiter {
  remediationId: string;
  workflowId: string;
  plan: Plan;
  planHash: string;
  place: Place;
  holds: string[];
  waitUntil: string | null;
  detail: string;
  waitsFor: string[];
  /** Scopes with the targets that are held on them now, where fewer of them may help. */
  fewerThan: { scope: string; max: number }[];
}

/** Answers true when it was not in the queue before. */
export async function stayInQueue(tx: Transaction<Tables>, waiter: Waiter): Promise<boolean> {
  const capped = cappedScopes(waiter.plan);
  const caps = [...capped, ...waiter.fewerThan];
  const what = {
    severity: waiter.plan.severity,
    rank_at: waiter.place.rankAt,
    plan_hash: waiter.planHash,
    caps: JSON.stringify(caps),
    scopes: capped.map((cap) => cap.scope),
    leases: leasedScopes(waiter.plan),
    holds: waiter.holds,
    wait_until: waiter.waitUntil,
    detail: waiter.detail,
    waits_for: waiter.waitsFor,
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
  await sql`
    with gone as (delete from queue where remediation_id = ${remediationId} returning remediation_id)
    update waits w set done_at = selfheal_now() from gone
     where w.key = gone.remediation_id || '/queue' and w.done_at is null`.execute(tx);
}

export async function leaveQueue(db: Database, remediationId: string): Promise<void> {
  await inTransaction(db, async (tx) => {
    await lockAdmission(tx);
    await removeFromQueue(tx, remediationId);
  });
}

/**
 * What was waited for until a known time has ended sooner: whoever waits for it too may ask again. Whom a person holds is
 * left alone. The caller holds the admission lock, so that nobody is just going into the queue.
 */
export async function mayAskAgain(tx: Transaction<Tables>, ended: readonly string[]): Promise<void> {
  if (ended.length === 0) return;
  await sql`
    update queue set wait_until = null
     where wait_until <> 'infinity' and waits_for && ${[...ended]}::text[]`.execute(tx);
}

export async function keepPlace(db: Database, remediationId: string): Promise<void> {
  await sql`update queue set wait_until = 'infinity' where remediation_id = ${remediationId}`.execute(db);
}

interface Row extends Queued {
  workflowId: string;
}

/** Who is in the queue, in order; with a place only those before it. */
async function candidates(db: Session, before: Place | null = null): Promise<Row[]> {
  const ahead =
    before === null ? sql`` : sql`and (q.rank_at, q.seq) < (${before.rankAt}::timestamptz, ${before.seq}::bigint)`;
  const found = await sql<Row>`
    select q.remediation_id as "remediationId", q.workflow_id as "workflowId", q.caps, q.leases, q.holds,
           r.target_kind || ' ' || r.target_id as target,
           coalesce(q.wait_until > selfheal_now(), false) or exists (
             select 1 from pauses p where p.resumed_at is null and p.scope = any(r.pause_scopes)
                and (p.until_at is null or p.until_at > selfheal_now())) or exists (
             select 1 from breakers b where b.reset_at is null
                and (b.kind = 'storm' and b.scope = any(r.pause_scopes)
                  or b.kind = 'correlation' and 'latch:' || b.scope = any(q.waits_for))) or exists (
             select 1 from holds h where h.released_at is null and (h.until_at is null or h.until_at > selfheal_now())
                and 'hold:' || h.id = any(q.waits_for)) as asleep
      from queue q join remediations r using (remediation_id)
     where r.closed_at is null ${ahead}
     order by q.rank_at, q.seq`.execute(db);
  return found.rows;
}

/** Those that admission would let go now, all of them together. */
export async function admissibleWaiters(
  db: Session,
  limit: number,
): Promise<{ workflowId: string; remediationId: string }[]> {
  const queue = await candidates(db);
  const walk = new Walk(await heldTargets(db));
  const admissible: { workflowId: string; remediationId: string }[] = [];
  for (const candidate of queue) {
    if (admissible.length >= limit) break;
    const { workflowId, remediationId } = candidate;
    if (walk.pass(candidate)) admissible.push({ workflowId, remediationId });
  }
  return admissible;
}

/** Whom the plan must wait behind, of those before it (`keptWhole`, `behindWhom`); null: nobody. */
export async function blockerAhead(
  tx: Transaction<Tables>,
  remediationId: string,
  place: Place,
  plan: Plan,
): Promise<string | null> {
  const ahead = (await candidates(tx, place)).filter((one) => one.remediationId !== remediationId);
  return keptWhole(plan, ahead) ?? behindWhom({ remediationId, plan }, ahead, await heldTargets(tx, remediationId));
}

async function heldTargets(db: Session, except = ""): Promise<Held> {
  const rows = await sql<{ scope: string; target: string; leases: { state: LeaseState; capped: boolean }[] }>`
    select l.scope, r.target_kind || ' ' || r.target_id as target,
           json_agg(json_build_object('state', l.state, 'capped', l.capped)) as leases
      from leases l join remediations r using (remediation_id)
     where l.remediation_id <> ${except} group by 1, 2`.execute(db);
  const held = new Map<string, Map<string, HeldAs>>();
  for (const { scope, target, leases } of rows.rows) {
    held.set(scope, (held.get(scope) ?? new Map<string, HeldAs>()).set(target, heldAs(leases)));
  }
  return (scope) => held.get(scope) ?? NOBODY;
}

const NOBODY: ReadonlyMap<string, HeldAs> = new Map<string, HeldAs>();
