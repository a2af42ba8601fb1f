/** A caller confined to some groups lists their alerts without reading what others have. */
import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<never>): Promise<void> {
  await sql`create index alerts_of_group on alerts
    (target_group, last_seen_at desc, fault_key desc, status desc)`.execute(db);
}
