/** The advisory locks of the record. Always taken before any row lock, so that they cannot deadlock with one. */
import { sql, type Transaction } from "kysely";
import type { Tables } from "./tables.ts";

const ADMISSION = 7_301_001;
const PAUSES = 7_301_002;

/**
 * Everything that takes or gives capacity goes through here one after the other: so a count that was read is still true
 * when it is consumed, and a waiter that is just going into the queue is seen by the one who gives capacity back.
 */
export async function lockAdmission(tx: Transaction<Tables>): Promise<void> {
  await sql`select pg_advisory_xact_lock(${ADMISSION})`.execute(tx);
}

/** With lockOutPauses: once `pause` has returned, no effect that it stops can still begin. */
export async function lockPauses(tx: Transaction<Tables>): Promise<void> {
  await sql`select pg_advisory_xact_lock(${PAUSES})`.execute(tx);
}

export async function lockOutPauses(tx: Transaction<Tables>): Promise<void> {
  await sql`select pg_advisory_xact_lock_shared(${PAUSES})`.execute(tx);
}
