/** Alerts that were delivered and belong to no remediation: few at any time, and the sweeper asks for them each minute. */
import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(
      `create index alerts_unattached on alerts (delivered_at)
         where status = 'firing' and disposition = 'delivered' and remediation_id is null`,
    )
    .execute(db);
}
