/** Catalogue versions by hash, and the one that is active (design §3 law 10). */
import { createHash } from "node:crypto";
import { isJsonObject, type Json } from "../contracts/json.ts";
import type { CatalogueOrigin } from "./api.ts";
import { appendControl } from "./audit.ts";
import { now } from "./clock.ts";
import { RecordConflict } from "./errors.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";

/** A version is the hash of its content: one that is there already is the same. */
export async function saveCatalogue(db: Database, version: string, content: Json): Promise<void> {
  // With a large inventory its content is megabytes: it is not sent again.
  const known = await db.selectFrom("catalogues").select("version").where("version", "=", version).executeTakeFirst();
  if (known !== undefined) return;
  const { rest, inventory } = apart(content);
  await inTransaction(db, async (tx) => {
    if (inventory !== null) await saveInventory(tx, inventory);
    const row = { version, content: JSON.stringify(rest), inventory: inventory?.hash ?? null, saved_at: now };
    await tx
      .insertInto("catalogues")
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  });
}

interface Inventory {
  hash: string;
  document: string;
}

async function saveInventory(tx: Session, { hash, document }: Inventory): Promise<void> {
  const known = await tx.selectFrom("inventories").select("hash").where("hash", "=", hash).executeTakeFirst();
  if (known !== undefined) return;
  await tx
    .insertInto("inventories")
    .values({ hash, document })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** The inventory by itself, which most edits leave as it is; null stands in its place. */
function apart(content: Json): { rest: Json; inventory: Inventory | null } {
  const inventory = isJsonObject(content) ? content["inventory"] : undefined;
  if (!isJsonObject(content) || !isJsonObject(inventory)) return { rest: content, inventory: null };
  const document = JSON.stringify(inventory);
  const hash = createHash("sha256").update(document).digest("hex");
  return { rest: { ...content, inventory: null }, inventory: { hash, document } };
}

export async function activateCatalogue(db: Database, version: string, origin: CatalogueOrigin | null): Promise<void> {
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
    await appendControl(tx, {
      key,
      kind: "catalogueActivated",
      body: { version, origin: origin === null ? null : { ...origin } },
    });
  });
}

export async function activeVersion(db: Session): Promise<string | null> {
  const row = await db.selectFrom("catalogue_active").select("version").executeTakeFirst();
  return row?.version ?? null;
}

export async function catalogue(db: Session, version: string): Promise<Json | null> {
  const row = await db
    .selectFrom("catalogues")
    .leftJoin("inventories", "inventories.hash", "catalogues.inventory")
    .select(["catalogues.content", "inventories.document"])
    .where("version", "=", version)
    .executeTakeFirst();
  if (row === undefined) return null;
  return isJsonObject(row.content) && row.document !== null ? { ...row.content, inventory: row.document } : row.content;
}
