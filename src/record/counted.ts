/**
 * The facts that policy counts, all of them in one statement: an admission counts behind the lock that all others wait
 * for. Within an admission they are of one moment, because everything that changes them goes
 * through the admission lock; alerts alone still come in.
 */
import { sql } from "kysely";
import type { ModeSet } from "../contracts/autonomy.ts";
import type { CountedFacts, Pause, StandingApproval } from "../contracts/facts.ts";
import type { Plan } from "../contracts/plan.ts";
import type { Session } from "./pool.ts";
import { sharedColumns, type SharedCounted, sharedFacts } from "./counted-shared.ts";
import { countSurroundings } from "./counted-surroundings.ts";
import { leasedScopes } from "./scopes.ts";

interface Counted {
  now: string;
  lastActedAt: string | null;
  attempts: number;
  rateUsed: number;
  rateSince: string | null;
  held: Record<string, { all: number; left: number }> | null;
  openElsewhere: string | null;
  standing: StandingApproval | null;
  approvedBy: string[];
  pauses: Pause[];
  shared: SharedCounted | null;
  modes: ModeSet[];
}

const MODES_IN_FORCE = sql`
  (select coalesce(json_agg(json_build_object('id', id, 'scope', scope, 'mode', mode, 'declared', declared,
            'runbookHash', runbook_hash, 'by', by_person, 'reason', reason, 'at', selfheal_iso(at))), '[]')
     from modes where ended_at is null)`;
/** Reads `clock`. */
const PAUSES_IN_FORCE = sql`
  (select coalesce(json_agg(json_build_object('id', id, 'scope', scope, 'reason', reason, 'by', by_person,
            'at', selfheal_iso(at), 'until', selfheal_iso(until_at)) order by at), '[]')
     from pauses where resumed_at is null and (until_at is null or until_at > clock.now))`;

export async function countFacts(
  db: Session,
  remediationId: string,
  plan: Plan,
  planHash: string,
): Promise<{ counted: CountedFacts; now: string; modes: ModeSet[] }> {
  const scopes = leasedScopes(plan);
  const { target, runbook } = plan;
  const { attempts, rate, shared } = plan.limits;
  const ofShared =
    shared === undefined
      ? sql`null::json`
      : sql`(select to_json(counted) from (select ${sharedColumns(remediationId, plan, shared)}) counted)`;
  // An episode acted when it was admitted and began an effect; one in flight may still begin, so the rate counts it.
  const found = await sql<Counted>`
    with clock as materialized (select selfheal_now() as now),
    acted as (
      select admitted_at from admissions
       where target_kind = ${target.kind} and target_id = ${target.id} and runbook = ${runbook}
         and remediation_id <> ${remediationId} and first_effect_at is not null),
    rated as (
      select admitted_at from admissions, clock
       where runbook = ${runbook} and remediation_id <> ${remediationId}
         and (first_effect_at is not null or released_at is null)
         and admitted_at > clock.now - ${rate?.windowMs ?? 0}::float8 * interval '1 millisecond')
    select selfheal_iso(clock.now) as now,
      (select selfheal_iso(max(admitted_at)) from acted) as "lastActedAt",
      (select count(*)::int from acted
        where admitted_at > clock.now - ${attempts.windowMs}::float8 * interval '1 millisecond') as attempts,
      (select count(*)::int from rated) as "rateUsed",
      (select selfheal_iso(min(admitted_at)) from rated) as "rateSince",
      (select json_object_agg(scope, json_build_object('all', n, 'left', left_out)) from (
         select scope, count(*)::int as n, (count(*) filter (where only_left))::int as left_out from (
           select l.scope, r.target_kind, r.target_id, bool_and(l.state = 'leftOut') as only_left
             from leases l join remediations r using (remediation_id)
            where l.scope = any(${scopes}::text[]) and l.remediation_id <> ${remediationId}
              and not (l.state = 'leftOut' and r.target_kind = ${target.kind} and r.target_id = ${target.id})
            group by 1, 2, 3) of_target group by scope) s) as held,
      (select remediation_id from remediations
        where target_kind = ${target.kind} and target_id = ${target.id} and closed_at is null
          and remediation_id <> ${remediationId} limit 1) as "openElsewhere",
      (select json_build_object('id', id, 'runbook', runbook, 'runbookHash', runbook_hash, 'group', group_name,
                'by', by_person, 'expiresAt', selfheal_iso(expires_at), 'maxCount', max_count, 'used', used)
         from standing_approvals
        where runbook = ${runbook} and runbook_hash = ${plan.runbookHash} and group_name = ${target.group}
          and withdrawn_at is null and lapsed_at is null and expires_at > clock.now and used < max_count
        order by expires_at, id limit 1) as standing,
      (select coalesce(json_agg(person order by at), '[]') from decisions
        where remediation_id = ${remediationId} and plan_hash = ${planHash} and decision = 'approve'
          and status = 'counted' and expires_at > clock.now) as "approvedBy",
      ${PAUSES_IN_FORCE} as pauses,
      ${MODES_IN_FORCE} as modes,
      ${ofShared} as shared
      from clock`.execute(db);
  const { now, held, modes, shared: ofAll, ...rest } = found.rows[0] as Counted;
  const number = (of: "all" | "left") => Object.fromEntries(scopes.map((scope) => [scope, held?.[scope]?.[of] ?? 0]));
  const others = ofAll === null ? null : sharedFacts(ofAll);
  const surroundings = await countSurroundings(db, remediationId, plan);
  const counted = { ...rest, held: number("all"), leftOut: number("left"), shared: others, surroundings };
  return { counted, now, modes };
}
