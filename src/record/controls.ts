/** Pauses: what people stop. Audited in the chain `control`. */
import { randomUUID } from "node:crypto";
import { type Expression, sql, type SqlBool } from "kysely";
import type { Pause } from "../contracts/facts.ts";
import { appendControl } from "./audit.ts";
import { now } from "./clock.ts";
import { lockAdmission, lockPauses } from "./locks.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import { mayAskAgain } from "./queue.ts";

/** Once it has returned, no apply in its scope begins. A second pause by the same person for the same reason is one. */
export async function pause(
  db: Database,
  wish: { scope: string; reason: string; by: string; until: string | null },
): Promise<Pause> {
  return inTransaction(db, async (tx) => {
    await lockPauses(tx);
    const known = (await activePauses(tx)).find(
      (one) => one.scope === wish.scope && one.reason === wish.reason && one.by === wish.by && one.until === wish.until,
    );
    if (known !== undefined) return known;
    const id = randomUUID();
    const { scope, reason, by, until } = wish;
    const row = { id, scope, reason, by_person: by, at: now, until_at: until };
    const made = await tx.insertInto("pauses").values(row).returning(["at", "until_at"]).executeTakeFirstOrThrow();
    await appendControl(tx, {
      key: `pause:${id}`,
      kind: "paused",
      body: { id, scope, reason, by, until },
    });
    return { id, scope, reason, by, at: made.at, until: made.until_at };
  });
}

export async function resume(db: Database, id: string, by: string): Promise<void> {
  await inTransaction(db, async (tx) => {
    await lockAdmission(tx);
    await lockPauses(tx);
    const lifted = await tx
      .updateTable("pauses")
      .set({ resumed_at: now })
      .where("id", "=", id)
      .where("resumed_at", "is", null)
      .returning("scope")
      .executeTakeFirst();
    if (lifted === undefined) return;
    const body = { id, scope: lifted.scope, by };
    await appendControl(tx, { key: `resume:${id}`, kind: "resumed", body });
    await mayAskAgain(tx, [`pause:${id}`]);
  });
}

export async function activePauses(db: Session): Promise<Pause[]> {
  const active: Expression<SqlBool> = sql`resumed_at is null and (until_at is null or until_at > selfheal_now())`;
  return db
    .selectFrom("pauses")
    .select(["id", "scope", "reason", "by_person as by", "at", "until_at as until"])
    .where(active)
    .orderBy("at")
    .orderBy("id")
    .execute();
}
