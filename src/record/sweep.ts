/** What the sweeper asks: one bounded question for each kind of thing that may have been left behind. Reads only. */
import { sql, type SqlBool } from "kysely";
import type { RemediationRow } from "./api.ts";
import type { EffectRow } from "./api-effects.ts";
import type { FaultKey } from "../contracts/alert.ts";
import type { LostAlert, OrphanedLeases, RecentEffect, UnsentEscalation } from "./api-sweep.ts";
import { isDueAgain, isWithin, now } from "./clock.ts";
import { effectRows, toEffectRow } from "./effects.ts";
import type { Session } from "./pool.ts";
import { remediationRows, toRemediationRow } from "./remediation-row.ts";

const before = (olderThanMs: number) => sql<string>`${now} - ${olderThanMs} * interval '1 millisecond'`;

export async function openEpisodes(db: Session, limit: number): Promise<RemediationRow[]> {
  const rows = await remediationRows(db)
    .where("closed_at", "is", null)
    .orderBy("opened_at")
    .orderBy("remediation_id")
    .limit(limit)
    .execute();
  return rows.map(toRemediationRow);
}

/** Nobody writes down when a lease became orphaned: of a closed episode it was then, of an open one it counts from its beginning. */
export async function orphanedLeases(db: Session, olderThanMs: number, limit: number): Promise<OrphanedLeases[]> {
  return db
    .selectFrom("leases as l")
    .innerJoin("remediations as r", "r.remediation_id", "l.remediation_id")
    .select((eb) => [
      "l.remediation_id as remediationId",
      "r.target_kind as targetKind",
      "r.target_id as targetId",
      "r.closed_at as closedAt",
      sql<string[]>`array_agg(l.scope order by l.scope)`.as("scopes"),
      eb.fn.min("l.since").as("since"),
    ])
    .where("l.state", "=", "orphaned")
    .where((eb) => eb(eb.fn.coalesce("r.closed_at", "l.since"), "<=", before(olderThanMs)))
    .groupBy(["l.remediation_id", "r.target_kind", "r.target_id", "r.closed_at"])
    .orderBy("since")
    .limit(limit)
    .execute()
    .then((rows) =>
      rows.map(({ targetKind, targetId, ...row }) => ({ ...row, target: { kind: targetKind, id: targetId } })),
    );
}

/**
 * The index alerts_unattached has these rows only. A decision later than the delivery is about it, whoever made it; the
 * end of an alert is a row of its own.
 */
export async function lostAlerts(db: Session, olderThanMs: number, limit: number): Promise<LostAlert[]> {
  const found = await sql<{ faultKey: FaultKey; kind: string; id: string; deliveredAt: string; due: boolean }>`
    select a.fault_key as "faultKey", a.target_kind as kind, a.target_id as id, a.delivered_at as "deliveredAt",
           a.delivered_at + least(interval '1 hour', a.delivered_at - a.received_at) <= ${now} as due
      from alerts a
     where a.status = 'firing' and a.disposition = 'delivered' and a.remediation_id is null
       and a.target_id is not null and a.delivered_at <= ${before(olderThanMs)}
       and not exists (select 1 from alerts e where e.fault_key = a.fault_key and e.status = 'resolved')
       and not exists (select 1 from decided_faults d where d.fault_key = a.fault_key and d.decided_at >= a.delivered_at)
       and not exists (select 1 from remediations r where r.closed_at is null
                          and r.target_kind = a.target_kind and r.target_id = a.target_id)
     order by a.delivered_at limit ${limit}`.execute(db);
  return found.rows.map(({ kind, id, ...row }) => ({ ...row, target: { kind, id } }));
}

/** close() takes them out, so there is none unless something went wrong. */
export async function queueOfClosed(db: Session, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom("queue as q")
    .innerJoin("remediations as r", "r.remediation_id", "q.remediation_id")
    .select("q.remediation_id")
    .where("r.closed_at", "is not", null)
    .limit(limit)
    .execute();
  return rows.map((row) => row.remediation_id);
}

export async function unsettledOfClosed(db: Session, olderThanMs: number, limit: number): Promise<EffectRow[]> {
  const rows = await effectRows(db)
    .innerJoin("remediations as r", "r.remediation_id", "effects.remediation_id")
    .where("effects.settled_at", "is", null)
    .where("r.closed_at", "<=", before(olderThanMs))
    // A person who has looked gives the leases back, and with them the question.
    .where((eb) =>
      eb.exists(eb.selectFrom("leases as l").select("l.scope").whereRef("l.remediation_id", "=", "r.remediation_id")),
    )
    .orderBy("effects.intent_at")
    .limit(limit)
    .execute();
  return rows.map(toEffectRow);
}

export async function recentEffects(db: Session, action: string, limit: number): Promise<RecentEffect[]> {
  const rows = await effectRows(db)
    .innerJoin("remediations as r", "r.remediation_id", "effects.remediation_id")
    .select(["r.target_kind", "r.target_id", "r.closed_at"])
    .where("effects.action", "=", action)
    .orderBy("effects.intent_at", "desc")
    .orderBy("effects.key", "desc")
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    effect: toEffectRow(row),
    target: { kind: row.target_kind, id: row.target_id },
    closedAt: row.closed_at,
  }));
}

/** What was held for a window goes out at its end, unless every alert of it is resolved by then. */
const mayGoOut = sql<SqlBool>`(e.not_before is null or e.not_before <= ${now} and not coalesce((
    select bool_and(exists (select 1 from alerts s where s.fault_key = a.fault_key and s.status = 'resolved'))
      from alerts a where a.remediation_id = e.remediation_id and a.status = 'firing'), false))`;

export async function unsentEscalations(db: Session, limit: number): Promise<UnsentEscalation[]> {
  // Those due come first.
  const due = isDueAgain(sql`coalesce(e.tried_at, e.at)`, sql`e.attempts`);
  return db
    .selectFrom("escalations as e")
    .innerJoin("remediations as r", "r.remediation_id", "e.remediation_id")
    .select([
      "e.remediation_id as remediationId",
      "e.key",
      "e.route",
      "e.summary",
      "e.at",
      "e.attempts",
      "e.error",
      "r.target_kind as targetKind",
      "r.target_id as targetId",
    ])
    .select(due.as("due"))
    .where("e.sent_at", "is", null)
    .where(mayGoOut)
    .orderBy("due", "desc")
    .orderBy("e.at")
    .limit(limit)
    .execute()
    .then((rows) =>
      rows.map(({ targetKind, targetId, ...row }) => ({ ...row, target: { kind: targetKind, id: targetId } })),
    );
}

/** Nobody needs a heartbeat that is more seldom. */
const MOST_SILENCE_MS = 30 * 24 * 3_600_000;

/** From the newest alert back, so that one that comes is found at once. */
export async function heartbeat(
  db: Session,
  source: string,
  alertname: string,
  withinMs: number,
): Promise<{ alive: boolean; lastSeenAt: string | null }> {
  const found = await sql<{ at: string; alive: boolean }>`
    select last_seen_at as at, last_seen_at >= ${before(withinMs)} as alive from alerts
     where ${isWithin(sql`last_seen_at`, MOST_SILENCE_MS)} and status = 'firing' and source = ${source}
       and labels ->> 'alertname' = ${alertname}
     order by last_seen_at desc limit 1`.execute(db);
  const [row] = found.rows;
  return { alive: row?.alive === true, lastSeenAt: row?.at ?? null };
}
