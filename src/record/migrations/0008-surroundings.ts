/** What goes on around a target: windows, holds of other systems, what was read outside, parents of correlated alerts. */
import { type Kysely, sql } from "kysely";

const STATEMENTS = [
  `create table windows (
     id text collate "C" primary key,
     kind text not null check (kind in ('maintenance', 'deploy')),
     scope text collate "C" not null,
     needs text[] not null default '{}',
     reason text not null, by_person text not null,
     from_at timestamptz not null, until_at timestamptz not null, check (until_at > from_at),
     opened_at timestamptz not null,
     closed_at timestamptz, closed_by text)`,
  `create index windows_open on windows (until_at) where closed_at is null`,
  `create table holds (
     id text collate "C" primary key,
     target_kind text collate "C" not null, target_id text collate "C" not null,
     holder text not null, reason text not null,
     since timestamptz not null, until_at timestamptz,
     released_at timestamptz, released_by text)`,
  // One hold of each holder on each target: a renewal changes it.
  `create unique index holds_open on holds (target_kind, target_id, holder) where released_at is null`,
  `create table outside_readings (
     what text collate "C" not null, about text collate "C" not null,
     at timestamptz not null, value jsonb, detail text not null,
     primary key (what, about))`,
  `alter table alerts add column target_places text[] not null default '{}'`,
  `alter table breakers drop constraint breakers_kind_check`,
  `alter table breakers add constraint breakers_kind_check check (kind in ('storm', 'errorBudget', 'correlation'))`,
  `alter table queue add column waits_for text[] not null default '{}'`,
  // A page about what lies in a window goes out at its end.
  `alter table escalations add column not_before timestamptz, add column held_for text`,
];

export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
