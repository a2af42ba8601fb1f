/**
 * Vitest global set-up: one PostgreSQL for the run, with a migrated template that every test's database is copied from.
 * Several projects list this file, so it may be set up more than once in a run: the first starts, the last stops.
 */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { type EmbeddedPostgres, startEmbedded } from "../../src/record/embedded.ts";
import { isAlive, layoutOf, readOwner } from "../../src/record/embedded/state.ts";
import { migrate } from "../../src/record/migrate.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** URL of the server's maintenance database; `database.ts` makes databases with it. */
    postgresUrl: string;
  }
}

export const TEMPLATE = "selfheal_template";
const PREFIX = "selfheal-test-postgres-";
/** These databases are thrown away: what a power cut does to them is of no interest. */
export const UNSAFE_BUT_FAST = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  shared_buffers: "64MB",
};

interface Running {
  server: Promise<{ embedded: EmbeddedPostgres; url: string }>;
  users: number;
}
const shared = globalThis as typeof globalThis & { selfhealTestPostgres?: Running | undefined };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const running = (shared.selfhealTestPostgres ??= { server: startTemplateServer(), users: 0 });
  running.users++;
  const { url } = await running.server;
  project.provide("postgresUrl", url);
  return async () => {
    running.users--;
    if (running.users > 0) return;
    shared.selfhealTestPostgres = undefined;
    const { embedded } = await running.server;
    await embedded.stop();
    await rm(embedded.dataFolder, { recursive: true, force: true });
  };
}

async function startTemplateServer(): Promise<{ embedded: EmbeddedPostgres; url: string }> {
  await removeLeftOvers();
  const dataFolder = await mkdtemp(join(tmpdir(), PREFIX));
  const embedded = await startEmbedded({ dataFolder, settings: UNSAFE_BUT_FAST });
  return { embedded, url: await makeTemplate(embedded.url) };
}

/** Makes the template; answers the URL of the maintenance database. */
export async function makeTemplate(serverUrl: string): Promise<string> {
  const url = new URL(serverUrl);
  url.pathname = "/postgres";
  const admin = new pg.Client({ connectionString: url.href });
  await admin.connect();
  try {
    await admin.query(`drop database if exists ${TEMPLATE}`);
    await admin.query(`create database ${TEMPLATE}`);
    const template = new URL(url);
    template.pathname = `/${TEMPLATE}`;
    await migrate(template.href);
    // Nobody may sit in the template while it is copied.
    await admin.query(`alter database ${TEMPLATE} with allow_connections false`);
  } finally {
    await admin.end();
  }
  return url.href;
}

/** A killed run's server is ended by its watchdog; its folder stays until the next run. */
async function removeLeftOvers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const folder = join(tmpdir(), name);
    const owner = await readOwner(layoutOf(folder).owner);
    // Another run that begins now removes it as well.
    if (owner !== null && !(await isAlive(owner))) await rm(folder, { recursive: true, force: true }).catch(() => null);
  }
}
