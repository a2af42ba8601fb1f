/** One-time tokens: a decision that reaches the workflow from outside the API is its person's by one of these. */
import { type Kysely, sql } from "kysely";

const STATEMENTS = [
  `create table decision_tokens (
     token_hash text primary key,
     remediation_id text not null references remediations,
     plan_hash text, person text not null, decision text not null, via text not null,
     issued_at timestamptz not null, expires_at timestamptz not null, used_at timestamptz)`,
  `create index decision_tokens_of on decision_tokens (remediation_id)`,
];

export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
