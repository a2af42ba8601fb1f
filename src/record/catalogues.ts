/** Catalogue versions by hash, and the one that is active (design §3 law 10). */
import type { Json } from "../contracts/json.ts";
import { appendAudit, CONTROL_CHAIN } from "./audit.ts";
import { now } from "./clock.ts";
import { RecordConflict } from "./errors.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";

/** A version is the hash of its content: one that is there already is the same. */
export async function saveCatalogue(db: Session, version: string, content: Json): Promise<void> {
  // With a large inventory its content is megabytes: it is not sent again.
  const known = await db.selectFrom("catalogues").select("version").where("version", "=", version).executeTakeFirst();
  if (known !== undefined) return;
  await db
    .insertInto("catalogues")
    .values({ version, content: JSON.stringify(content), saved_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function activateCatalogue(db: Database, version: string): Promise<void> {
  await inTransaction(db, async (tx) => {
    const known = await tx.selectFrom("catalogues").select("version").where("version", "=", version).executeTakeFirst();
    if (known === undefined) throw new RecordConflict(`catalogue ${version} is not in the record: save it first`);
    const changed = await tx
      .insertInto("catalogue_active")
      .values({ version, activated_at: now })
      .onConflict((conflict) =>
        conflict
          .column("singleton")
          .doUpdateSet({ version, activated_at: now })
          .where("catalogue_active.version", "<>", version),
      )
      .returning("activated_at")
      .executeTakeFirst();
    if (changed === undefined) return;
    const key = `catalogue:${version}:${changed.activated_at}`;
    await appendAudit(tx, { chain: CONTROL_CHAIN, key, kind: "catalogueActivated", body: { version } });
  });
}

export async function activeVersion(db: Session): Promise<string | null> {
  const row = await db.selectFrom("catalogue_active").select("version").executeTakeFirst();
  return row?.version ?? null;
}

export async function catalogue(db: Session, version: string): Promise<Json | null> {
  const row = await db.selectFrom("catalogues").select("content").where("version", "=", version).executeTakeFirst();
  return row?.content ?? null;
}
