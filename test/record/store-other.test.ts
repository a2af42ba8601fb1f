/** The same promises on another PostgreSQL: SELFHEAL_TEST_DATABASE_URL, or Debian's 15 where it is installed. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { type EmbeddedPostgres, startEmbedded } from "../../src/record/embedded.ts";
import { createTestDatabase } from "../support/database.ts";
import { makeTemplate, UNSAFE_BUT_FAST } from "../support/postgres-setup.ts";
import { storeSuite } from "./suites/store.ts";

const DEBIAN = "/usr/lib/postgresql/15/bin";
const given = process.env["SELFHEAL_TEST_DATABASE_URL"] ?? "";

if (given === "" && !existsSync(join(DEBIAN, "initdb"))) {
  it.skip("another PostgreSQL (apt-get install postgresql, or set SELFHEAL_TEST_DATABASE_URL)", () => undefined);
} else {
  describe("another server", () => {
    let server: EmbeddedPostgres | null = null;
    let serverUrl = "";

    beforeAll(async () => {
      if (given === "") {
        const dataFolder = await mkdtemp(join(tmpdir(), "selfheal-test-other-"));
        server = await startEmbedded({ dataFolder, binFolder: DEBIAN, settings: UNSAFE_BUT_FAST });
      }
      serverUrl = await makeTemplate(server?.url ?? given);
    });
    afterAll(async () => {
      await server?.stop();
      if (server !== null) await rm(server.dataFolder, { recursive: true, force: true });
    });

    storeSuite(given === "" ? "Debian's PostgreSQL 15" : "the server given", () => createTestDatabase({ serverUrl }));
  });
}
