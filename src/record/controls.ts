/** What people do to the automation as a whole: pauses and standing approvals. Audited in the chain `control`. */
import { randomUUID } from "node:crypto";
import { type Expression, sql, type SqlBool } from "kysely";
import type { Pause, StandingApproval } from "../contracts/facts.ts";
import { appendAudit, CONTROL_CHAIN } from "./audit.ts";
import { now } from "./clock.ts";
import { lockAdmission, lockPauses } from "./locks.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import { mayAskAgain } from "./waiting.ts";

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
    await appendAudit(tx, {
      chain: CONTROL_CHAIN,
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
    await appendAudit(tx, { chain: CONTROL_CHAIN, key: `resume:${id}`, kind: "resumed", body });
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

/** With an id of the caller's, a second call changes nothing: not even when it was withdrawn or used up since. */
export async function grantStanding(
  db: Database,
  approval: Omit<StandingApproval, "id" | "used">,
  id: string = randomUUID(),
): Promise<StandingApproval> {
  return inTransaction(db, async (tx) => {
    const { runbook, runbookHash, group, by, expiresAt, maxCount } = approval;
    const granted = await tx
      .insertInto("standing_approvals")
      .values({
        id,
        runbook,
        runbook_hash: runbookHash,
        group_name: group,
        by_person: by,
        granted_at: now,
        expires_at: expiresAt,
        max_count: maxCount,
        used: 0,
      })
      .onConflict((conflict) => conflict.column("id").doNothing())
      .returning("id")
      .executeTakeFirst();
    if (granted === undefined) return { id, used: 0, ...approval };
    const body = { id, runbook, runbookHash, group, by, expiresAt, maxCount };
    await appendAudit(tx, { chain: CONTROL_CHAIN, key: `standing:${id}`, kind: "standingGranted", body });
    return { id, used: 0, ...approval };
  });
}

export async function withdrawStanding(db: Database, id: string, by: string): Promise<void> {
  await inTransaction(db, async (tx) => {
    // An admission that counted it must also be able to take it.
    await lockAdmission(tx);
    const withdrawn = await tx
      .updateTable("standing_approvals")
      .set({ withdrawn_at: now })
      .where("id", "=", id)
      .where("withdrawn_at", "is", null)
      .returning("used")
      .executeTakeFirst();
    if (withdrawn === undefined) return;
    const body = { id, by, used: withdrawn.used };
    await appendAudit(tx, { chain: CONTROL_CHAIN, key: `withdrawn:${id}`, kind: "standingWithdrawn", body });
  });
}

/** Those that may still be used. */
export async function usableStanding(db: Session): Promise<StandingApproval[]> {
  const usable: Expression<SqlBool> = sql`withdrawn_at is null and expires_at > selfheal_now() and used < max_count`;
  return db
    .selectFrom("standing_approvals")
    .select([
      "id",
      "runbook",
      "runbook_hash as runbookHash",
      "group_name as group",
      "by_person as by",
      "expires_at as expiresAt",
      "max_count as maxCount",
      "used",
    ])
    .where(usable)
    .orderBy("expires_at")
    .orderBy("id")
    .execute();
}
