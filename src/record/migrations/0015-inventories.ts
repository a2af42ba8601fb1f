/** The inventory is by far the largest part of a catalogue, and most edits leave it as it is: it is kept once. */
import { type Kysely, sql } from "kysely";

const STATEMENTS = [
  `create table inventories (hash text collate "C" primary key, document json not null)`,
  // null: all of it stands in the content, as it does in what was saved before.
  `alter table catalogues add column inventory text collate "C" references inventories (hash)`,
];

export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
