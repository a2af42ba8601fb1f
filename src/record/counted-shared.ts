/** What the limits over all runbooks count: of others alone, never of the remediation itself. */
import { sql } from "kysely";
import type { Breaker, SharedFacts, WindowUse } from "../contracts/facts.ts";
import { scopeOf } from "../contracts/ids.ts";
import type { Plan, ScopedRate, SharedLimits } from "../contracts/plan.ts";
import { GLOBAL_SCOPE } from "../contracts/scopes.ts";
import { UNKNOWN_KIND } from "../contracts/target.ts";
import type { Session } from "./pool.ts";

export async function countShared(db: Session, remediationId: string, plan: Plan): Promise<SharedFacts | null> {
  const { shared } = plan.limits;
  if (shared === undefined) return null;
  const [ofTarget, windows, ofAlerts, breakers, health] = [
    await countTarget(db, remediationId, plan, shared),
    await countWindows(db, remediationId, plan, shared),
    await countAlerts(db, remediationId, shared),
    await countFailures(db, plan, shared),
    await countHealth(db, remediationId, plan),
  ];
  return { ...ofTarget, ...windows, ...ofAlerts, ...breakers, health };
}

type OfTarget = Pick<SharedFacts, "targetLastActed" | "targetAttempts">;

async function countTarget(
  db: Session,
  remediationId: string,
  { target }: Plan,
  shared: SharedLimits,
): Promise<OfTarget> {
  const found = await sql<OfTarget>`
    with clock as materialized (select selfheal_now() as now),
    acted as (
      select runbook, admitted_at from admissions
       where target_kind = ${target.kind} and target_id = ${target.id}
         and remediation_id <> ${remediationId} and first_effect_at is not null)
    select (select json_build_object('at', selfheal_iso(admitted_at), 'runbook', runbook)
              from acted order by admitted_at desc limit 1) as "targetLastActed",
           (select count(*)::int from acted
             where admitted_at > clock.now - ${shared.target.attempts?.windowMs ?? 0}::float8 * interval '1 millisecond')
             as "targetAttempts"
      from clock`.execute(db);
  return found.rows[0] as OfTarget;
}

/** An episode acted when it was admitted and began an effect; one in flight may still begin, so it counts. */
async function countWindows(
  db: Session,
  remediationId: string,
  { target }: Plan,
  shared: SharedLimits,
): Promise<Pick<SharedFacts, "rates" | "budgets">> {
  const windows = [
    ...shared.rates.map(asWindow("rate", target.group)),
    ...shared.cost.budgets.map(asWindow("cost", target.group)),
  ];
  if (windows.length === 0) return { rates: {}, budgets: {} };
  const found = await sql<WindowUse & { what: string; scope: string }>`
    select w.what, w.scope, count(a.remediation_id)::int as count, coalesce(sum(a.cost), 0) as cost,
           selfheal_iso(min(a.admitted_at)) as since
      from json_to_recordset(${JSON.stringify(windows)}) as w(what text, scope text, group_name text, window_ms float8)
      left join admissions a on (w.group_name is null or a.group_name = w.group_name)
       and a.remediation_id <> ${remediationId} and (a.first_effect_at is not null or a.released_at is null)
       and a.admitted_at > selfheal_now() - w.window_ms * interval '1 millisecond'
     group by w.what, w.scope`.execute(db);
  const uses = (what: string): Record<string, WindowUse> =>
    Object.fromEntries(
      found.rows
        .filter((row) => row.what === what)
        .map(({ scope, count, cost, since }) => [scope, { count, cost, since }]),
    );
  return { rates: uses("rate"), budgets: uses("cost") };
}

function asWindow(what: string, group: string) {
  return ({ scope, windowMs }: ScopedRate) => ({
    what,
    scope,
    group_name: scope === GLOBAL_SCOPE ? null : group,
    window_ms: windowMs,
  });
}

type OfAlerts = Pick<SharedFacts, "firings" | "unhealthy">;

/** Alerts count from their ingest on: a storm in one body of the webhook is seen by the first that decides. */
async function countAlerts(db: Session, remediationId: string, shared: SharedLimits): Promise<OfAlerts> {
  const found = await sql<OfAlerts>`
    with clock as materialized (select selfheal_now() as now),
    firing as (
      select count(distinct fault_key)::int as count, selfheal_iso(max(received_at)) as "lastAt" from alerts, clock
       where status = 'firing'
         and fingerprint in (select fingerprint from alerts where remediation_id = ${remediationId})
         and received_at > clock.now - ${shared.flapping?.windowMs ?? 0}::float8 * interval '1 millisecond')
    select (select json_build_object('count', count, 'lastAt', "lastAt") from firing) as firings,
           coalesce((select json_object_agg(scope, n) from (
             select s.scope, count(distinct a.target_kind || ' ' || a.target_id)::int as n
               from clock, json_to_recordset(${JSON.stringify(shared.storms)}) as s(scope text, "group" text, "windowMs" float8)
               left join alerts a on a.status = 'firing' and a.target_kind <> ${UNKNOWN_KIND}
                and (s."group" is null or a.target_group = s."group")
                and a.received_at > selfheal_now() - s."windowMs" * interval '1 millisecond'
                and a.received_at > coalesce((select max(reset_at) from breakers b
                      where b.kind = 'storm' and b.scope = s.scope), '-infinity')
              group by s.scope) counts), '{}'::json) as unhealthy
      from clock`.execute(db);
  return found.rows[0] as OfAlerts;
}

/** Failures before the breaker's last reset are forgiven. */
async function countFailures(
  db: Session,
  { target, runbook }: Plan,
  { errorBudget, storms }: SharedLimits,
): Promise<Pick<SharedFacts, "failures" | "breakers">> {
  const scope = errorBudget?.scope ?? "";
  const scopes = [scope, ...storms.map((one) => one.scope)];
  const failed = await sql<{ n: number }>`
    select count(*)::int as n from remediations r join admissions a using (remediation_id)
     where r.runbook = ${runbook} and r.group_name = ${target.group} and r.outcome in ('failed', 'escalated')
       and a.first_effect_at is not null
       and r.closed_at > selfheal_now() - ${errorBudget?.windowMs ?? 0}::float8 * interval '1 millisecond'
       and r.closed_at > coalesce((select max(reset_at) from breakers b
             where b.kind = 'errorBudget' and b.scope = ${scope}), '-infinity')`.execute(db);
  const open = await sql<Breaker>`
    select id, kind, scope, reason, tripped_at as "trippedAt" from breakers
     where reset_at is null and scope = any(${scopes}::text[]) order by tripped_at`.execute(db);
  return { failures: failed.rows[0]?.n ?? 0, breakers: open.rows };
}

async function countHealth(db: Session, remediationId: string, { target }: Plan): Promise<SharedFacts["health"]> {
  const found = await sql<SharedFacts["health"]>`
    with members as (
      select r.target_id as id, bool_and(l.state = 'leftOut') as only_left
        from leases l join remediations r using (remediation_id)
       where l.scope = ${scopeOf.group(target.group)} and r.target_kind = ${target.kind}
         and r.target_id <> ${target.id} and l.remediation_id <> ${remediationId}
       group by r.target_id)
    select coalesce((select json_agg(id order by id) from members where not only_left), '[]') as "inWork",
           coalesce((select json_agg(id order by id) from members where only_left), '[]') as "leftOut",
           (select json_build_object('at', selfheal_iso(at), 'unhealthy', unhealthy, 'detail', detail) from group_health
             where kind = ${target.kind} and group_name = ${target.group}) as outside`.execute(db);
  return found.rows[0] as SharedFacts["health"];
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
