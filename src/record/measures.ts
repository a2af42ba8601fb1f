/**
 * What the measures are counted from (docs/measures.md): closed remediations in pages, alerts that nothing matched, and how
 * it stands now. Every question goes through an index; test/record/measures.test.ts reads the plans.
 */
import { type RawBuilder, sql } from "kysely";
import type { EffectState } from "../contracts/effect.ts";
import type { EffectDirection } from "../contracts/ids.ts";
import type { JsonObject } from "../contracts/json.ts";
import type { LiveState, Mark, MeasuredRow, Trouble, Unmatched, UnmatchedAlert } from "../contracts/measures.ts";
import type { MeasuredPage, MeasuredWish } from "./api-measures.ts";
import { LAG_SECONDS } from "./audit/lag.ts";
import { readNow } from "./clock.ts";
import type { Session } from "./pool.ts";

/** Rows of one page at most: each of them brings its effects and audit entries along. */
export const MOST_MEASURED = 1_000;
const MOST_UNMATCHED = 20;

type Nested = "target" | "alertnames" | "effects" | "ticketWaits" | "marks" | "codes";
/** Lists come as arrays without names, and times as PostgreSQL writes them: there are very many of them. */
interface Found extends Omit<MeasuredRow, Nested> {
  kind: string;
  id: string;
  alertnames: (string | null)[] | null;
  effects:
    | [
        ...[rung: string, step: string, action: string, direction: EffectDirection, state: EffectState, at: string],
        ...[request: JsonObject | null, result: JsonObject | null],
      ][]
    | null;
  ticketWaits: [from: string, to: string][] | null;
  marks: [kind: Mark["kind"], at: string, what: string | null][] | null;
  codes: string[] | null;
}

export async function measured(db: Session, wish: MeasuredWish): Promise<MeasuredPage> {
  const { rows: found } = await measuredQuery(wish).execute(db);
  const rows = found.map(toMeasuredRow);
  const last = rows.at(-1);
  const more = rows.length === MOST_MEASURED && last !== undefined;
  return { rows, next: more ? { closedAt: last.closedAt, remediationId: last.remediationId } : null };
}

function toMeasuredRow({ kind, id, alertnames, effects, ticketWaits, marks, codes, ...row }: Found): MeasuredRow {
  return {
    ...row,
    target: { kind, id },
    alertnames: (alertnames ?? []).filter((name) => name !== null),
    effects: (effects ?? []).map(([rung, step, action, direction, state, at, request, result]) => {
      return { rung, step, action, direction, state, at: iso(at), request, result };
    }),
    ticketWaits: (ticketWaits ?? []).map(([from, to]) => ({ from: iso(from), to: iso(to) })),
    marks: (marks ?? []).map(([of, at, what]) => ({ kind: of, at: iso(at), what: what ?? "" })),
    codes: codes ?? [],
  };
}

function iso(time: string): string {
  return new Date(time).toISOString();
}

/**
 * `limit 1` where there is one at most: one look by an index for each row, where a join would read the whole table for each
 * page. The audit chain is read of what was admitted only: most remediations end before they have anything to wait for.
 */
export function measuredQuery({ from, to, group, after }: MeasuredWish): RawBuilder<Found> {
  const start = after?.closedAt ?? from;
  return sql<Found>`
    with page as materialized (
      select * from remediations
       where closed_at >= ${start}::timestamptz and closed_at < ${to}::timestamptz
         and (${group}::text is null or group_name = ${group})
         and (closed_at, remediation_id) > (${start}::timestamptz, ${after?.remediationId ?? ""}::text)
       order by closed_at, remediation_id limit ${MOST_MEASURED})
    select r.remediation_id as "remediationId", r.target_kind as kind, r.target_id as id, r.runbook,
           r.group_name as "group", r.owner, r.severity, r.outcome, r.needs_human as "needsHuman",
           r.opened_at as "openedAt", r.closed_at as "closedAt",
           coalesce(al."startedAt", ${startedOfFaults}) as "startedAt", al."receivedAt", al.alertnames,
           (select p.closed_at from remediations p
             where p.target_id = r.target_id and p.target_kind = r.target_kind and p.opened_at < r.opened_at
             order by p.opened_at desc limit 1) as "previousClosedAt",
           ad.first_effect_at as "firstEffectAt", ad.cost, ef.effects, wa.spans as "ticketWaits", au.marks, au."auditLagMs",
           coalesce((select true from decisions d where d.remediation_id = r.remediation_id
                        and d.decision = 'approve' and d.status = 'counted' limit 1), false) as approved,
           (select verdict from reviews v where v.remediation_id = r.remediation_id limit 1) as review,
           ${refusedBy} as codes,
           coalesce((select pruned_by is not null from audit_chains c where c.chain = r.remediation_id), false) as pruned
      from page r
      left join lateral (
        select * from admissions a where a.remediation_id = r.remediation_id limit 1) ad on true
      left join lateral (
        select min(starts_at collate "C") as "startedAt", min(received_at) as "receivedAt",
               array_agg(distinct labels ->> 'alertname') as alertnames
          from alerts where remediation_id = r.remediation_id and status = 'firing') al on true
      left join lateral (${effectsOf}) ef on true
      left join lateral (
        select json_agg(json_build_array(since, coalesce(done_at, r.closed_at)) order by since) as spans
          from waits where remediation_id = r.remediation_id and system = 'tickets') wa on true
      left join lateral (${marksOf}) au on true
      left join lateral (
        select v.verdict ->> 'outcome' as outcome,
               (select array_agg(distinct x ->> 'code') from json_array_elements(v.verdict -> 'results') x
                 where x ->> 'outcome' <> 'pass') as codes
          from verdicts v where v.remediation_id = r.remediation_id and r.outcome = 'refused'
         order by v.seq desc limit 1) ve on true
     order by r.closed_at, r.remediation_id`;
}

/** A fault that was opened again since has taken its alert along; its key holds when it began. */
const startedOfFaults = sql`
  (select min(substring(fault from '@([^@]+)$') collate "C")
     from audit o, json_array_elements_text(o.body -> 'faults') fault
    where o.chain = r.remediation_id and o.key = 'opened')`;

/** What refuses by itself, as a probe without an answer, has no verdict that says so: its detail begins with the code. */
const refusedBy = sql`
  case when r.outcome = 'refused' and ve.outcome is distinct from 'refuse' and r.detail ~ '^[A-Z_]+: '
       then array[split_part(r.detail, ':', 1)] else ve.codes end`;

const effectsOf = sql`
  select json_agg(json_build_array(rung, step, action, direction, state, intent_at,
                    case when action = 'ticket.open' then request end, case when action = 'ticket.open' then result end)
                  order by intent_at, key) as effects
    from effects where remediation_id = r.remediation_id`;

const marksOf = sql`
  select json_agg(json_build_array(kind, at, case kind
             when 'progress' then body ->> 'phase'
             when 'command' then body ->> 'command'
             when 'confirmed' then body -> 'reading' ->> 'state'
             when 'read' then body -> 'readings' -> 0 ->> 'state' end) order by seq)
           filter (where kind <> 'effectSettled') as marks,
         max(${LAG_SECONDS}) * 1000 as "auditLagMs"
    from audit
   where chain = r.remediation_id and ad.remediation_id is not null
     and kind in ('progress', 'held', 'command', 'effectIntended', 'effectSettled', 'confirmed', 'read')
     and (kind <> 'command' or body ->> 'status' = 'counted')`;

/** More than these and there is no pattern to be found, but a breaker. */
const MOST_TROUBLE = 20_000;

export async function trouble(db: Session, since: string): Promise<Trouble[]> {
  const found = await sql<
    Omit<Trouble, "target" | "alertnames"> & { kind: string; id: string; names: string[] | null }
  >`
    select r.remediation_id as "remediationId", r.target_kind as kind, r.target_id as id, r.runbook, r.owner, r.outcome,
           r.closed_at as "closedAt",
           (select array_agg(distinct labels ->> 'alertname') filter (where labels ->> 'alertname' is not null)
              from alerts a where a.remediation_id = r.remediation_id and a.status = 'firing') as names
      from remediations r left join admissions ad on ad.remediation_id = r.remediation_id
     where r.closed_at >= ${since}::timestamptz
       and (ad.first_effect_at is not null or r.needs_human or r.outcome in ('escalated', 'failed'))
     order by r.closed_at desc, r.remediation_id limit ${MOST_TROUBLE}`.execute(db);
  return found.rows.map(({ kind, id, names, ...row }) => ({ ...row, target: { kind, id }, alertnames: names ?? [] }));
}

export async function unmatchedAlerts(db: Session, wish: Omit<MeasuredWish, "after">): Promise<Unmatched> {
  const { rows } = await unmatchedQuery(wish).execute(db);
  return { faults: rows[0]?.all ?? 0, alerts: rows.map(({ all: _, ...alert }) => alert) };
}

/** `all`: the faults of every alertname, those beyond the limit too. */
export function unmatchedQuery({
  from,
  to,
  group,
}: Omit<MeasuredWish, "after">): RawBuilder<UnmatchedAlert & { all: number }> {
  return sql`
    select coalesce(labels ->> 'alertname', '') as alertname, count(*)::int as faults,
           max(last_seen_at) as "lastSeenAt", (sum(count(*)) over ())::int as "all"
      from alerts
     where disposition = 'unmatched' and status = 'firing' and last_seen_at >= ${from}::timestamptz
       and received_at >= ${from}::timestamptz and received_at < ${to}::timestamptz
       and (${group}::text is null or target_group = ${group})
     group by 1 order by 2 desc, 1 limit ${MOST_UNMATCHED}`;
}

/** Reviews that came since, of remediations that may have closed long before. */
export async function reviewsSince(
  db: Session,
  since: string,
): Promise<{ remediationId: string; review: NonNullable<MeasuredRow["review"]> }[]> {
  return db
    .selectFrom("reviews")
    .select(["remediation_id as remediationId", "verdict as review"])
    .where("at", ">=", since)
    .execute();
}

/** Rows that are open or there now: few, and each behind an index of its own. */
export async function liveState(db: Session): Promise<LiveState> {
  const [open, queue, approvals, breakers, unsent, findings, channels, sweep, now] = await Promise.all([
    sql<LiveState["open"][number]>`
      select phase, count(*)::int as remediations, min(opened_at) as "oldestOpenedAt"
        from remediations where closed_at is null group by phase order by phase`.execute(db),
    sql<LiveState["queue"]>`select count(*)::int as waiting, min(since) as "oldestSince" from queue`.execute(db),
    sql<LiveState["approvals"]>`
      select count(*)::int as waiting,
             min((select max(a.at) from audit a where a.chain = r.remediation_id and a.kind = 'progress')) as "oldestSince"
        from remediations r where r.closed_at is null and r.phase = 'approve'`.execute(db),
    sql<LiveState["breakers"][number]>`
      select kind, count(*)::int as open from breakers where reset_at is null group by kind order by kind`.execute(db),
    sql<LiveState["unsent"]>`
      select count(*)::int as escalations, min(at) as "oldestAt"
        from escalations where sent_at is null and (not_before is null or not_before <= selfheal_now())`.execute(db),
    sql<LiveState["findings"][number]>`
      select code, severity, count(*)::int as there from findings where gone_at is null group by 1, 2 order by 1, 2`.execute(
      db,
    ),
    sql<LiveState["channels"][number]>`
      select channel, taken::float8 as taken, failed::float8 as failed from notification_channels order by channel`.execute(
      db,
    ),
    db.selectFrom("sweep_last").select("at").executeTakeFirst(),
    readNow(db),
  ]);
  return {
    open: open.rows,
    queue: queue.rows[0] ?? { waiting: 0, oldestSince: null },
    approvals: approvals.rows[0] ?? { waiting: 0, oldestSince: null },
    breakers: breakers.rows,
    unsent: unsent.rows[0] ?? { escalations: 0, oldestAt: null },
    findings: findings.rows,
    channels: channels.rows,
    lastSweepAt: sweep?.at ?? null,
    now,
  };
}
