/** The first schema. Ids and scopes sort and compare by bytes (COLLATE "C"), whatever the database's own collation. */
import { type Kysely, sql } from "kysely";

const STATEMENTS = [
  // Every time in the record comes from here; tests replace it to move time. Milliseconds, because that is what ISO
  // strings in JSON keep: a time that was read compares equal to the stored one.
  `create function selfheal_now() returns timestamptz language sql volatile
     as $$ select date_trunc('milliseconds', clock_timestamp()) $$`,
  `create function selfheal_iso(moment timestamptz) returns text language sql immutable
     as $$ select to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$`,

  // JSON columns are json, not jsonb: hashes are over the text that was given, and jsonb refuses some of it.
  `create table alerts (
     fault_key text collate "C" not null,
     status text not null check (status in ('firing', 'resolved')),
     fingerprint text not null,
     starts_at text not null,
     ends_at text,
     labels json not null,
     annotations json not null,
     source text not null,
     target_kind text collate "C",
     target_id text collate "C",
     runbook text,
     disposition text not null check (disposition in ('received', 'delivered', 'unmatched', 'ignored')),
     reason text,
     remediation_id text collate "C",
     repeats integer not null default 0,
     received_at timestamptz not null,
     last_seen_at timestamptz not null,
     delivered_at timestamptz,
     primary key (fault_key, status))`,
  `create index alerts_undelivered on alerts (received_at) where disposition = 'received'`,
  `create index alerts_unmatched on alerts (last_seen_at desc) where disposition = 'unmatched'`,
  `create index alerts_newest on alerts (last_seen_at desc)`,
  `create index alerts_of_remediation on alerts (remediation_id) where remediation_id is not null`,

  `create table catalogues (
     version text collate "C" primary key, content json not null, saved_at timestamptz not null)`,
  `create table catalogue_active (
     singleton boolean primary key default true check (singleton),
     version text collate "C" not null references catalogues (version),
     activated_at timestamptz not null)`,

  `create table remediations (
     remediation_id text collate "C" primary key,
     workflow_id text collate "C" not null,
     run_id text not null,
     target_kind text collate "C" not null,
     target_id text collate "C" not null,
     runbook text,
     group_name text not null,
     owner text not null,
     severity text not null,
     phase text not null,
     doing text not null,
     phase_until timestamptz,
     plan_hash text,
     catalogue_version text,
     pause_scopes text[] not null,
     outcome text,
     needs_human boolean not null default false,
     detail text not null default '',
     opened_at timestamptz not null,
     closed_at timestamptz,
     closing_hash text)`,
  // Law 8: this index is the lock.
  `create unique index remediations_open on remediations (target_kind, target_id) where closed_at is null`,
  `create index remediations_of_target on remediations (target_id, target_kind, opened_at desc)`,
  `create index remediations_newest on remediations (opened_at desc)`,
  `create index remediations_of_runbook on remediations (runbook, opened_at desc)`,
  `create table decided_faults (
     fault_key text collate "C" primary key,
     remediation_id text collate "C" not null references remediations,
     decided_at timestamptz not null)`,

  `create table plans (
     remediation_id text collate "C" not null references remediations,
     plan_hash text not null, plan json not null, saved_at timestamptz not null,
     primary key (remediation_id, plan_hash))`,
  `create table verdicts (
     remediation_id text collate "C" not null references remediations,
     seq integer not null, digest text not null, verdict json not null, plan_hash text,
     catalogue_version text not null, at timestamptz not null,
     primary key (remediation_id, seq), unique (remediation_id, digest))`,
  `create table decisions (
     remediation_id text collate "C" not null references remediations,
     plan_hash text not null, person text not null,
     decision text not null check (decision in ('approve', 'reject')),
     via text not null, reason text not null,
     status text not null check (status in ('counted', 'ignored')),
     detail text not null, at timestamptz not null, expires_at timestamptz not null,
     primary key (remediation_id, plan_hash, person, decision))`,

  `create table leases (
     remediation_id text collate "C" not null references remediations,
     scope text collate "C" not null,
     state text not null check (state in ('held', 'orphaned')),
     since timestamptz not null,
     primary key (remediation_id, scope))`,
  `create index leases_of_scope on leases (scope)`,
  `create table queue (
     remediation_id text collate "C" primary key references remediations,
     workflow_id text collate "C" not null,
     severity text not null,
     since timestamptz not null,
     rank_at timestamptz not null,
     seq bigint generated always as identity,
     plan_hash text not null,
     caps json not null,
     scopes text[] not null,
     holds text[] not null,
     wait_until timestamptz)`,
  `create index queue_rank on queue (rank_at, seq)`,
  `create table admissions (
     remediation_id text collate "C" primary key references remediations,
     runbook text not null,
     target_kind text collate "C" not null,
     target_id text collate "C" not null,
     plan_hash text not null,
     scopes text[] not null,
     standing_id text,
     results json not null,
     admitted_at timestamptz not null,
     first_effect_at timestamptz,
     released_at timestamptz)`,
  `create index admissions_of_target on admissions (target_kind, target_id, runbook, admitted_at)`,
  `create index admissions_of_runbook on admissions (runbook, admitted_at)`,

  `create table effects (
     key text collate "C" primary key,
     remediation_id text collate "C" not null references remediations,
     rung text not null, step text not null, action text not null, direction text not null,
     attempt integer not null, state text not null, request json not null, result json, detail text not null,
     intent_at timestamptz not null, settled_at timestamptz)`,
  `create index effects_of_remediation on effects (remediation_id, intent_at)`,
  `create index effects_unsettled on effects (intent_at) where settled_at is null`,
  `create table waits (
     key text collate "C" primary key,
     remediation_id text collate "C" not null references remediations,
     system text not null, ref text not null, seen text not null,
     since timestamptz not null, until_at timestamptz, done_at timestamptz)`,
  `create index waits_open on waits (system) where done_at is null`,
  `create index waits_of_remediation on waits (remediation_id)`,
  `create table escalations (
     remediation_id text collate "C" not null references remediations,
     key text collate "C" not null, route text not null, summary text not null,
     at timestamptz not null, sent_at timestamptz, error text,
     primary key (remediation_id, key))`,

  `create table pauses (
     id text collate "C" primary key,
     scope text collate "C" not null, reason text not null, by_person text not null,
     at timestamptz not null, until_at timestamptz, resumed_at timestamptz)`,
  `create index pauses_active on pauses (scope) where resumed_at is null`,
  `create table standing_approvals (
     id text collate "C" primary key,
     runbook text not null, runbook_hash text not null, group_name text not null, by_person text not null,
     granted_at timestamptz not null, expires_at timestamptz not null,
     max_count integer not null check (max_count > 0),
     used integer not null default 0 check (used <= max_count),
     withdrawn_at timestamptz)`,
  `create index standing_usable on standing_approvals (runbook, group_name) where withdrawn_at is null`,

  `create table audit_chains (chain text collate "C" primary key, seq integer not null, hash text not null)`,
  // What people do to the automation as a whole; every remediation gets a chain of its own.
  `insert into audit_chains (chain, seq, hash) values ('control', 0, '')`,
  `create table audit (
     chain text collate "C" not null references audit_chains,
     seq integer not null, key text not null, at timestamptz not null, kind text not null, body json not null,
     previous_hash text not null, hash text not null,
     primary key (chain, seq), unique (chain, key))`,
  // The chain shows tampering; this stops mistakes.
  `create function selfheal_refuse_change() returns trigger language plpgsql
     as $$ begin raise exception 'the audit chain is only appended to'; end $$`,
  `create trigger audit_append_only before update or delete on audit
     for each row execute function selfheal_refuse_change()`,
];

export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
