import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findDatabase } from "../../src/cli/database.ts";
import { readEnv } from "../../src/config/env.ts";

describe("the database of a command", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "selfheal-test-database-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const env = (more: Record<string, string> = {}) => readEnv({ SELFHEAL_STATE: folder, ...more });
  const URL = "postgres://me:secret@db/one";

  it("is the option's before the environment's", async () => {
    expect(await findDatabase({ dbUrl: "postgres://x/two" }, env({ DATABASE_URL: URL }))).toBe("postgres://x/two");
    expect(await findDatabase({}, env({ DATABASE_URL: URL }))).toBe(URL);
  });

  it("is never another one than that of the state folder that was named", async () => {
    const found = findDatabase({ state: folder }, env({ DATABASE_URL: URL }));
    await expect(found).rejects.toThrow(`--state ${folder}: no \`selfheal dev\``);
  });

  it("says what to type where none was named and no dev runs", async () => {
    await expect(findDatabase({}, env())).rejects.toThrow(/set DATABASE_URL=.*--state FOLDER.*runs on /);
  });
});
