/** What goes on around a plan's target, of the same moment as the other counts. */
import { sql } from "kysely";
import type { Json } from "../contracts/json.ts";
import { scopeOf } from "../contracts/ids.ts";
import type { Plan } from "../contracts/plan.ts";
import { pauseScopesOf } from "../contracts/scopes.ts";
import type { OutsideReading, SurroundingFacts, SurroundingLimits } from "../contracts/surroundings.ts";
import { UNKNOWN_KIND } from "../contracts/target.ts";
import { isWithin } from "./clock.ts";
import type { Session } from "./pool.ts";
import { namesOf, relatedScopes } from "./scopes.ts";

export async function countSurroundings(
  db: Session,
  remediationId: string,
  plan: Plan,
): Promise<SurroundingFacts | null> {
  const { surroundings } = plan.limits;
  if (surroundings === undefined) return null;
  const [around, alerts] = [
    await countAround(db, remediationId, plan, surroundings),
    await countAlerts(db, remediationId, surroundings),
  ];
  return { ...around, ...alerts };
}

type Around = Omit<SurroundingFacts, "correlated" | "latches" | "alertedAt">;

async function countAround(
  db: Session,
  remediationId: string,
  plan: Plan,
  { dependsOn, slos }: SurroundingLimits,
): Promise<Around> {
  const { target } = plan;
  const mine = pauseScopesOf(plan);
  const names = namesOf(plan);
  const related = relatedScopes(plan, dependsOn);
  const scope = scopeOf.target(target);
  const found = await sql<Omit<Around, "slos"> & { slos: Record<string, OutsideReading<Json>> }>`
    with clock as materialized (select selfheal_now() as now),
    open as (
      select json_build_object('id', id, 'kind', kind, 'scope', scope, 'reason', reason, 'by', by_person,
               'from', selfheal_iso(from_at), 'until', selfheal_iso(until_at)) as one,
             scope = any(${mine}::text[]) as here
        from windows, clock
       where closed_at is null and until_at > clock.now
         and (scope = any(${[...mine, ...dependsOn]}::text[]) or needs && ${names}::text[])
       order by from_at, id),
    busy as (
      select l.scope, count(distinct (r.target_kind, r.target_id))::int as held,
             json_agg(distinct r.target_kind || '/' || r.target_id) filter (where l.state <> 'leftOut') as targets
        from leases l join remediations r using (remediation_id)
       where l.scope = any(${related}::text[]) and l.remediation_id <> ${remediationId}
         and not (r.target_kind = ${target.kind} and r.target_id = ${target.id})
       group by l.scope)
    select coalesce((select json_agg(one) filter (where here) from open), '[]') as windows,
           coalesce((select json_agg(one) filter (where not here) from open), '[]') as "dependencyWindows",
           coalesce((select json_agg(json_build_object('scope', scope, 'targets', targets, 'held', held) order by scope)
             from busy where targets is not null), '[]') as busy,
           (select json_build_object('at', selfheal_iso(at), 'value', value, 'detail', detail) from outside_readings
             where what = 'silences' and about = ${scope}) as silences,
           (select json_build_object('at', selfheal_iso(at), 'value', value, 'detail', detail) from outside_readings
             where what = 'leases' and about = ${scope}) as leases,
           coalesce((select json_object_agg(substr(about, length(${scope}) + 2),
                       json_build_object('at', selfheal_iso(at), 'value', value, 'detail', detail))
             from outside_readings
            where what = 'slo' and about = any(${slos.map((slo) => `${scope} ${slo.name}`)}::text[])), '{}') as slos,
           coalesce((select json_agg(json_build_object('id', id, 'holder', holder, 'reason', reason,
                       'since', selfheal_iso(since), 'until', selfheal_iso(until_at)) order by since, id)
             from holds, clock
            where target_kind = ${target.kind} and target_id = ${target.id} and released_at is null
              and (until_at is null or until_at > clock.now)), '[]') as holds
      from clock`.execute(db);
  return found.rows[0] as unknown as Around;
}

type OfAlerts = Pick<SurroundingFacts, "correlated" | "latches" | "alertedAt">;

/** Alerts count from their ingest on, by the places that their target had then; what was before a reset is forgiven. */
async function countAlerts(db: Session, remediationId: string, { correlation }: SurroundingLimits): Promise<OfAlerts> {
  if (correlation === null) return { correlated: {}, latches: [], alertedAt: null };
  const parents = correlation.parents.map(({ scope, windowMs }) => ({ scope, windowMs }));
  const found = await sql<OfAlerts>`
    select coalesce((select json_object_agg(scope, n) from (
             select p.scope, count(distinct a.target_kind || ' ' || a.target_id)::int as n
               from json_to_recordset(${JSON.stringify(parents)}) as p(scope text, "windowMs" float8)
               left join alerts a on a.status = 'firing' and a.target_id is not null and a.target_kind <> ${UNKNOWN_KIND}
                and p.scope = any(a.target_places)
                and ${isWithin(sql`a.received_at`, sql`p."windowMs"`)}
                and a.received_at > coalesce((select max(reset_at) from breakers b
                      where b.kind = 'correlation' and b.scope = p.scope), '-infinity')
              group by p.scope) counts), '{}') as correlated,
           coalesce((select json_agg(json_build_object('id', id, 'kind', kind, 'scope', scope, 'reason', reason,
                       'trippedAt', selfheal_iso(tripped_at)) order by tripped_at)
             from breakers where kind = 'correlation' and reset_at is null
              and scope = any(${parents.map((one) => one.scope)}::text[])), '[]') as latches,
           (select selfheal_iso(min(received_at)) from alerts
             where remediation_id = ${remediationId} and status = 'firing') as "alertedAt"`.execute(db);
  return found.rows[0] as OfAlerts;
}

export async function saveReading(
  db: Session,
  what: string,
  about: string,
  { value, detail }: { value: Json | null; detail: string },
): Promise<void> {
  const stored = value === null ? null : JSON.stringify(value);
  await sql`
    insert into outside_readings (what, about, at, value, detail)
    values (${what}, ${about}, selfheal_now(), ${stored}::jsonb, ${detail})
    on conflict (what, about) do update
      set at = excluded.at, value = excluded.value, detail = excluded.detail`.execute(db);
}
