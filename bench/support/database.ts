/** The record's PostgreSQL for a bench: as the product starts it, with counting of statements switched on. */
import { join } from "node:path";
import pg from "pg";
import type { Defer } from "../../src/cli/process/cleanup.ts";
import type { RecordStore } from "../../src/record/api.ts";
import { startEmbedded } from "../../src/record/embedded.ts";
import { migrate } from "../../src/record/migrate.ts";
import { openRecord } from "../../src/record/record.ts";
import type { Facts } from "./facts.ts";
import { temporaryFolder } from "./folder.ts";

type Rows = Record<string, unknown>[];

export interface BenchDatabase {
  url: string;
  pid: number;
  facts(): Promise<Facts>;
  sql(text: string, parameters?: unknown[]): Promise<Rows>;
  /** Sets the counts to 0. */
  resetCounts(): Promise<void>;
  /** Since the last reset. */
  counts(): Promise<SqlCounts>;
  stop(): Promise<void>;
}

export interface SqlCounts {
  /** Without begin, commit and rollback. */
  statements: number;
  /** With `begin` and `commit`. */
  transactions: number;
  /** Of the write-ahead log: what a durable commit waits for. */
  walSyncs: number;
  /** Most calls first. */
  top: { text: string; calls: number; meanMs: number }[];
}

/** A few per cent slower than without; the same for everything that is measured on it. */
const COUNTING = { shared_preload_libraries: "pg_stat_statements" };

export async function startDatabase(dataFolder: string): Promise<BenchDatabase> {
  const server = await startEmbedded({ dataFolder, settings: COUNTING });
  await migrate(server.url);
  const client = new pg.Client({ connectionString: server.url, application_name: "bench" });
  await client.connect();
  const sql = async (text: string, parameters: unknown[] = []): Promise<Rows> =>
    (await client.query<Record<string, unknown>>(text, parameters)).rows;
  await sql("create extension if not exists pg_stat_statements");
  let syncsBefore = 0;
  return {
    url: server.url,
    pid: server.pid,
    sql,
    facts: () => factsOf(sql),
    resetCounts: async () => {
      await sql("select pg_stat_statements_reset()");
      syncsBefore = await walSyncs(sql);
    },
    counts: async () => ({ ...(await statementCounts(sql)), walSyncs: (await walSyncs(sql)) - syncsBefore }),
    stop: async () => {
      await client.end();
      await server.stop();
    },
  };
}

export interface BenchRecord {
  /** For more files; removed at the end, with the server's. */
  folder: string;
  database: BenchDatabase;
  store: RecordStore;
}

/** An empty record on a server of its own. */
export async function startRecord(defer: Defer, poolSize: number): Promise<BenchRecord> {
  const folder = await temporaryFolder(defer);
  const database = await startDatabase(join(folder, "postgres"));
  defer(() => database.stop());
  const store = await openRecord(database.url, { poolSize });
  defer(() => store.end());
  return { folder, database, store };
}

type Sql = BenchDatabase["sql"];

async function factsOf(sql: Sql): Promise<Facts> {
  const names = ["server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers"];
  const rows = await sql("select name, setting from pg_settings where name = any($1)", [names]);
  return Object.fromEntries(rows.map(({ name, setting }) => [`postgres.${String(name)}`, String(setting)]));
}

async function walSyncs(sql: Sql): Promise<number> {
  const rows = await sql("select coalesce(sum(fsyncs), 0)::float8 as n from pg_stat_io where object = 'wal'");
  return rows[0]?.["n"] as number;
}

async function statementCounts(sql: Sql): Promise<Omit<SqlCounts, "walSyncs">> {
  const rows = (await sql(
    `select regexp_replace(query, '\\s+', ' ', 'g') as text, calls::float8 as calls, mean_exec_time as "meanMs"
       from pg_stat_statements s join pg_database d on d.oid = s.dbid
      where d.datname = current_database() and query not like '%pg_stat%' order by calls desc`,
  )) as SqlCounts["top"];
  const isControl = (text: string): boolean => /^(begin|start transaction|commit|rollback)/i.test(text);
  const statements = rows.filter(({ text }) => !isControl(text));
  const commits = rows.filter(({ text }) => /^commit/i.test(text));
  const sum = (some: SqlCounts["top"]): number => some.reduce((total, { calls }) => total + calls, 0);
  return { statements: sum(statements), transactions: sum(commits), top: statements };
}
