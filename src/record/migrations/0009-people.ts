/**
 * What people say: withdrawn and void approvals, standing approvals given by hand, modes, reviews, evidence for a
 * promotion; and the pulse that shows a record which was restored to an older state.
 */
import { type Kysely, sql } from "kysely";

const STATEMENTS = [
  `alter table decisions drop constraint decisions_decision_check,
     drop constraint decisions_status_check`,
  `alter table decisions add constraint decisions_decision_check check (decision in ('approve', 'reject', 'withdraw')),
     add constraint decisions_status_check check (status in ('counted', 'ignored', 'withdrawn', 'void'))`,

  // Declared: by selfheal.yaml, which says itself for how long. By hand: lapses for good when the runbook changes.
  `alter table standing_approvals add column reason text not null default '',
     add column declared boolean not null default true,
     add column withdrawn_by text, add column lapsed_at timestamptz`,
  `create index admissions_by_standing on admissions (standing_id) where standing_id is not null`,

  `create table modes (
     id text collate "C" primary key,
     scope text collate "C" not null,
     mode text not null check (mode in ('observe', 'review', 'auto')),
     declared text check (declared in ('observe', 'review', 'auto')),
     runbook_hash text,
     by_person text not null, reason text not null, at timestamptz not null,
     ended_at timestamptz)`,
  // One word in force a scope.
  `create unique index modes_in_force on modes (scope) where ended_at is null`,

  `create table reviews (
     remediation_id text collate "C" primary key references remediations,
     verdict text not null check (verdict in ('good', 'falsePositive', 'masking')),
     by_person text not null, reason text not null, at timestamptz not null)`,
  `create table attestations (
     id text collate "C" primary key,
     runbook text not null, runbook_hash text not null,
     kind text not null check (kind in ('backtest', 'rehearsal')),
     passed boolean not null, summary text not null, by_person text not null, at timestamptz not null)`,
  `create index attestations_of on attestations (runbook, runbook_hash, kind, at)`,
  `create index decided_faults_of on decided_faults (remediation_id)`,
  `create index remediations_by_closing on remediations (closed_at) where closed_at is not null`,

  `create table pulse (singleton boolean primary key default true check (singleton), beat bigint not null)`,
  `insert into pulse (beat) values (0)`,
];

export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
