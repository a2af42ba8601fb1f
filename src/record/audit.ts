/**
 * The audit chains: one a remediation, and one, `control`, for what people do to the automation as a whole (pauses,
 * standing approvals, catalogues, the Temporal namespace). Appending serialises on the chain's head row.
 */
import { type RawBuilder, sql, type Transaction } from "kysely";
import type { JsonObject } from "../contracts/json.ts";
import { currentActor } from "./actor.ts";
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

/** The last row of a chain, and the time of what is written behind it. */
export interface ChainHead {
  seq: number;
  hash: string;
  /** ISO. */
  at: string;
}
export type ChainedRow = AuditRow & { key: string };

/** Appends in the caller's transaction; answers the chain's head. */
export async function appendAudit(tx: Transaction<Tables>, entry: AuditEntry): Promise<string> {
  const locked = await sql<{ seq: number; hash: string; at: string }>`
    select seq, hash, selfheal_now() as at from audit_chains where chain = ${entry.chain} for update`.execute(tx);
  const head = locked.rows[0];
  if (head === undefined) throw new RecordConflict(`the record knows no remediation ${entry.chain}`);
  const written = await sql<{ hash: string }>`
    with written as (
      ${insertEntries(chained(entry.chain, head, [{ ...entry, body: withActor(entry.body) }]))} on conflict (chain, key) do nothing returning seq, hash)
    update audit_chains set seq = written.seq, hash = written.hash from written
     where audit_chains.chain = ${entry.chain} returning audit_chains.hash`.execute(tx);
  return written.rows[0]?.hash ?? head.hash;
}

/** Who asked for it, and how he came, where somebody did. */
function withActor(body: JsonObject): JsonObject {
  const actor = currentActor();
  return actor === null ? body : { ...body, actor: { ...actor } };
}

/** The rows of these entries behind a head, in their order, all of the head's time. */
export function chained(chain: string, head: ChainHead, entries: readonly Omit<AuditEntry, "chain">[]): ChainedRow[] {
  const rows: ChainedRow[] = [];
  let previousHash = head.hash;
  for (const { key, kind, body } of entries) {
    const row = { remediationId: chain, seq: head.seq + rows.length + 1, at: head.at, kind, body, previousHash };
    previousHash = hashOf({ ...row, hash: "" });
    rows.push({ ...row, key, hash: previousHash });
  }
  return rows;
}

export function insertEntries(rows: readonly ChainedRow[]): RawBuilder<unknown> {
  const values = rows.map(
    (row) => sql`(${row.remediationId}, ${row.seq}::int, ${row.key}, ${row.at}::timestamptz, ${row.kind},
                  ${JSON.stringify(row.body)}::json, ${row.previousHash}, ${row.hash})`,
  );
  return sql`
    insert into audit (chain, seq, key, at, kind, body, previous_hash, hash)
    select * from (values ${sql.join(values)}) as entry`;
}

/** After `insertEntries`, in the same statement or a later one. */
export function moveHead(chain: string, { seq, hash }: ChainedRow): RawBuilder<unknown> {
  return sql`update audit_chains set seq = ${seq}, hash = ${hash} where chain = ${chain}`;
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
