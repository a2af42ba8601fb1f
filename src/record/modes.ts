/** Modes that people set: one in force a scope. Audited in the chain `control`. */
import { randomUUID } from "node:crypto";
import { sql, type Transaction } from "kysely";
import type { ModeSet } from "../contracts/autonomy.ts";
import { GLOBAL_SCOPE } from "../contracts/scopes.ts";
import type { ModeWish } from "./api-autonomy.ts";
import { appendControl } from "./audit.ts";
import { now } from "./clock.ts";
import { lockAdmission } from "./locks.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import type { Tables } from "./tables.ts";

/** Who sets a mode without being asked. */
const SELFHEAL = "selfheal";

export async function modesInForce(db: Session): Promise<ModeSet[]> {
  return db
    .selectFrom("modes")
    .select(["id", "scope", "mode", "declared", "runbook_hash as runbookHash", "by_person as by", "reason", "at"])
    .where("ended_at", "is", null)
    .orderBy("scope")
    .execute();
}

export async function setMode(db: Database, wish: ModeWish): Promise<ModeSet | null> {
  return inTransaction(db, async (tx) => {
    // Two people at once: the later one's word stands.
    await lockAdmission(tx);
    return put(tx, wish);
  });
}

async function put(tx: Transaction<Tables>, { mode, about, ...wish }: ModeWish): Promise<ModeSet | null> {
  const { scope, declared, runbookHash, by, reason } = wish;
  const before = await tx
    .updateTable("modes")
    .set({ ended_at: now })
    .where("scope", "=", scope)
    .where("ended_at", "is", null)
    .returning("mode")
    .executeTakeFirst();
  const id = randomUUID();
  const body = { ...about, id, scope, mode, declared, runbookHash, before: before?.mode ?? null, by, reason };
  await appendControl(tx, { key: `mode:${id}`, kind: "modeSet", body });
  if (mode === null) return null;
  const { at } = await tx
    .insertInto("modes")
    .values({ id, scope, mode, declared, runbook_hash: runbookHash, by_person: by, reason, at: now })
    .returning("at")
    .executeTakeFirstOrThrow();
  return { id, mode, ...wish, at };
}

export async function beat(db: Database, seen: number | null): Promise<{ beat: number; restored: boolean }> {
  return inTransaction(db, async (tx) => {
    await lockAdmission(tx);
    const found = await sql<{ beat: number; restored: boolean }>`
      update pulse set beat = greatest(pulse.beat, ${seen ?? 0}::bigint) + 1 from (select beat from pulse) old
      returning pulse.beat, old.beat < ${seen ?? 0}::bigint as restored`.execute(tx);
    const answer = found.rows[0];
    if (answer === undefined) throw new Error("the record has no pulse: its migration 0009 was changed by hand");
    if (answer.restored) await reviewAll(tx, answer.beat);
    return answer;
  });
}

/** A person who had set `observe` is not overruled. */
async function reviewAll(tx: Transaction<Tables>, at: number): Promise<void> {
  const known = (await modesInForce(tx)).find((one) => one.scope === GLOBAL_SCOPE);
  const mode = known?.mode === "observe" ? "observe" : "review";
  const reason = "the record was restored to an older state: cooldowns, attempts and approvals given since are lost";
  await put(tx, {
    ...{ scope: GLOBAL_SCOPE, mode, declared: null, runbookHash: null, by: SELFHEAL, reason },
    about: { restored: true, beat: at },
  });
}

/** The mode that a restore set, while nobody has looked. */
export function isOfRestore(set: ModeSet): boolean {
  return set.scope === GLOBAL_SCOPE && set.by === SELFHEAL;
}
