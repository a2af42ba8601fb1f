/** The remediation row: reading it, and locking it for a change. */
import type { Transaction } from "kysely";
import type { RemediationRow } from "./api.ts";
import { RecordConflict } from "./errors.ts";
import type { Session } from "./pool.ts";
import type { Tables } from "./tables.ts";

export function remediationRows(db: Session) {
  return db.selectFrom("remediations").selectAll();
}

export type StoredRemediation = Awaited<ReturnType<ReturnType<typeof remediationRows>["execute"]>>[number];

/** Changes of one remediation come one after the other. */
export async function lockRemediation(tx: Transaction<Tables>, remediationId: string): Promise<StoredRemediation> {
  const row = await remediationRows(tx).where("remediation_id", "=", remediationId).forUpdate().executeTakeFirst();
  if (row === undefined) throw new RecordConflict(`the record knows no remediation ${remediationId}`);
  return row;
}

export function toRemediationRow(row: StoredRemediation): RemediationRow {
  return {
    remediationId: row.remediation_id,
    workflowId: row.workflow_id,
    runId: row.run_id,
    target: { kind: row.target_kind, id: row.target_id },
    runbook: row.runbook,
    group: row.group_name,
    owner: row.owner,
    severity: row.severity,
    phase: row.phase,
    doing: row.doing,
    phaseUntil: row.phase_until,
    planHash: row.plan_hash,
    catalogueVersion: row.catalogue_version,
    outcome: row.outcome,
    needsHuman: row.needs_human,
    detail: row.detail,
    openedAt: row.opened_at,
    closedAt: row.closed_at,
  };
}
