/**
 * Alerts as they were received (design §3 law 9): inserted before anybody is told, told until somebody says delivered.
 * Rows of a batch are written in the order of their keys, so that two batches with the same alerts cannot deadlock.
 */
import { type RawBuilder, sql } from "kysely";
import type { Alert, FaultKey } from "../contracts/alert.ts";
import { faultKey } from "../contracts/ids.ts";
import { cleanText } from "../contracts/text.ts";
import type { AlertFilter, AlertRow, Ingest, ReceivedAlert } from "./api.ts";
import { now } from "./clock.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";

type Received = Awaited<ReturnType<Ingest["receive"]>>;

export async function receive(db: Database, received: ReceivedAlert[]): Promise<Received> {
  if (received.length === 0) return [];
  const facts = mergeRepeats(received);
  const rows = await inTransaction(db, async (tx) => {
    const found = await upsert(tx, [...facts.values()]);
    return new Map(found.map((row) => [row.ordinal, row]));
  });
  const ordinals = new Map([...facts.keys()].map((key, index) => [key, index]));
  return received.map(({ alert }) => {
    const row = rows.get(ordinals.get(factOf(alert)) ?? -1);
    if (row === undefined) throw new Error(`the database answered no row for alert ${alert.fingerprint}`);
    return { faultKey: faultKey(alert), deliver: row.deliver, decidedBy: row.decidedBy };
  });
}

function factOf(alert: Alert): string {
  return `${alert.status}:${faultKey(alert)}`;
}

interface Fact {
  last: ReceivedAlert;
  times: number;
}

/** One fact twice in a batch is one row that repeats. */
function mergeRepeats(received: ReceivedAlert[]): Map<string, Fact> {
  const facts = new Map<string, Fact>();
  for (const one of received) {
    const key = factOf(one.alert);
    facts.set(key, { last: one, times: (facts.get(key)?.times ?? 0) + 1 });
  }
  return facts;
}

interface Upserted {
  ordinal: number;
  deliver: boolean;
  decidedBy: string | null;
}

async function upsert(db: Session, facts: Fact[]): Promise<Upserted[]> {
  const input = JSON.stringify(storable(facts.map(toInput)));
  const found = await sql<Upserted>`
    with input as materialized (
      select * from json_to_recordset(${input}) as x(
        ordinal int, times int, "faultKey" text, status text, fingerprint text, "startsAt" text, "endsAt" text,
        labels json, annotations json, source text, "targetKind" text, "targetId" text, "targetGroup" text, "targetPlaces" text[], runbook text,
        disposition text, reason text, "reopenAfterMs" bigint)),
    decided as materialized (
      select i.ordinal, i.status, d.*,
             coalesce(d.decided_at < selfheal_now() - i."reopenAfterMs" * interval '1 millisecond', false)
               or coalesce(fired.delivered_at < ended.last_seen_at and ${wasEnded(sql`ended`)}, false) as expired
        from input i join decided_faults d on d.fault_key = i."faultKey"
        left join alerts fired on fired.fault_key = d.fault_key and fired.status = 'firing'
        left join alerts ended on ended.fault_key = d.fault_key and ended.status = 'resolved'),
    written as (
      insert into alerts (fault_key, status, fingerprint, starts_at, ends_at, labels, annotations, source, target_kind,
                          target_id, target_group, target_places, runbook, disposition, reason, repeats,
                          remediation_id, received_at, last_seen_at)
      select "faultKey", status, fingerprint, "startsAt", "endsAt", labels, annotations, source, "targetKind",
             "targetId", "targetGroup", "targetPlaces", runbook, disposition, reason, times - 1,
             -- The end of a fault belongs to the story of the closed remediation that decided it: how it ended.
             (select d.remediation_id from decided d where d.ordinal = input.ordinal and d.status = 'resolved'),
             selfheal_now(), selfheal_now()
        from input order by "faultKey" collate "C", status
      on conflict (fault_key, status) do update set ${CHANGES}
      returning fault_key, status, disposition)
    select i.ordinal, w.disposition = 'received' as deliver,
           case when d.expired then null else d.remediation_id end as "decidedBy"
      from input i
      join written w on w.fault_key = i."faultKey" and w.status = i.status
      left join decided d on d.ordinal = i.ordinal`.execute(db);
  return found.rows;
}

/**
 * Whether what fires now fires again, and is no old news that was overtaken by the news of its end. Alertmanager ends what
 * Prometheus could not tell it for some minutes, and then has it from the same start on.
 */
const wasEnded = (ended: RawBuilder<unknown>): RawBuilder<boolean> =>
  sql`${ended}.last_seen_at < selfheal_now() - ${OVERTAKEN_WITHIN_MS} * interval '1 millisecond'`;
const OVERTAKEN_WITHIN_MS = 2 * 60_000;

/** A decided fault that has ended and came again since: no repeat any more (law 5). */
export function firesAgain(decided: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql<boolean>`exists (
    select 1 from alerts fired join alerts ended using (fault_key)
     where fired.fault_key = ${decided}.fault_key and fired.status = 'firing' and ended.status = 'resolved'
       and fired.last_seen_at > ${decided}.decided_at and fired.last_seen_at > ended.last_seen_at
       and ${wasEnded(sql`ended`)})`;
}

/**
 * What is known better now. A delivered fact stays what it was delivered as, unless its fault was decided so long ago
 * that it counts as a new one and nobody was told since.
 */
const CHANGES = (() => {
  const expired = sql`exists (select 1 from decided d where d.expired and d.fault_key = excluded.fault_key
    and d.status = excluded.status and d.decided_at >= alerts.delivered_at)`;
  const reopens = sql`(excluded.disposition = 'received' and alerts.status = 'firing' and ${expired})`;
  const stays = sql`alerts.disposition = 'delivered' and not ${reopens}`;
  return sql`
    -- It belongs to the next episode, which is not there yet.
    remediation_id = case when alerts.disposition = 'delivered' and ${reopens} then null else alerts.remediation_id end,
    repeats = alerts.repeats + excluded.repeats + 1,
    last_seen_at = excluded.last_seen_at,
    annotations = excluded.annotations,
    ends_at = coalesce(excluded.ends_at, alerts.ends_at),
    target_kind = case when ${stays} then alerts.target_kind else excluded.target_kind end,
    target_id = case when ${stays} then alerts.target_id else excluded.target_id end,
    target_group = case when ${stays} then alerts.target_group else excluded.target_group end,
    target_places = case when ${stays} then alerts.target_places else excluded.target_places end,
    runbook = case when ${stays} then alerts.runbook else excluded.runbook end,
    reason = case when ${stays} then alerts.reason else excluded.reason end,
    disposition = case when ${stays} then alerts.disposition else excluded.disposition end`;
})();

/** Hostile text (NUL, half surrogate pairs) must not make an alert unacceptable: PostgreSQL's text cannot hold it. */
function storable(value: unknown): unknown {
  if (typeof value === "string") return cleanText(value);
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [storable(key), storable(inner)]));
}

function toInput(fact: Fact, ordinal: number) {
  const { alert, target, runbook, disposition, reason, reopenAfterMs } = fact.last;
  return {
    ordinal,
    times: fact.times,
    faultKey: faultKey(alert),
    status: alert.status,
    fingerprint: alert.fingerprint,
    startsAt: alert.startsAt,
    endsAt: alert.endsAt,
    labels: alert.labels,
    annotations: alert.annotations,
    source: alert.source,
    targetKind: target?.kind ?? null,
    targetId: target?.id ?? null,
    targetGroup: fact.last.group ?? null,
    targetPlaces: fact.last.places ?? [],
    runbook,
    disposition,
    reason,
    reopenAfterMs: reopenAfterMs ?? null,
  };
}

export async function markDelivered(
  db: Database,
  keys: { faultKey: FaultKey; status: Alert["status"] }[],
): Promise<void> {
  if (keys.length === 0) return;
  const [faults, statuses] = [keys.map((key) => key.faultKey), keys.map((key) => key.status)];
  await inTransaction(db, async (tx) => {
    await sql`
      with chosen as materialized (
        select fault_key, status from alerts
         where disposition <> 'delivered'
           and (fault_key, status) in (select * from unnest(${faults}::text[], ${statuses}::text[]))
         order by fault_key, status for update)
      update alerts set disposition = 'delivered', delivered_at = selfheal_now() from chosen
       where alerts.fault_key = chosen.fault_key and alerts.status = chosen.status`.execute(tx);
  });
}

export async function returnToOutbox(db: Database, faults: FaultKey[]): Promise<number> {
  if (faults.length === 0) return 0;
  return inTransaction(db, async (tx) => {
    const returned = await sql`
      with chosen as materialized (
        select fault_key from alerts
         where fault_key = any(${faults}::text[]) and status = 'firing' and disposition = 'delivered'
           and remediation_id is null
         order by fault_key for update)
      update alerts set disposition = 'received' from chosen
       where alerts.fault_key = chosen.fault_key and alerts.status = 'firing'`.execute(tx);
    return Number(returned.numAffectedRows ?? 0);
  });
}

export async function undelivered(db: Session, olderThanMs: number, limit: number): Promise<AlertRow[]> {
  return alertRows(db)
    .where("disposition", "=", "received")
    .where("received_at", "<=", sql<string>`${now} - ${olderThanMs} * interval '1 millisecond'`)
    .orderBy("received_at")
    .limit(limit)
    .execute()
    .then((rows) => rows.map(toAlertRow));
}

export async function listAlerts(db: Session, filter: AlertFilter): Promise<AlertRow[]> {
  const { groups, limit = 100 } = filter;
  if (!groups) return (await newestAlerts(alertRows(db), filter).execute()).map(toAlertRow);
  // Of each group its newest, by an index: of what others have, nothing is read.
  const ofOne = alertRows(db).where(sql<boolean>`target_group = one.name`);
  const { rows } = await sql<StoredAlert>`
    select found.* from unnest(${[...groups]}::text[]) as one (name)
      cross join lateral (${newestAlerts(ofOne, filter)}) found
     order by found.last_seen_at desc, found.fault_key desc, found.status desc limit ${limit}`.execute(db);
  return rows.map(toAlertRow);
}

function newestAlerts(query: ReturnType<typeof alertRows>, filter: AlertFilter): ReturnType<typeof alertRows> {
  const { disposition = filter.unmatched === true ? "unmatched" : undefined, since, after } = filter;
  if (disposition !== undefined) query = query.where("disposition", "=", disposition);
  if (filter.remediationId !== undefined) query = query.where("remediation_id", "=", filter.remediationId);
  if (filter.fingerprint !== undefined) query = query.where("fingerprint", "=", filter.fingerprint);
  if (since !== undefined) query = query.where("last_seen_at", ">=", since);
  if (after !== undefined) {
    const { lastSeenAt, faultKey: fault, status } = after;
    query = query.where(
      sql<boolean>`(last_seen_at, fault_key, status) < (${lastSeenAt}::timestamptz, ${fault}, ${status})`,
    );
  }
  return query
    .orderBy("last_seen_at", "desc")
    .orderBy("fault_key", "desc")
    .orderBy("status", "desc")
    .limit(filter.limit ?? 100);
}

function alertRows(db: Session) {
  return db.selectFrom("alerts").selectAll();
}

type StoredAlert = Awaited<ReturnType<ReturnType<typeof alertRows>["execute"]>>[number];

function toAlertRow(row: StoredAlert): AlertRow {
  const target =
    row.target_kind === null || row.target_id === null ? null : { kind: row.target_kind, id: row.target_id };
  return {
    fingerprint: row.fingerprint,
    status: row.status,
    labels: row.labels,
    annotations: row.annotations,
    startsAt: row.starts_at,
    endsAt: row.ends_at,
    source: row.source,
    receivedAt: row.received_at,
    faultKey: row.fault_key as FaultKey,
    target,
    disposition: row.disposition,
    reason: row.reason,
    remediationId: row.remediation_id,
    repeats: row.repeats,
    lastSeenAt: row.last_seen_at,
  };
}
