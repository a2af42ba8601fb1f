import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterEach, describe, expect, inject, it } from "vitest";
import { SchemaTooNew } from "../../src/record/errors.ts";
import { migrate } from "../../src/record/migrate.ts";
import { openRecord } from "../../src/record/record.ts";
import { createTestDatabase } from "../support/database.ts";

const drops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const drop of drops.splice(0)) await drop();
});

async function onServer(text: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject("postgresUrl") });
  await client.connect();
  await client.query(text);
  await client.end();
}

async function emptyDatabase(): Promise<string> {
  const name = `empty_${randomUUID().replaceAll("-", "")}`;
  await onServer(`create database ${name}`);
  drops.push(() => onServer(`drop database ${name} with (force)`));
  const url = new URL(inject("postgresUrl"));
  url.pathname = `/${name}`;
  return url.href;
}

describe("migrations", () => {
  it("are applied once by several processes that start at once", async () => {
    const url = await emptyDatabase();
    const reports = await Promise.all(Array.from({ length: 4 }, () => migrate(url)));
    expect(reports.flatMap((report) => report.applied)).toEqual([
      "0001-record",
      "0002-findings",
      "0004-decision-tokens",
      "0005-temporal",
      "0006-lost-alerts",
      "0007-guardrails",
      "0008-surroundings",
      "0009-people",
      "0010-audit",
      "0012-identity",
      "0013-http",
      "0014-measures",
      "0015-inventories",
      "0016-notifications",
      "0017-alerts-of-group",
      "0018-uncapped-leases",
    ]);
    expect(await migrate(url)).toEqual({ applied: [] });
  });

  it("are done by openRecord where they must be, by several at once too", async () => {
    const url = await emptyDatabase();
    const records = await Promise.all([openRecord(url), openRecord(url), openRecord(url)]);
    for (const record of records) {
      await record.ping();
      await record.end();
    }
  });

  it("refuse a database of a newer selfheal, changing nothing", async () => {
    const db = await createTestDatabase();
    drops.push(() => db.drop());
    await db.sql("insert into kysely_migration (name, timestamp) values ('9999-future', '2099')");
    await expect(migrate(db.url)).rejects.toThrow(SchemaTooNew);
    await expect(openRecord(db.url)).rejects.toThrow(/newer selfheal \(9999-future\)/);
  });
});
