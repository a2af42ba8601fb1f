import { sql } from "kysely";
import { describe, expect, inject, it } from "vitest";
import { isRecordUnavailable, placeOf } from "../../src/record/errors.ts";
import { openDatabase } from "../../src/record/pool.ts";
import { openRecord } from "../../src/record/record.ts";
import { createTestDatabase } from "../support/database.ts";

const SECRET = "s3cr3t-in-the-url";

async function failureOf(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => {
      throw new Error("it should have failed");
    },
    (error: Error) => error,
  );
}

/** Everything that a logger could print of an error. */
function printed(error: Error): string {
  return [
    error.message,
    error.stack,
    JSON.stringify(error, Object.getOwnPropertyNames(error)),
    String(error.cause),
  ].join();
}

describe("a record that cannot be used", () => {
  it.each([
    [`postgres://u:${SECRET}@127.0.0.1:1/db`, "127.0.0.1:1/db cannot be used: nothing listens there"],
    [`postgres://u:${SECRET}@no-such-host.invalid/db`, "no-such-host.invalid:5432/db cannot be used"],
    [`postgres://u:${SECRET}@[bad/db`, "cannot be read as a URL"],
    [`mysql://u:${SECRET}@127.0.0.1/db`, "must look like postgres://"],
    [`u:${SECRET} and no URL`, "must look like postgres://"],
  ])("says where it is and what to do, never the password (%#)", async (url, message) => {
    const error = await failureOf(openRecord(url));
    expect(isRecordUnavailable(error)).toBe(true);
    expect(error.message).toContain(message);
    expect(printed(error)).not.toContain(SECRET);
  });

  it("names the database that is missing", async () => {
    const url = new URL(inject("postgresUrl"));
    url.pathname = "/missing";
    const error = await failureOf(openRecord(url.href));
    expect(error.message).toMatch(/\/missing cannot be used: no such database/);
    expect(printed(error)).not.toContain(url.password);
  });

  it("is told from a wrong call, and works again when the database does", async () => {
    const db = await createTestDatabase();
    await db.sql(`select pg_terminate_backend(pid) from pg_stat_activity
                   where datname = current_database() and pid <> pg_backend_pid()`);
    await db.record.ping().catch((error: unknown) => expect(isRecordUnavailable(error)).toBe(true));
    await db.record.ping();
    expect(isRecordUnavailable(await failureOf(db.record.append("nobody", "k", "k", {})))).toBe(false);
    await db.drop();
  });

  it("gives up a statement that takes too long, and loses no connection by it", async () => {
    const db = await createTestDatabase({ statementTimeoutMs: 200, poolSize: 1 });
    await db.sql(`create or replace function selfheal_now() returns timestamptz language sql volatile
                    as $$ select clock_timestamp() from pg_sleep(1) $$`);
    const error = await failureOf(db.record.now());
    expect(isRecordUnavailable(error)).toBe(true);
    expect(error.message).toContain("a statement took too long");
    await db.record.ping();
    await db.drop();
  });

  it.each([
    ["the schema changed below it", "alter table things add column more int"],
    ["the pooler gave another connection", "deallocate all"],
  ])("calls again after its prepared statement was lost: %s", async (_, harm) => {
    const test = await createTestDatabase();
    const db = openDatabase(test.url, { poolSize: 1 });
    await sql`create table things (id int)`.execute(db);
    const look = () => sql`select * from things`.execute(db);
    await look();
    await sql.raw(harm).execute(db);
    const error = await failureOf(look());
    expect(isRecordUnavailable(error)).toBe(true);
    expect((await look()).rows).toEqual([]);
    await db.destroy();
    await test.drop();
  });

  it("knows where a database is without who we are there", () => {
    expect(placeOf(`postgres://u:${SECRET}@db.example.net:6432/heal?sslmode=require`)).toEqual({
      host: "db.example.net",
      port: "6432",
      database: "heal",
    });
    expect(JSON.stringify(placeOf(`postgres://${SECRET}`))).not.toContain(`${SECRET}@`);
    expect(JSON.stringify(placeOf(`not a url ${SECRET}`))).not.toContain(SECRET);
  });
});
