/** Who waits for room is not kept out for ever by plans that have no cap there. */
import { type Kysely, sql } from "kysely";

const STATEMENTS = [
  // Of what was taken before nobody knows: as capped it counts as ever, and nobody waits because of it.
  `alter table leases add column capped boolean not null default true`,
  // A row of before says it when it asks next.
  `alter table queue add column leases text[] collate "C" not null default '{}'`,
];

export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
