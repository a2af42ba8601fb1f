/** A record with a long history, made by the database itself. */
type Sql = (text: string, parameters?: unknown[]) => Promise<unknown>;

/**
 * `count` remediations `r-0000001` … of the last year, each with an alert, a verdict, a plan, an effect, a wait, a
 * decision, a message and five entries of its audit chain (whose hashes are none). One in five hundred is open; one in
 * twenty failed.
 */
export async function fillHistory(sql: Sql, count: number): Promise<void> {
  await sql(STATEMENTS.remediations, [count]);
  await sql("insert into audit_chains (chain, seq, hash) select remediation_id, 5, '' from remediations");
  const { remediations: _, ...others } = STATEMENTS;
  for (const text of Object.values(others)) await sql(text);
  await sql("analyze");
}

const STATEMENTS = {
  remediations: `
    insert into remediations (remediation_id, workflow_id, run_id, target_kind, target_id, runbook, group_name, owner,
      severity, phase, doing, plan_hash, pause_scopes, outcome, detail, opened_at, closed_at)
    select 'r-' || lpad(i::text, 7, '0'), 'heal:host:host-' || i % 5000, 'run', 'host',
           -- An open one has a target of its own: one is open of each.
           case when i % 500 = 0 then 'open-' || i else 'host-' || i % 5000 end,
           'runbook-' || i % 20, 'group-' || i % 50, 'sre', 'warning',
           case when i % 500 = 0 then (array['approve', 'act', 'verify'])[1 + i / 500 % 3] else 'closed' end,
           'doing ' || i, 'hash', '{global}',
           case when i % 500 = 0 then null when i % 20 = 1 then 'failed' else 'healed' end, 'detail ' || i,
           t, case when i % 500 = 0 then null else t + interval '1 hour' end
      from generate_series(1, $1::int) i,
           lateral (select date_trunc('milliseconds',
             timestamptz '2026-01-01' + i * interval '365 days' / $1::int) as t) at`,
  audit: `
    insert into audit (chain, seq, key, at, kind, body, previous_hash, hash)
    select remediation_id, seq, 'k' || seq, opened_at + seq * interval '1 minute',
           (array['opened', 'confirmed', 'verdict', 'effectSettled', 'closed'])[seq],
           '{"phase": "act", "doing": "something that takes a line"}', '', ''
      from remediations, generate_series(1, 5) seq`,
  alerts: `
    insert into alerts (fault_key, status, fingerprint, starts_at, labels, annotations, source, target_kind, target_id,
      target_group, runbook, disposition, remediation_id, received_at, last_seen_at)
    select 'f-' || remediation_id, 'firing', 'f-' || target_id, '', '{"alertname": "SmartDiskFailing"}', '{}', 'test',
           target_kind, target_id, group_name, runbook, 'delivered', remediation_id, opened_at, opened_at
      from remediations`,
  verdicts: `
    insert into verdicts (remediation_id, seq, digest, verdict, catalogue_version, at)
    select remediation_id, 1, 'd', json_build_object('outcome', 'act', 'at', selfheal_iso(opened_at), 'results', '[]'::json),
           'v', opened_at from remediations`,
  plans: `
    insert into plans (remediation_id, plan_hash, plan, saved_at)
    select remediation_id, 'hash', json_build_object('runbook', runbook, 'rungs', '[]'::json, 'limits', '{}'::json,
             'target', json_build_object('kind', target_kind, 'id', target_id),
             'approval', '{"roles": ["ops"]}'::json, 'probe', '{"name": "probe"}'::json), opened_at from remediations`,
  waits: `
    insert into waits (key, remediation_id, system, ref, seen, since, done_at)
    select remediation_id || '/r/dc', remediation_id, 'tickets', remediation_id, 'open', opened_at,
           coalesce(closed_at, opened_at) from remediations`,
  escalations: `
    insert into escalations (remediation_id, key, route, summary, at, sent_at)
    select remediation_id, 'end', 'message', 'it is over', opened_at, opened_at from remediations`,
  effects: `
    insert into effects (key, remediation_id, rung, step, action, direction, attempt, state, request, detail, intent_at,
      settled_at)
    select remediation_id || '/r/s', remediation_id, 'r', 's', 'loadbalancer.drain', 'apply', 1, 'happened',
           '{"pool": "web"}', 'no sessions left', opened_at, opened_at + interval '4 seconds' from remediations`,
  decisions: `
    insert into decisions (remediation_id, plan_hash, person, decision, via, reason, status, detail, at, expires_at)
    select remediation_id, 'hash', 'ada', 'approve', 'api', 'fine', 'counted', '', opened_at, opened_at
      from remediations`,
};
