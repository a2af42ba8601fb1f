/**
 * What the limits over all runbooks count: groups of alerts and admissions, costs, breakers, the health of groups; and
 * leases of targets that a closed remediation left out of service.
 */
import { type Kysely, sql } from "kysely";

const STATEMENTS = [
  `alter table alerts add column target_group text collate "C"`,
  `create index alerts_of_targets on alerts (received_at) where status = 'firing' and target_id is not null`,
  `create index alerts_by_fingerprint on alerts (fingerprint, received_at)`,
  `alter table admissions add column group_name text collate "C" not null default '',
     add column cost double precision not null default 0`,
  `create index admissions_newest on admissions (admitted_at)`,
  `create index remediations_failed on remediations (runbook, group_name, closed_at)
     where outcome in ('failed', 'escalated')`,
  `alter table leases drop constraint leases_state_check`,
  `alter table leases add constraint leases_state_check check (state in ('held', 'orphaned', 'leftOut'))`,
  `alter table queue add column detail text not null default ''`,
  `create table breakers (
     id text collate "C" primary key,
     kind text not null check (kind in ('storm', 'errorBudget')),
     scope text collate "C" not null, reason text not null,
     remediation_id text collate "C" not null references remediations,
     tripped_at timestamptz not null,
     reset_at timestamptz, reset_by text, reset_reason text, reset_how text)`,
  // The latch: of each kind and scope there is one at most, whoever trips it at the same time.
  `create unique index breakers_open on breakers (kind, scope) where reset_at is null`,
  `create index breakers_reset on breakers (kind, scope, reset_at)`,
  `create table group_health (
     kind text collate "C" not null, group_name text collate "C" not null,
     at timestamptz not null, unhealthy text[], detail text not null,
     primary key (kind, group_name))`,
];

export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
