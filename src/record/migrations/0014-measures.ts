/**
 * What was learnt from closed remediations: postmortems, problem tickets, reports that were sent; and the indexes that
 * spare their questions a walk through history.
 */
import { type Kysely, sql } from "kysely";

const STATEMENTS = [
  `create index reviews_newest on reviews (at)`,
  `create index remediations_to_learn_from on remediations (closed_at)
     where closed_at is not null and (needs_human or outcome in ('escalated', 'failed'))`,

  `create table postmortems (
     remediation_id text collate "C" primary key references remediations,
     owner text not null, markdown text not null, made_at timestamptz not null,
     sent_at timestamptz, attempts integer not null default 0, tried_at timestamptz, error text)`,
  `create index postmortems_unsent on postmortems (made_at) where sent_at is null`,

  `create table reports (
     period text primary key,
     report json not null, markdown text not null, csv text not null, made_at timestamptz not null,
     sent_at timestamptz, attempts integer not null default 0, tried_at timestamptz, error text)`,

  `create table problems (
     key text collate "C" primary key,
     pattern text collate "C" not null,
     title text not null, body text not null, queue text not null, owner text not null,
     found_at timestamptz not null, sent_at timestamptz,
     ticket_id text, url text, closed_at timestamptz, error text)`,
  // One open problem of each pattern, whoever finds it at the same time.
  `create unique index problems_open on problems (pattern) where closed_at is null`,
  `create table problem_remediations (
     problem_key text collate "C" not null references problems,
     remediation_id text collate "C" not null references remediations,
     at timestamptz not null, noted_at timestamptz,
     primary key (problem_key, remediation_id))`,
  `create index problems_of_remediation on problem_remediations (remediation_id)`,
  `create index problem_remediations_unnoted on problem_remediations (problem_key) where noted_at is null`,
];

export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
