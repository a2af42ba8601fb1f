/** The one Temporal namespace that this record belongs to. */
import { type Kysely, sql } from "kysely";

const STATEMENTS = [
  `create table temporal_home (
     singleton boolean primary key default true check (singleton),
     namespace_id text not null check (namespace_id <> ''), namespace text not null, address text not null,
     since timestamptz not null, by_person text)`,
];

export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
