/** What the sweeper found, and what its questions need: unsent escalations with their tries, recent drains. */
import { type Kysely, sql } from "kysely";

const STATEMENTS = [
  `create table findings (
     key text collate "C" primary key,
     code text not null, part text not null, severity text not null check (severity in ('info', 'warn', 'page')),
     sentence text not null, ids json not null, safe boolean not null, done text, next text not null,
     first_seen_at timestamptz not null, last_seen_at timestamptz not null, gone_at timestamptz,
     told_at timestamptz, tell_attempts integer not null default 0, tell_tried_at timestamptz, tell_error text)`,
  `create index findings_there on findings (first_seen_at) where gone_at is null`,
  `create index findings_gone on findings (gone_at) where gone_at is not null`,
  `create table sweep_last (
     singleton boolean primary key default true check (singleton),
     at timestamptz not null, failures text[] not null, temporal_lag_ms integer)`,
  `alter table escalations add column attempts integer not null default 0`,
  `alter table escalations add column tried_at timestamptz`,
  `create index escalations_unsent on escalations (at) where sent_at is null`,
  `create index effects_by_action on effects (action, intent_at desc)`,
];

export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
