/**
 * Reads the record and says of each chain whether it is what was written, with the rows beside it. A page of chains at a
 * time, each in one view of the database: flat in memory, and beside everything that is at work.
 */
import { sql } from "kysely";
import type { AuditRow } from "../api.ts";
import { CONTROL_CHAIN } from "../audit.ts";
import { isMigrated } from "../migrate.ts";
import { type Database, openDatabase, type Session } from "../pool.ts";
import { find } from "../queries.ts";
import { UserError } from "../../config/user-error.ts";
import { ChainCheck, short, type Checked, type Fault } from "./chain.ts";
import { controlRowFaults } from "./control-rows.ts";
import { type BesideRows, noRows, rowFaults } from "./rows.ts";

/** What Temporal's history says of a remediation that it saw closed. */
export interface HistoryHead {
  hash: string;
  workflowId: string;
}

export interface ChainReport extends Omit<Checked, "faults"> {
  /** A remediation's id, or `control`. */
  chain: string;
  /** `pruned`: its rows were removed on purpose, and the chain `control` says by whom. */
  state: "whole" | "pruned" | "broken";
  faults: Fault[];
  /** What Temporal's history says. `none`: it has nothing of it (any more, or it is open). */
  temporal: "same" | "other" | "none" | "notAsked";
  pruned: { by: string; at: string } | null;
}

export interface VerifyWish {
  /** Left out: every chain. */
  remediationId?: string;
  /** By remediation; left out: Temporal is not asked. */
  heads?: ReadonlyMap<string, HistoryHead>;
}

export interface AuditReader {
  /** `control` first. A chain of which nothing is left but in `heads` comes last, as `lost`. */
  verify(wish: VerifyWish): AsyncGenerator<ChainReport>;
  /** By what a person types (as `remediation show`), or the id of a chain whose row is gone. */
  find(text: string): Promise<{ remediationId: string; workflowId: string | null } | null>;
  readonly db: Database;
  end(): Promise<void>;
}

const STATEMENT_TIMEOUT_MS = 120_000;
const PAGE = 100;
const CONTROL_PAGE = 2_000;

/** @throws RecordUnavailable; a UserError when the schema is not this version's (nothing is changed here). */
export async function openAuditReader(databaseUrl: string): Promise<AuditReader> {
  const options = { poolSize: 2, statementTimeoutMs: STATEMENT_TIMEOUT_MS, applicationName: "selfheal audit" };
  const db = openDatabase(databaseUrl, options);
  try {
    if (!(await isMigrated(db, databaseUrl))) {
      throw new UserError(
        "the record has the schema of an older selfheal: start this version's `selfheal serve` first",
      );
    }
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return { db, find: (text) => findChain(db, text), verify: (wish) => verify(db, wish), end: () => db.destroy() };
}

async function findChain(
  db: Session,
  text: string,
): Promise<{ remediationId: string; workflowId: string | null } | null> {
  const row = await find(db, text);
  if (row !== null) return { remediationId: row.remediationId, workflowId: row.workflowId };
  const chain = await db.selectFrom("audit_chains").select("chain").where("chain", "=", text).executeTakeFirst();
  return chain === undefined ? null : { remediationId: chain.chain, workflowId: null };
}

async function* verify(db: Database, { remediationId, heads }: VerifyWish): AsyncGenerator<ChainReport> {
  const left = new Map(remediationId === undefined ? heads : []);
  if (remediationId === undefined) yield await verifyControl(db);
  for await (const ids of pagesOf(db, remediationId)) {
    for (const report of await verifyPage(db, ids, heads)) {
      left.delete(report.chain);
      yield report;
    }
  }
  for (const [chain, { hash, workflowId }] of left) yield lost(chain, hash, workflowId);
}

async function* pagesOf(db: Database, remediationId: string | undefined): AsyncGenerator<string[]> {
  if (remediationId !== undefined) {
    yield [remediationId];
    return;
  }
  let after = "";
  for (;;) {
    // What has a chain, and what has a row and no chain.
    const { rows } = await sql<{ id: string }>`
      (select chain as id from audit_chains where chain > ${after} and chain <> ${CONTROL_CHAIN} order by 1 limit ${PAGE})
      union (select remediation_id from remediations where remediation_id > ${after} order by 1 limit ${PAGE})
      order by 1 limit ${PAGE}`.execute(db);
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows.map(({ id }) => id);
    after = last.id;
  }
}

function inOneView<T>(db: Database, work: (tx: Session) => Promise<T>): Promise<T> {
  return db.transaction().setIsolationLevel("repeatable read").setAccessMode("read only").execute(work);
}

interface Head {
  chain: string;
  seq: number;
  hash: string;
  /** By the tombstone in the chain `control`; its head is null when there is none of this chain. */
  pruned: { by: string; at: string; head: { seq: number; hash: string } | null } | null;
}

async function headsOf(tx: Session, ids: readonly string[]): Promise<Map<string, Head>> {
  const { rows } = await sql<Head>`
    select c.chain, c.seq, c.hash,
           case when c.pruned_by is not null then json_build_object(
             'by', a.body ->> 'by', 'at', selfheal_iso(a.at),
             'head', case when a.kind = 'pruned' then a.body -> 'heads' -> c.chain end) end as pruned
      from audit_chains c left join audit a on a.chain = ${CONTROL_CHAIN} and a.seq = c.pruned_by
     where c.chain = any(${ids}::text[])`.execute(tx);
  return new Map(rows.map((row) => [row.chain, row]));
}

/** As they are stored, in their order. */
async function entriesOf(tx: Session, ids: readonly string[]): Promise<Map<string, AuditRow[]>> {
  const rows = await tx
    .selectFrom("audit")
    .select(["chain as remediationId", "seq", "at", "kind", "body", "previous_hash as previousHash", "hash"])
    .where("chain", "in", ids)
    .orderBy("chain")
    .orderBy("seq")
    .execute();
  return Map.groupBy<string, AuditRow>(rows, (row) => row.remediationId);
}

/** Some chains in one view of the database. */
export async function verifyPage(
  db: Database,
  ids: string[],
  seen?: ReadonlyMap<string, HistoryHead>,
): Promise<ChainReport[]> {
  const { heads, entries, rows } = await inOneView(db, async (tx) => ({
    heads: await headsOf(tx, ids),
    entries: await entriesOf(tx, ids),
    rows: await rowsOf(tx, ids),
  }));
  return ids.map((chain) => {
    const head = heads.get(chain);
    const beside = rows.get(chain) ?? noRows();
    return verifyOne(chain, {
      head,
      beside,
      entries: entries.get(chain) ?? [],
      asked: seen !== undefined,
      seen: seen?.get(chain),
    });
  });
}

interface Chain {
  head: Head | undefined;
  entries: AuditRow[];
  beside: BesideRows;
  asked: boolean;
  seen: HistoryHead | undefined;
}

function verifyOne(chain: string, { head, entries, beside, asked, seen }: Chain): ChainReport {
  if (head === undefined) return lost(chain, null, null);
  if (head.pruned !== null) return pruned(chain, head, head.pruned, entries);
  const check = new ChainCheck(chain);
  check.expect({ seq: head.seq, hash: head.hash, source: "the record's own list of heads" });
  const closing = beside.remediation?.closing_hash ?? null;
  if (closing !== null) check.expect({ seq: null, hash: closing, source: "the remediation's close" });
  if (seen !== undefined)
    check.expect({ seq: null, hash: seen.hash, source: `the Temporal history of ${seen.workflowId}` });
  for (const entry of entries) check.add(entry);
  endsAtHead(check, head, entries.at(-1)?.seq ?? 0);
  for (const fault of rowFaults(beside, entries)) check.report(fault);
  const checked = check.end();
  const same = seen !== undefined && entries.some(({ hash }) => hash === seen.hash);
  const temporal = !asked ? "notAsked" : seen === undefined ? "none" : same ? "same" : "other";
  return { chain, ...checked, state: checked.faults.length === 0 ? "whole" : "broken", temporal, pruned: null };
}

/** Something that was appended past the record has a hash that fits. */
function endsAtHead(check: ChainCheck, { seq, hash }: Pick<Head, "seq" | "hash">, last: number): void {
  if (last <= seq) return;
  const detail = `entries ${seq + 1} to ${last} stand behind the head ${short(hash)} of entry ${seq}: they were put in`;
  check.report({ code: "unlinked", seq: seq + 1, detail });
}

const NOTHING = { entries: 0, head: "", more: 0, intactAfter: 0 };

/** Its tombstone stands for the entries that were removed; what was appended since follows from there. */
function pruned(
  chain: string,
  { seq, hash }: Head,
  { by, at, head: last }: NonNullable<Head["pruned"]>,
  entries: AuditRow[],
): ChainReport {
  const check = new ChainCheck(chain, last === null ? {} : { after: last });
  check.expect({ seq, hash, source: "the record's own list of heads" });
  if (last === null) {
    const detail = `its entries are gone, and the chain control has no tombstone with its head`;
    check.report({ code: "lost", seq: null, detail });
  }
  for (const entry of entries) check.add(entry);
  const checked = check.end();
  const state = checked.faults.length === 0 ? "pruned" : "broken";
  return { chain, ...checked, state, temporal: "none", pruned: { by, at } };
}

function lost(chain: string, hash: string | null, workflowId: string | null): ChainReport {
  const detail =
    workflowId === null || hash === null
      ? "the record has no chain of it: its entries and its head were removed"
      : `the Temporal history of ${workflowId} closed it with the head ${short(hash)}, and the record has nothing of it`;
  const faults: Fault[] = [{ code: "lost", seq: null, detail }];
  return { chain, ...NOTHING, state: "broken", faults, temporal: hash === null ? "none" : "other", pruned: null };
}

/** The one long chain: page by page, in one view. */
function verifyControl(db: Database): Promise<ChainReport> {
  return inOneView(db, async (tx) => {
    const head = (await headsOf(tx, [CONTROL_CHAIN])).get(CONTROL_CHAIN);
    if (head === undefined) return lost(CONTROL_CHAIN, null, null);
    const check = new ChainCheck(CONTROL_CHAIN);
    check.expect({ seq: head.seq, hash: head.hash, source: "the record's own list of heads" });
    const last = await eachControlEntry(tx, (entry) => check.add(entry));
    endsAtHead(check, head, last);
    for await (const fault of controlRowFaults(tx)) check.report(fault);
    const checked = check.end();
    const state = checked.faults.length === 0 ? "whole" : "broken";
    return { chain: CONTROL_CHAIN, ...checked, state, temporal: "none", pruned: null };
  });
}

async function eachControlEntry(tx: Session, take: (entry: AuditRow) => void): Promise<number> {
  let after = 0;
  for (;;) {
    const rows = await tx
      .selectFrom("audit")
      .select(["chain as remediationId", "seq", "at", "kind", "body", "previous_hash as previousHash", "hash"])
      .where("chain", "=", CONTROL_CHAIN)
      .where("seq", ">", after)
      .orderBy("seq")
      .limit(CONTROL_PAGE)
      .execute();
    rows.forEach(take);
    const last = rows.at(-1);
    if (last === undefined) return after;
    after = last.seq;
  }
}

/** The rows beside the chains. */
export async function rowsOf(tx: Session, ids: readonly string[]): Promise<Map<string, BesideRows>> {
  const rows = new Map(ids.map((id) => [id, noRows()]));
  if (ids.length === 0) return rows;
  const put = <T extends { remediation_id: string }>(found: T[], into: (rows: BesideRows, row: T) => void): void => {
    for (const row of found) into(rows.get(row.remediation_id) ?? noRows(), row);
  };
  const where = "remediation_id";
  put(
    await tx.selectFrom("remediations").selectAll().where(where, "in", ids).execute(),
    (all, row) => (all.remediation = row),
  );
  put(await tx.selectFrom("effects").selectAll().where(where, "in", ids).execute(), (all, row) =>
    all.effects.push(row),
  );
  put(await tx.selectFrom("decisions").selectAll().where(where, "in", ids).execute(), (all, row) =>
    all.decisions.push(row),
  );
  const verdicts = tx.selectFrom("verdicts").selectAll().where(where, "in", ids).orderBy("seq");
  put(await verdicts.execute(), (all, row) => all.verdicts.push(row));
  put(await tx.selectFrom("plans").selectAll().where(where, "in", ids).execute(), (all, row) => all.plans.push(row));
  put(await tx.selectFrom("escalations").selectAll().where(where, "in", ids).execute(), (all, row) =>
    all.escalations.push(row),
  );
  put(await tx.selectFrom("admissions").selectAll().where(where, "in", ids).execute(), (all, row) =>
    all.admissions.push(row),
  );
  put(await tx.selectFrom("reviews").selectAll().where(where, "in", ids).execute(), (all, row) =>
    all.reviews.push(row),
  );
  put(await tx.selectFrom("postmortems").selectAll().where(where, "in", ids).execute(), (all, row) =>
    all.postmortems.push(row),
  );
  return rows;
}
