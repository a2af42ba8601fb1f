/** Two programs on one server: each owns its databases, and can do nothing to the other. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEmbedded, type EmbeddedPostgres } from "../../src/record/embedded.ts";
import { systemBinaries } from "../../src/record/embedded/binaries.ts";
import { ensureTenant } from "../../src/record/tenants.ts";
import { UNSAFE_BUT_FAST } from "../support/postgres-setup.ts";

const SECOND = `it's "second"`;

describe("tenants of one server", () => {
  let server: EmbeddedPostgres;
  beforeAll(async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), "selfheal-test-tenants-"));
    server = await startEmbedded({
      dataFolder,
      settings: UNSAFE_BUT_FAST,
      superuser: "postgres",
      database: "postgres",
    });
    for (const password of ["first", SECOND]) {
      await ensureTenant(server.url, { role: "one", password, databases: ["one", "one_more"] });
    }
    await ensureTenant(server.url, { role: "two", password: "two", databases: ["two"] });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(server.dataFolder, { recursive: true, force: true });
  });

  async function as(role: string, password: string, database: string, sql: string): Promise<unknown[]> {
    const client = new pg.Client({ host: "127.0.0.1", port: server.port, user: role, password, database });
    await client.connect();
    try {
      return (await client.query(sql)).rows as unknown[];
    } finally {
      await client.end();
    }
  }

  it("each may do everything in its own databases, with the password that was given last", async () => {
    for (const database of ["one", "one_more"]) {
      await as("one", SECOND, database, "create table mine (n int)");
      expect(await as("one", SECOND, database, "select count(*)::int as n from mine")).toEqual([{ n: 0 }]);
    }
    await expect(as("one", "first", "one", "select 1")).rejects.toThrow(/password authentication failed/);
  });

  it("none may connect to another's, and none is a superuser", async () => {
    await expect(as("two", "two", "one", "select 1")).rejects.toThrow(/permission denied for database "one"/);
    expect(await as("two", "two", "two", "select rolsuper from pg_roles where rolname in ('one', 'two')")).toEqual([
      { rolsuper: false },
      { rolsuper: false },
    ]);
  });
});

describe("the system's own PostgreSQL", () => {
  const root = mkdtempSync(join(tmpdir(), "selfheal-test-binaries-"));
  afterAll(() => rmSync(root, { recursive: true }));
  const install = (folder: string, version: string): string => {
    mkdirSync(folder, { recursive: true });
    for (const name of ["initdb", "postgres"]) {
      writeFileSync(join(folder, name), `#!/bin/sh\necho "postgres (PostgreSQL) ${version}"\n`);
      chmodSync(join(folder, name), 0o755);
    }
    return folder;
  };

  it("is the one on PATH, else Debian's newest, never one that is too old; or the version that was asked for", async () => {
    const debian = join(root, "debian");
    expect(await systemBinaries(undefined, { debian })).toBeNull();
    const fifteen = install(join(debian, "15", "bin"), "15.14 (Debian 15.14-0)");
    const seventeen = install(join(debian, "17", "bin"), "17.2");
    const old = install(join(root, "old"), "13.9");
    const onPath = install(join(root, "path"), "16.1");
    expect(await systemBinaries(`${old}:${onPath}`, { debian })).toBe(onPath);
    expect(await systemBinaries(old, { debian })).toBe(seventeen);
    expect(await systemBinaries(onPath, { debian, major: 15 })).toBe(fifteen);
    expect(await systemBinaries(onPath, { debian, major: 18 })).toBeNull();
  });
});
