/**
 * The audit chains: one a remediation, and one, `control`, for what people do to the automation as a whole (pauses,
 * standing approvals, catalogues, the Temporal namespace). Appending serialises on the chain's head row.
 */
import { sql, type Transaction } from "kysely";
import type { JsonObject } from "../contracts/json.ts";
import type { AuditRow } from "./api.ts";
import { canonicalJson, sha256 } from "./canonical.ts";
import { RecordConflict } from "./errors.ts";
import type { Session } from "./pool.ts";
import type { Tables } from "./tables.ts";

/** The previous hash of a chain's first row. */
export const GENESIS = "";
export const CONTROL_CHAIN = "control";

export interface AuditEntry {
  chain: string;
  /** A second entry with the same key is not written. */
  key: string;
  kind: string;
  body: JsonObject;
}

export async function startChain(tx: Transaction<Tables>, chain: string): Promise<void> {
  await tx
    .insertInto("audit_chains")
    .values({ chain, seq: 0, hash: GENESIS })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Appends in the caller's transaction; answers the chain's head. */
export async function appendAudit(tx: Transaction<Tables>, entry: AuditEntry): Promise<string> {
  const locked = await sql<{ seq: number; hash: string; at: string }>`
    select seq, hash, selfheal_now() as at from audit_chains where chain = ${entry.chain} for update`.execute(tx);
  const head = locked.rows[0];
  if (head === undefined) throw new RecordConflict(`the record knows no remediation ${entry.chain}`);
  const row: AuditRow = {
    remediationId: entry.chain,
    seq: head.seq + 1,
    at: head.at,
    kind: entry.kind,
    body: entry.body,
    previousHash: head.hash,
    hash: "",
  };
  const hash = hashOf(row);
  const written = await sql<{ hash: string }>`
    with written as (
      insert into audit (chain, seq, key, at, kind, body, previous_hash, hash)
      values (${entry.chain}, ${row.seq}, ${entry.key}, ${row.at}, ${row.kind}, ${JSON.stringify(row.body)},
              ${row.previousHash}, ${hash})
      on conflict (chain, key) do nothing returning seq, hash)
    update audit_chains set seq = written.seq, hash = written.hash from written
     where audit_chains.chain = ${entry.chain} returning audit_chains.hash`.execute(tx);
  return written.rows[0]?.hash ?? head.hash;
}

/** Of everything in the row but the hash itself. */
export function hashOf(row: AuditRow): string {
  const { remediationId, seq, at, kind, body, previousHash } = row;
  return sha256(canonicalJson({ remediationId, seq, at, kind, body, previousHash }));
}

export type ChainCheck = { ok: true; head: string } | { ok: false; seq: number; detail: string };

/**
 * Whether the rows of one chain, in order and from its first, are what was written. `expectedHead` (of close, from the
 * Temporal history) must be among their hashes: that is what shows a chain that was cut or written anew.
 */
export function verifyChain(rows: readonly AuditRow[], expectedHead?: string): ChainCheck {
  let previous = GENESIS;
  let chain: string | null = null;
  let seen = expectedHead === undefined || expectedHead === GENESIS;
  for (const [index, row] of rows.entries()) {
    chain ??= row.remediationId;
    const fault = faultOf(row, index + 1, chain, previous);
    if (fault !== null) return { ok: false, seq: row.seq, detail: fault };
    previous = row.hash;
    seen ||= row.hash === expectedHead;
  }
  if (!seen)
    return {
      ok: false,
      seq: rows.length,
      detail: `the head ${expectedHead} is not in the chain: it was cut or rewritten`,
    };
  return { ok: true, head: previous };
}

function faultOf(row: AuditRow, seq: number, chain: string, previous: string): string | null {
  if (row.remediationId !== chain) return `row ${row.seq} belongs to another chain, ${row.remediationId}`;
  if (row.seq !== seq) return `row ${seq} is missing: the next one has number ${row.seq}`;
  if (row.previousHash !== previous) return `row ${seq} does not follow the row before it`;
  return row.hash === hashOf(row) ? null : `row ${seq} was changed: its hash does not fit`;
}

export async function auditRows(db: Session, chain: string): Promise<AuditRow[]> {
  return db
    .selectFrom("audit")
    .select(["chain as remediationId", "seq", "at", "kind", "body", "previous_hash as previousHash", "hash"])
    .where("chain", "=", chain)
    .orderBy("seq")
    .execute();
}
