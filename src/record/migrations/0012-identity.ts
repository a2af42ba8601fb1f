/** Who asks: tokens of the API (only their hashes), how each decision came, and the signed bodies that were taken. */
import { type Kysely, sql } from "kysely";

const STATEMENTS = [
  `create table api_tokens (
     id text collate "C" primary key,
     name text collate "C" not null,
     subject text not null,
     secret_hash bytea not null,
     roles text[] not null check (roles <@ array['viewer', 'operator', 'approver', 'admin'] and roles <> '{}'),
     groups text[] check (groups <> '{}'),
     created_by text not null, created_at timestamptz not null,
     expires_at timestamptz not null,
     revoked_at timestamptz, revoked_by text,
     last_used_at timestamptz)`,
  // A name may be used again once its token is revoked.
  `create unique index api_tokens_in_force on api_tokens (name) where revoked_at is null`,

  // Who the API knew the person as when it gave the token out; null: nobody was asked.
  `alter table decision_tokens add column identity text`,

  `create table signed_bodies (
     digest text collate "C" primary key,
     source text not null, taken_at timestamptz not null)`,
  `create index signed_bodies_by_time on signed_bodies (taken_at)`,
];

export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
