/**
 * The audit chains: one a remediation, and one, `control`, for what people do to the automation as a whole (pauses, modes,
 * windows, holds, standing approvals, breakers, catalogues, the Temporal namespace) and for the audit itself (manifests,
 * what was pruned). Appending serialises on the chain's head row. audit/verify.ts reads them.
 */
import { type RawBuilder, sql, type Transaction } from "kysely";
import type { JsonObject } from "../contracts/json.ts";
import { currentActor, wayNow } from "./actor.ts";
import type { AuditRow } from "./api.ts";
import { ChainCheck, hashOf } from "./audit/chain.ts";
import { RecordConflict } from "./errors.ts";
import type { Session } from "./pool.ts";
import type { Tables } from "./tables.ts";

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
    update audit_chains set seq = written.seq, hash = written.hash, moved_at = greatest(moved_at, ${head.at}) from written
     where audit_chains.chain = ${entry.chain} returning audit_chains.hash`.execute(tx);
  return written.rows[0]?.hash ?? head.hash;
}

/**
 * What people do to the automation as a whole, in the transaction that does it. Name in `body` what was changed (`id`) and
 * who did it (`by`); which way it came is added here.
 */
export function appendControl(
  tx: Transaction<Tables>,
  { key, kind, body }: Omit<AuditEntry, "chain">,
): Promise<string> {
  return appendAudit(tx, { chain: CONTROL_CHAIN, key, kind, body: { ...body, via: wayNow() } });
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

/** After `insertEntries`, in the same statement or a later one. A clock that is set back makes no chain one that stood still. */
export function moveHead(chain: string, { seq, hash, at }: ChainedRow): RawBuilder<unknown> {
  return sql`update audit_chains set seq = ${seq}, hash = ${hash}, moved_at = greatest(moved_at, ${at}) where chain = ${chain}`;
}

export type ChainCheckResult = { ok: true; head: string } | { ok: false; seq: number; detail: string };

/**
 * Whether the rows of one chain, in order and from its first, are what was written. `expectedHead` (of close, from the
 * Temporal history) must be among their hashes: that is what shows a chain that was cut or written anew.
 */
export function verifyChain(rows: readonly AuditRow[], expectedHead?: string): ChainCheckResult {
  const check = new ChainCheck(rows[0]?.remediationId ?? "");
  if (expectedHead !== undefined)
    check.expect({ hash: expectedHead, seq: null, source: "what was answered at its close" });
  for (const row of rows) check.add(row);
  const { faults, head } = check.end();
  const [first] = faults;
  return first === undefined ? { ok: true, head } : { ok: false, seq: first.seq ?? rows.length, detail: first.detail };
}

export async function auditRows(db: Session, chain: string): Promise<AuditRow[]> {
  return rowsOf(db, chain).orderBy("seq").execute();
}

export async function newestOfControl(db: Session, before: number | null, limit: number): Promise<AuditRow[]> {
  const rows = rowsOf(db, CONTROL_CHAIN).orderBy("seq", "desc").limit(limit);
  return (before === null ? rows : rows.where("seq", "<", before)).execute();
}

function rowsOf(db: Session, chain: string) {
  return db
    .selectFrom("audit")
    .select(["chain as remediationId", "seq", "at", "kind", "body", "previous_hash as previousHash", "hash"])
    .where("chain", "=", chain);
}
