/** Brings a database to this version's schema. Any number of processes may do it at once: kysely's Migrator locks. */
import { sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { messageOf } from "../config/user-error.ts";
import { isRecordUnavailable, placeOf, SchemaTooNew } from "./errors.ts";
import * as first from "./migrations/0001-record.ts";
import * as second from "./migrations/0002-findings.ts";
import * as fourth from "./migrations/0004-decision-tokens.ts";
import * as fifth from "./migrations/0005-temporal.ts";
import * as sixth from "./migrations/0006-lost-alerts.ts";
import * as seventh from "./migrations/0007-guardrails.ts";
import * as eighth from "./migrations/0008-surroundings.ts";
import * as ninth from "./migrations/0009-people.ts";
import * as tenth from "./migrations/0010-audit.ts";
import * as twelfth from "./migrations/0012-identity.ts";
import * as thirteenth from "./migrations/0013-http.ts";
import * as measures from "./migrations/0014-measures.ts";
import * as inventories from "./migrations/0015-inventories.ts";
import * as notifications from "./migrations/0016-notifications.ts";
import * as alertsOfGroup from "./migrations/0017-alerts-of-group.ts";
import * as uncappedLeases from "./migrations/0018-uncapped-leases.ts";
import { type Database, openDatabase } from "./pool.ts";

/** In order; a released one is never changed. Objects in code, so that a bundle carries them. */
const MIGRATIONS: Record<string, Migration> = {
  "0001-record": first,
  "0002-findings": second,
  "0004-decision-tokens": fourth,
  "0005-temporal": fifth,
  "0006-lost-alerts": sixth,
  "0007-guardrails": seventh,
  "0008-surroundings": eighth,
  "0009-people": ninth,
  "0010-audit": tenth,
  "0012-identity": twelfth,
  "0013-http": thirteenth,
  "0014-measures": measures,
  "0015-inventories": inventories,
  "0016-notifications": notifications,
  "0017-alerts-of-group": alertsOfGroup,
  "0018-uncapped-leases": uncappedLeases,
};
const MIGRATION_TIMEOUT_MS = 10 * 60_000;

export interface MigrationReport {
  applied: string[];
}

/** @throws RecordUnavailable, SchemaTooNew, or an Error naming the migration that failed (which was rolled back). */
export async function migrate(databaseUrl: string): Promise<MigrationReport> {
  const db = openDatabase(databaseUrl, { poolSize: 2, statementTimeoutMs: MIGRATION_TIMEOUT_MS });
  try {
    await refuseNewer(db, databaseUrl);
    const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(MIGRATIONS) } });
    const { error, results } = await migrator.migrateToLatest();
    if (error !== undefined) {
      if (isRecordUnavailable(error)) throw error;
      // Another process may have brought a newer schema between the look and the lock.
      await refuseNewer(db, databaseUrl);
      const failed = results?.find((result) => result.status === "Error")?.migrationName ?? "before the first";
      throw new Error(`migration ${failed} failed and was rolled back: ${messageOf(error)}`, { cause: error });
    }
    return { applied: (results ?? []).filter((one) => one.status === "Success").map((one) => one.migrationName) };
  } finally {
    await db.destroy();
  }
}

/** Whether every migration of this version has been applied; throws SchemaTooNew when there are unknown ones. */
export async function isMigrated(db: Database, databaseUrl: string): Promise<boolean> {
  const applied = await refuseNewer(db, databaseUrl);
  return Object.keys(MIGRATIONS).every((name) => applied.has(name));
}

/** Which migrations the database has, which this version would add, and which only a newer one knows. Reads only. */
export async function migrationState(
  db: Database,
): Promise<{ applied: string[]; missing: string[]; unknown: string[] }> {
  const found = await sql<{ there: boolean }>`select to_regclass('kysely_migration') is not null as there`.execute(db);
  const there = found.rows[0]?.there === true;
  const rows = there
    ? (await sql<{ name: string }>`select name from kysely_migration order by 1`.execute(db)).rows
    : [];
  const applied = rows.map((row) => row.name);
  return {
    applied,
    missing: Object.keys(MIGRATIONS).filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !(name in MIGRATIONS)),
  };
}

async function refuseNewer(db: Database, databaseUrl: string): Promise<Set<string>> {
  const state = await migrationState(db);
  const applied = new Set(state.applied);
  const { unknown } = state;
  if (unknown.length === 0) return applied;
  const place = placeOf(databaseUrl);
  throw new SchemaTooNew(
    `the record in ${place.host}:${place.port}/${place.database} has the schema of a newer selfheal ` +
      `(${unknown.join(", ")}): run that version, or give this one a database of its own`,
  );
}
