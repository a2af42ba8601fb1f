/**
 * The queue as people see it: who waits, for what, behind whom, and who holds what they wait for. A place that a person
 * holds waits for ever (`keepPlace`), which is no time.
 */
import { type RawBuilder, sql } from "kysely";
import type { Severity } from "../contracts/alert.ts";
import type { QueueHolder, QueueRow } from "./api-guards.ts";
import type { LeaseState } from "./api.ts";
import { activePauses } from "./controls.ts";
import type { Session } from "./pool.ts";

interface Waiting {
  remediationId: string;
  workflowId: string;
  kind: string;
  id: string;
  runbook: string | null;
  severity: Severity;
  since: string;
  detail: string;
  until: string | null;
  scopes: string[];
  pauseScopes: string[];
  caps: { scope: string; max: number }[];
}

export async function queueRows(db: Session): Promise<QueueRow[]> {
  const found = await sql<Waiting>`
    select q.remediation_id as "remediationId", q.workflow_id as "workflowId", r.target_kind as kind,
           r.target_id as id, r.runbook, q.severity, q.since, q.detail,
           nullif(q.wait_until, 'infinity') as until, q.scopes, q.caps,
           r.pause_scopes as "pauseScopes"
      from queue q join remediations r using (remediation_id) order by q.rank_at, q.seq`.execute(db);
  const holders = await holdersOf(db, [...new Set(found.rows.flatMap((row) => row.scopes))]);
  const pauses = await activePauses(db);
  return found.rows.map(({ kind, id, caps, pauseScopes, ...row }, index) => ({
    ...row,
    pauses: pauses.filter(({ scope }) => pauseScopes.includes(scope)),
    target: { kind, id },
    position: index + 1,
    caps: caps.map((cap) => ({ ...cap, holders: holders.get(cap.scope) ?? [] })),
  }));
}

async function holdersOf(db: Session, scopes: string[]): Promise<Map<string, QueueHolder[]>> {
  const found = await sql<{
    scope: string;
    remediationId: string;
    kind: string;
    id: string;
    state: LeaseState;
    since: string;
  }>`
    select l.scope, l.remediation_id as "remediationId", r.target_kind as kind, r.target_id as id, l.state, l.since
      from leases l join remediations r using (remediation_id)
     where l.scope = any(${scopes}::text[]) order by l.since, l.remediation_id`.execute(db);
  const holders = new Map<string, QueueHolder[]>();
  for (const { scope, kind, id, ...row } of found.rows) {
    holders.set(scope, [...(holders.get(scope) ?? []), { ...row, target: { kind, id } }]);
  }
  return holders;
}

/**
 * Is the remediation `r` held up by a breaker of this scope? It waits in the queue, or asks a person about a plan that was
 * decided against the open breaker: approved, it would only come to wait.
 */
export function heldUpBy(scope: RawBuilder<string>): RawBuilder<boolean> {
  const latch = sql`'latch:' || ${scope}`;
  return sql<boolean>`(r.closed_at is null and (
    exists (select 1 from queue q where q.remediation_id = r.remediation_id
                                    and (${scope} = any(r.pause_scopes) or ${latch} = any(q.waits_for)))
    or r.phase = 'approve' and exists (
      select 1 from json_array_elements((select v.verdict from verdicts v where v.remediation_id = r.remediation_id
                                          order by v.seq desc limit 1) -> 'results') x
       where x ->> 'code' = 'STORM' and ${scope} = any(r.pause_scopes)
          or exists (select 1 from json_array_elements_text(x -> 'waitsFor') w where w = ${latch}))))`;
}

/** Under a scope that a breaker names; the queue's order, then those that ask a person. */
export async function waitingUnder(
  db: Session,
  scope: string,
): Promise<{ remediationId: string; workflowId: string }[]> {
  const found = await sql<{ remediationId: string; workflowId: string }>`
    select r.remediation_id as "remediationId", r.workflow_id as "workflowId"
      from remediations r left join queue q using (remediation_id)
     where ${heldUpBy(sql`${scope}::text`)} order by q.rank_at nulls last, q.seq, r.opened_at`.execute(db);
  return found.rows;
}
