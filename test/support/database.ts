/** A database of its own for each test that wants one, copied from the migrated template in some 30 ms. */
import { randomUUID } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import type { RecordStore } from "../../src/record/api.ts";
import { openRecord, type RecordOptions } from "../../src/record/record.ts";
import { TEMPLATE } from "./postgres-setup.ts";

export interface TestDatabase {
  url: string;
  record: RecordStore;
  /**
   * Moves the record's time, for every connection to this database. A number of milliseconds: real time plus that much.
   * An ISO time: it stands still there. null: real time again.
   */
  setClock(clock: number | string | null): Promise<void>;
  /** Any SQL, for looking and for doing harm. */
  sql(text: string, parameters?: unknown[]): Promise<Record<string, unknown>[]>;
  /** Closes the record and removes the database. */
  drop(): Promise<void>;
}

export interface TestDatabaseOptions extends RecordOptions {
  /** Maintenance database of another server that has the template; default the run's. */
  serverUrl?: string;
  /** URL of a database that nobody is connected to: a copy of it; default an empty record. */
  copyOf?: string;
}

/** Many calls at once on a busy machine wait for each other: nobody is told so, but where a test asks for it. */
export const PATIENT = { connectTimeoutMs: 60_000, statementTimeoutMs: 60_000 };

export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { serverUrl = inject("postgresUrl"), copyOf, ...recordOptions } = options;
  const template = copyOf === undefined ? TEMPLATE : new URL(copyOf).pathname.slice(1);
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await once(serverUrl, `create database ${name} template ${template}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const record = await openRecord(url.href, { ...PATIENT, ...recordOptions });
  const run = async (text: string, parameters: unknown[] = []) => once(url.href, text, parameters);
  let ended: Promise<void> | null = null;
  const drop = async () => {
    await record.end();
    await once(serverUrl, `drop database if exists ${name} with (force)`);
  };
  return { url: url.href, record, sql: run, setClock: (clock) => setClock(run, clock), drop: () => (ended ??= drop()) };
}

async function setClock(run: TestDatabase["sql"], clock: number | string | null): Promise<void> {
  const moment =
    typeof clock === "string"
      ? `'${new Date(clock).toISOString()}'::timestamptz`
      : `clock_timestamp() + ${clock ?? 0} * interval '1 millisecond'`;
  await run(`create or replace function selfheal_now() returns timestamptz language sql volatile
               as $$ select date_trunc('milliseconds', ${moment}) $$`);
}

async function once(url: string, text: string, parameters: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const result = await client.query<Record<string, unknown>>(text, parameters);
    return result.rows;
  } finally {
    await client.end();
  }
}
