/**
 * What the limits over all runbooks count: of others alone, never of the remediation itself. Each function answers
 * columns for `countFacts`, which reads all of them in one statement; `clock.now` is its moment.
 */
import { type RawBuilder, sql } from "kysely";
import type { SharedFacts, WindowUse } from "../contracts/facts.ts";
import { scopeOf } from "../contracts/ids.ts";
import type { Plan, ScopedRate, SharedLimits } from "../contracts/plan.ts";
import { GLOBAL_SCOPE } from "../contracts/scopes.ts";
import { UNKNOWN_KIND } from "../contracts/target.ts";
import { fencedByPause } from "./fenced.ts";
import type { Session } from "./pool.ts";

type Columns = RawBuilder<unknown>;
export type SharedCounted = Omit<SharedFacts, "rates" | "budgets"> & { windows: Window[] };
type Window = WindowUse & { what: "rate" | "cost"; scope: string };

export function sharedColumns(remediationId: string, plan: Plan, shared: SharedLimits): Columns {
  return sql.join([
    ofTarget(remediationId, plan, shared),
    ofWindows(remediationId, plan, shared),
    ofAlerts(remediationId, shared),
    ofFailures(plan, shared),
    ofHealth(remediationId, plan),
  ]);
}

export function sharedFacts({ windows, ...rest }: SharedCounted): SharedFacts {
  const uses = (wanted: Window["what"]): Record<string, WindowUse> =>
    Object.fromEntries(
      windows
        .filter(({ what }) => what === wanted)
        .map(({ scope, count, cost, since }) => [scope, { count, cost, since }]),
    );
  return { ...rest, rates: uses("rate"), budgets: uses("cost") };
}

function ofTarget(remediationId: string, { target }: Plan, shared: SharedLimits): Columns {
  const acted = sql`admissions
       where target_kind = ${target.kind} and target_id = ${target.id}
         and remediation_id <> ${remediationId} and first_effect_at is not null`;
  return sql`
    (select json_build_object('at', selfheal_iso(admitted_at), 'runbook', runbook)
       from ${acted} order by admitted_at desc limit 1) as "targetLastActed",
    (select count(*)::int from ${acted} and admitted_at > ${since(shared.target.attempts?.windowMs ?? 0)})
      as "targetAttempts"`;
}

/** An episode acted when it was admitted and began an effect; one in flight may still begin, so it counts. */
function ofWindows(remediationId: string, { target }: Plan, shared: SharedLimits): Columns {
  const windows = [
    ...shared.rates.map(asWindow("rate", target.group)),
    ...shared.cost.budgets.map(asWindow("cost", target.group)),
  ];
  return sql`
    (select coalesce(json_agg(uses), '[]') from (
       select w.what, w.scope, count(a.remediation_id)::int as count, coalesce(sum(a.cost), 0) as cost,
              selfheal_iso(min(a.admitted_at)) as since
         from json_to_recordset(${JSON.stringify(windows)}) as w(what text, scope text, group_name text, window_ms float8)
         left join admissions a on (w.group_name is null or a.group_name = w.group_name)
          and a.remediation_id <> ${remediationId} and (a.first_effect_at is not null or a.released_at is null)
          and a.admitted_at > clock.now - w.window_ms * interval '1 millisecond'
        group by w.what, w.scope) uses) as windows`;
}

function asWindow(what: Window["what"], group: string) {
  return ({ scope, windowMs }: ScopedRate) => ({
    what,
    scope,
    group_name: scope === GLOBAL_SCOPE ? null : group,
    window_ms: windowMs,
  });
}

/** Alerts count from their ingest on: a storm in one body of the webhook is seen by the first that decides. */
function ofAlerts(remediationId: string, shared: SharedLimits): Columns {
  return sql`
    (select json_build_object('count', count(distinct fault_key)::int, 'lastAt', selfheal_iso(max(received_at)))
       from alerts
      where status = 'firing'
        and fingerprint in (select fingerprint from alerts where remediation_id = ${remediationId})
        and received_at > ${since(shared.flapping?.windowMs ?? 0)}) as firings,
    (select coalesce(json_object_agg(scope, n), '{}') from (
       select s.scope, count(distinct a.target_kind || ' ' || a.target_id)::int as n
         from json_to_recordset(${JSON.stringify(shared.storms)}) as s(scope text, "group" text, "windowMs" float8)
         left join alerts a on a.status = 'firing' and a.target_kind <> ${UNKNOWN_KIND}
          and (s."group" is null or a.target_group = s."group")
          and a.received_at > clock.now - s."windowMs" * interval '1 millisecond'
          and a.received_at > coalesce((select max(reset_at) from breakers b
                where b.kind = 'storm' and b.scope = s.scope), '-infinity')
        group by s.scope) counts) as unhealthy`;
}

/** What failed and was stopped by nobody, or was right in nobody's eyes. Before the breaker's last reset it is forgiven. */
function ofFailures({ target, runbook }: Plan, { errorBudget, storms }: SharedLimits): Columns {
  const scope = errorBudget?.scope ?? "";
  const scopes = [scope, ...storms.map((one) => one.scope)];
  return sql`
    (select (select count(*)::int from remediations r join admissions a using (remediation_id)
              where r.runbook = ${runbook} and r.group_name = ${target.group} and r.outcome in ('failed', 'escalated')
                and a.first_effect_at is not null and r.closed_at > forgiven.at
                and not ${fencedByPause(sql`r.remediation_id`)})
          + (select count(*)::int from reviews w join remediations r using (remediation_id)
               join admissions a using (remediation_id)
              where r.runbook = ${runbook} and r.group_name = ${target.group}
                and r.outcome not in ('failed', 'escalated') and w.verdict in ('falsePositive', 'masking')
                and a.first_effect_at is not null and w.at > forgiven.at)
       from (select greatest(${since(errorBudget?.windowMs ?? 0)},
               (select max(reset_at) from breakers where kind = 'errorBudget' and scope = ${scope})) as at) forgiven) as failures,
    (select coalesce(json_agg(json_build_object('id', id, 'kind', kind, 'scope', scope, 'reason', reason,
              'trippedAt', selfheal_iso(tripped_at)) order by tripped_at), '[]') from breakers
      where reset_at is null and scope = any(${scopes}::text[])) as breakers`;
}

function ofHealth(remediationId: string, { target }: Plan): Columns {
  return sql`
    (select json_build_object(
         'inWork', coalesce(json_agg(id order by id) filter (where not only_left), '[]'),
         'leftOut', coalesce(json_agg(id order by id) filter (where only_left), '[]'),
         'outside', (select json_build_object('at', selfheal_iso(at), 'unhealthy', unhealthy, 'detail', detail)
                       from group_health where kind = ${target.kind} and group_name = ${target.group}))
       from (
         select r.target_id as id, bool_and(l.state = 'leftOut') as only_left
           from leases l join remediations r using (remediation_id)
          where l.scope = ${scopeOf.group(target.group)} and r.target_kind = ${target.kind}
            and r.target_id <> ${target.id} and l.remediation_id <> ${remediationId}
          group by r.target_id) members) as health`;
}

/** The window's beginning. */
function since(windowMs: number): Columns {
  return sql`clock.now - ${windowMs}::float8 * interval '1 millisecond'`;
}

/** Answers the time it was written at. */
export async function saveGroupHealth(
  db: Session,
  { kind, group }: { kind: string; group: string },
  { unhealthy, detail }: { unhealthy: string[] | null; detail: string },
): Promise<string> {
  const found = await sql<{ at: string }>`
    insert into group_health (kind, group_name, at, unhealthy, detail)
    values (${kind}, ${group}, selfheal_now(), ${unhealthy}, ${detail})
    on conflict (kind, group_name) do update
      set at = excluded.at, unhealthy = excluded.unhealthy, detail = excluded.detail
    returning at`.execute(db);
  return (found.rows[0] as { at: string }).at;
}
