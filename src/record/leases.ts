/** What outlives its workflow (design §3 law 2): leases count until a person or the recovery releases them. */
import { sql, type Transaction } from "kysely";
import { appendAudit } from "./audit.ts";
import { now } from "./clock.ts";
import { giveBackLeases } from "./left-out.ts";
import { lockAdmission } from "./locks.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import { lockRemediation, remediationRows } from "./remediation-row.ts";
import type { Tables } from "./tables.ts";

export async function leaseRows(db: Session) {
  return db
    .selectFrom("leases")
    .select(["remediation_id as remediationId", "scope", "state", "since"])
    .orderBy("since")
    .orderBy("remediation_id")
    .orderBy("scope")
    .execute();
}

export async function orphanLeases(db: Database, remediationId: string, reason: string): Promise<void> {
  await inTransaction(db, async (tx) => {
    await lockAdmission(tx);
    await lockRemediation(tx, remediationId);
    const changed = await sql<{ scope: string }>`
      update leases set state = 'orphaned' where remediation_id = ${remediationId} and state = 'held'
      returning scope`.execute(tx);
    const scopes = changed.rows.map((row) => row.scope).sort();
    if (scopes.length === 0) return;
    await appendAudit(tx, {
      chain: remediationId,
      key: "leasesOrphaned",
      kind: "leasesOrphaned",
      body: { scopes, reason },
    });
  });
}

/** Of a closed remediation, once the last of its effects is settled. The caller holds the admission lock. */
export async function releaseSettled(tx: Transaction<Tables>, remediationId: string): Promise<void> {
  const open = await sql`
    select 1 from effects where remediation_id = ${remediationId} and state in ('intent', 'pending', 'unknown')
    limit 1`.execute(tx);
  const orphaned = await tx
    .selectFrom("leases")
    .select("scope")
    .where("remediation_id", "=", remediationId)
    .where("state", "=", "orphaned")
    .execute();
  if (open.rows.length > 0 || orphaned.length === 0) return;
  // Without a lock: what is closed does not change any more.
  const row = await remediationRows(tx).where("remediation_id", "=", remediationId).executeTakeFirstOrThrow();
  const { freed: scopes, leftOut } = await giveBackLeases(tx, row, row.outcome);
  const body = { scopes, leftOut, by: "selfheal", reason: "its last effect is settled" };
  await appendAudit(tx, { chain: remediationId, key: "leasesReleased", kind: "leasesReleased", body });
}

export async function releaseLeases(db: Database, remediationId: string, by: string, reason: string): Promise<void> {
  await inTransaction(db, async (tx) => {
    await lockAdmission(tx);
    await lockRemediation(tx, remediationId);
    const gone = await tx.deleteFrom("leases").where("remediation_id", "=", remediationId).returning("scope").execute();
    const scopes = gone.map((row) => row.scope).sort();
    if (scopes.length === 0) return;
    await tx.updateTable("admissions").set({ released_at: now }).where("remediation_id", "=", remediationId).execute();
    const body = { scopes, by, reason };
    await appendAudit(tx, { chain: remediationId, key: "leasesReleased", kind: "leasesReleased", body });
  });
}

/** Answers false, changing nothing, when the remediation is closed: then its close has said what a person must do. */
export async function markNeedsHuman(db: Database, remediationId: string, reason: string): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const row = await lockRemediation(tx, remediationId);
    if (row.closed_at !== null) return false;
    await tx
      .updateTable("remediations")
      .set({ needs_human: true })
      .where("remediation_id", "=", remediationId)
      .execute();
    const body = { reason };
    await appendAudit(tx, { chain: remediationId, key: `needsHuman:${reason}`, kind: "needsHuman", body });
    return true;
  });
}
