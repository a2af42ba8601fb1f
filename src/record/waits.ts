/** What open remediations wait for in other systems: the bulk watchers ask for all of it at once. */
import { sql } from "kysely";
import type { RecordStore, WaitRow } from "./api.ts";
import { appendAudit } from "./audit.ts";
import { now } from "./clock.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import { lockRemediation } from "./remediation-row.ts";

type Wait = Parameters<RecordStore["wait"]>[0];

/** Reading a pending effect again renews its wait; a closed remediation waits for nothing any more. */
export async function wait(db: Database, row: Wait): Promise<void> {
  await inTransaction(db, async (tx) => {
    const remediation = await lockRemediation(tx, row.remediationId);
    if (remediation.closed_at !== null) return;
    const { key, system, ref, seen, until } = row;
    const what = { system, ref, seen, until_at: until, done_at: null };
    await tx
      .insertInto("waits")
      .values({ key, remediation_id: row.remediationId, since: now, ...what })
      .onConflict((conflict) => conflict.column("key").doUpdateSet(what))
      .execute();
    const body = { key, system, ref, seen, until };
    await appendAudit(tx, { chain: row.remediationId, key: `wait:${key}`, kind: "waitBegan", body });
  });
}

export async function endWait(db: Database, key: string): Promise<void> {
  await inTransaction(db, async (tx) => {
    const ended = await tx
      .updateTable("waits")
      .set({ done_at: now })
      .where("key", "=", key)
      .where("done_at", "is", null)
      .returning(["remediation_id", "system", "ref"])
      .executeTakeFirst();
    if (ended === undefined) return;
    const { remediation_id: chain, system, ref } = ended;
    await appendAudit(tx, { chain, key: `waitEnded:${key}`, kind: "waitEnded", body: { key, system, ref } });
  });
}

export async function openWaits(db: Session, system: string, refs?: readonly string[]): Promise<WaitRow[]> {
  let query = waitRows(db).where("w.system", "=", system);
  if (refs !== undefined) query = query.where("w.ref", "in", [...refs]);
  return query
    .where("w.done_at", "is", null)
    .where("r.closed_at", "is", null)
    .orderBy("w.since")
    .orderBy("w.key")
    .execute();
}

export async function waitsOf(db: Session, remediationId: string): Promise<(WaitRow & { doneAt: string | null })[]> {
  return waitRows(db)
    .select("w.done_at as doneAt")
    .where("w.remediation_id", "=", remediationId)
    .orderBy("w.since")
    .orderBy("w.key")
    .execute();
}

function waitRows(db: Session) {
  return db
    .selectFrom("waits as w")
    .innerJoin("remediations as r", "r.remediation_id", "w.remediation_id")
    .select([
      "w.key",
      "w.remediation_id as remediationId",
      "r.workflow_id as workflowId",
      "w.system",
      "w.ref",
      "w.seen",
      "w.since",
      "w.until_at as until",
    ]);
}

export async function markSeen(db: Session, key: string, seen: string): Promise<void> {
  await sql`update waits set seen = ${seen} where key = ${key} and seen is distinct from ${seen}`.execute(db);
}
