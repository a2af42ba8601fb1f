/** A look at the database without changing it: for `selfheal doctor`, which must not migrate what it examines. */
import { sql } from "kysely";
import { migrationState } from "./migrate.ts";
import { openDatabase } from "./pool.ts";

export interface DatabaseReport {
  /** PostgreSQL's own version. */
  server: string;
  /** The database's time, and the process's time around the question, in milliseconds. */
  nowMs: number;
  askedAtMs: number;
  answeredAtMs: number;
  /** Names of migrations. `missing`: of this version, not applied yet. `unknown`: of a newer selfheal. */
  applied: string[];
  missing: string[];
  unknown: string[];
  /** Tables that this login may not write; null when there are none yet. */
  notWritable: string[] | null;
}

/** @throws RecordUnavailable */
export async function inspectDatabase(databaseUrl: string, clock: () => number = Date.now): Promise<DatabaseReport> {
  const db = openDatabase(databaseUrl, { poolSize: 1, applicationName: "selfheal doctor" });
  try {
    await sql`select 1`.execute(db);
    const askedAtMs = clock();
    const found = await sql<{ now: string; server: string }>`
      select clock_timestamp() as now, current_setting('server_version') as server`.execute(db);
    const answeredAtMs = clock();
    const row = found.rows[0] as { now: string; server: string };
    const state = await migrationState(db);
    const rights = await sql<{ name: string; may: boolean }>`
      select relname as name, has_table_privilege(oid, 'select') and has_table_privilege(oid, 'insert')
             and has_table_privilege(oid, 'update') as may
        from pg_class where relkind = 'r' and relnamespace = to_regnamespace(current_schema()) order by 1`.execute(db);
    return {
      server: row.server,
      nowMs: Date.parse(row.now),
      askedAtMs,
      answeredAtMs,
      ...state,
      notWritable: state.applied.length === 0 ? null : rights.rows.filter(({ may }) => !may).map(({ name }) => name),
    };
  } finally {
    await db.destroy();
  }
}
