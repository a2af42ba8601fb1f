/** Signed bodies that were taken, for as long as their time stamp would let them in again. */
import { sql } from "kysely";
import { now } from "./clock.ts";
import type { Database, Session } from "./pool.ts";

export async function signedBodySeen(db: Session, digest: string): Promise<boolean> {
  const row = await db.selectFrom("signed_bodies").select("digest").where("digest", "=", digest).executeTakeFirst();
  return row !== undefined;
}

export async function signedBodyTaken(
  db: Database,
  { digest, source, keepMs }: { digest: string; source: string; keepMs: number },
): Promise<boolean> {
  const taken = await db
    .insertInto("signed_bodies")
    .values({ digest, source, taken_at: now })
    .onConflict((conflict) => conflict.column("digest").doNothing())
    .returning("digest")
    .executeTakeFirst();
  // Whoever meets rows that another one deletes passes over them: nobody waits.
  await sql`delete from signed_bodies where digest in (
              select digest from signed_bodies where taken_at < (select selfheal_now()) - ${keepMs} * interval '1 millisecond'
               limit 1000 for update skip locked)`.execute(db);
  return taken !== undefined;
}
