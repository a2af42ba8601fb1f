/**
 * The first pass of an episode, written down in one transaction (ADR 42): a look, and one statement for all of it. What was
 * judged before (a try whose reply was lost, a reset) has something to keep, and goes the ways of all later passes.
 */
import { type RawBuilder, sql, type Transaction } from "kysely";
import type { Assessment, Closed, DecisionMade } from "./api-episodes.ts";
import { GENESIS } from "./audit/chain.ts";
import { appendAudit, chained, insertEntries, moveHead } from "./audit.ts";
import {
  asClosed,
  asProgressed,
  closedEntry,
  closeFree,
  insertDecided,
  progressEntry,
  setProgress,
} from "./episodes.ts";
import { RecordConflict } from "./errors.ts";
import { linkAlerts } from "./open.ts";
import { type Database, inTransaction } from "./pool.ts";
import type { Tables } from "./tables.ts";
import { inForce, insertPlan, insertVerdictRow, judge, verdictEntry } from "./verdicts.ts";

interface Locked {
  closed: boolean;
  closingHash: string | null;
  holds: boolean;
  judged: boolean;
  seq: number;
  hash: string;
  at: string;
}

export function saveAssessment(db: Database, assessment: Assessment): Promise<Closed | null> {
  return inTransaction(db, async (tx) => {
    const row = await lock(tx, assessment.remediationId);
    if (row.closed) return { auditHead: row.closingHash ?? GENESIS, gaveBack: false };
    if (row.judged || row.holds) return writeBehind(tx, assessment, row.holds);
    return write(tx, assessment, row);
  });
}

async function writeBehind(tx: Transaction<Tables>, assessment: Assessment, holds: boolean): Promise<Closed | null> {
  const { remediationId, progress, entries, decision, close } = assessment;
  if (progress !== null) await setProgress(tx, remediationId, progress);
  for (const entry of entries) await appendAudit(tx, { chain: remediationId, ...entry });
  if (decision !== null) await judge(tx, { ...decision, remediationId });
  // What it holds must be given back behind the admission lock: the ordinary close does that.
  return close === null || holds ? null : closeFree(tx, close);
}

/** The remediation's row, then its chain: in the order in which all others lock them. */
async function lock(tx: Transaction<Tables>, remediationId: string): Promise<Locked> {
  const found = await sql<Locked>`
    select r.closed_at is not null as closed, r.closing_hash as "closingHash", c.seq, c.hash, selfheal_now() as at,
           exists (select 1 from leases l where l.remediation_id = r.remediation_id)
             or exists (select 1 from queue q where q.remediation_id = r.remediation_id) as holds,
           exists (select 1 from verdicts v where v.remediation_id = r.remediation_id) as judged
      from remediations r join audit_chains c on c.chain = r.remediation_id
     where r.remediation_id = ${remediationId} for update of r, c`.execute(tx);
  const row = found.rows[0];
  if (row === undefined) throw new RecordConflict(`the record knows no remediation ${remediationId}`);
  return row;
}

async function write(tx: Transaction<Tables>, assessment: Assessment, head: Locked): Promise<Closed | null> {
  const { remediationId, progress, entries, decision, close } = assessment;
  const made = decision === null ? null : { ...decision, remediationId };
  const rows = chained(remediationId, head, [
    ...(progress === null ? [] : [progressEntry(progress)]),
    ...entries,
    ...(made === null ? [] : [verdictEntry(made)]),
    ...(close === null ? [] : [closedEntry(close, { keepLeases: false, leftOut: [] })]),
  ]);
  const last = rows.at(-1);
  if (last === undefined) return null;
  const columns = {
    ...(progress === null ? {} : asProgressed(progress)),
    ...(made === null ? {} : inForce(made)),
    ...(close === null ? {} : asClosed(close, last.hash)),
  };
  const parts = [
    insertEntries(rows),
    ...(Object.keys(columns).length === 0 ? [] : [updateRow(remediationId, columns)]),
    ...(made === null ? [] : [insertVerdictRow(made), ...plansOf(made)]),
    ...(close === null || close.faults.length === 0
      ? []
      : [insertDecided(close), linkAlerts(remediationId, close.faults)]),
  ];
  const named = parts.map((statement, index) => sql`${sql.ref(`part${index}`)} as (${statement})`);
  await sql`with ${sql.join(named)} ${moveHead(remediationId, last)}`.execute(tx);
  return close === null ? null : { auditHead: last.hash, gaveBack: false };
}

function plansOf({ remediationId, plan, planHash }: DecisionMade & { remediationId: string }): RawBuilder<unknown>[] {
  return plan === null || planHash === null ? [] : [insertPlan(remediationId, plan, planHash)];
}

function updateRow(remediationId: string, columns: Record<string, unknown>): RawBuilder<unknown> {
  const set = Object.entries(columns).map(([name, value]) => sql`${sql.ref(name)} = ${value}`);
  return sql`update remediations set ${sql.join(set)} where remediation_id = ${remediationId}`;
}
