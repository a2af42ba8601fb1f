import { afterEach, beforeEach, expect, test } from "vitest";
import { inspectDatabase } from "../../src/record/inspect.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

let db: TestDatabase;
beforeEach(async () => {
  db = await createTestDatabase();
});
afterEach(() => db.drop());

test("says the schema, the rights, and the time with how exactly it is known", async () => {
  const report = await inspectDatabase(db.url);
  expect(report).toMatchObject({ missing: [], unknown: [], notWritable: [] });
  expect(report.applied.at(-1)).toBe("0018-uncapped-leases");
  // One machine, one clock, which is read in whole milliseconds.
  expect(report.nowMs).toBeGreaterThanOrEqual(report.askedAtMs - 1);
  expect(report.nowMs).toBeLessThanOrEqual(report.answeredAtMs + 1);
});

test("names what is missing and what is of a newer selfheal, and migrates nothing", async () => {
  await db.sql("update kysely_migration set name = '9999-future' where name = '0007-guardrails'");
  for (let times = 0; times < 2; times++) {
    expect(await inspectDatabase(db.url)).toMatchObject({ missing: ["0007-guardrails"], unknown: ["9999-future"] });
  }
});

test("an empty database lacks everything", async () => {
  await db.sql("drop schema public cascade");
  await db.sql("create schema public");
  expect(await inspectDatabase(db.url)).toMatchObject({ applied: [], unknown: [], notWritable: null });
});

test("a database that is not there is unavailable, without its password", async () => {
  const gone = inspectDatabase("postgres://u:hunter2@127.0.0.1:1/none");
  await expect(gone).rejects.toMatchObject({
    kind: "RecordUnavailable",
    message: expect.not.stringContaining("hunter2"),
  });
});
