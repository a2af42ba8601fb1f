/** The topology's PostgreSQL: one server, a role for Temporal and one for selfheal, each with databases of its own. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Env } from "../../config/env.ts";
import { projectPath } from "../../config/project.ts";
import { UserError } from "../../config/user-error.ts";
import { startEmbedded, type EmbeddedPostgres } from "../../record/embedded.ts";
import { systemBinaries } from "../../record/embedded/binaries.ts";
import { ensureTenant } from "../../record/tenants.ts";
import { TEMPORAL_DATABASES, type TemporalDatabase } from "../../workers/temporal-server-config.ts";
import { run as runTool } from "../../workers/tools.ts";
import type { Run } from "../process/kept-service.ts";
import { SECRET_FILES, SELFHEAL_DATABASE, SELFHEAL_ROLE, TEMPORAL_ROLE } from "./topology.ts";

export interface DatabasePlace {
  /** PostgreSQL's data lies below it. */
  folder: string;
  /** Made by docker/make-secrets.sh. */
  secrets: string;
  port: number;
}

const HOST = "127.0.0.1";
const SUPERUSER = "postgres";
const SECRETS_TIMEOUT_MS = 10_000;

/** Makes passwords and tokens at the first start, by the script that the compose file runs. */
export async function makeSecrets(place: DatabasePlace): Promise<void> {
  await mkdir(place.secrets, { recursive: true, mode: 0o700 });
  await runTool({
    name: "make-secrets.sh",
    command: "/bin/sh",
    args: [projectPath("docker", "make-secrets.sh"), place.secrets, `${HOST}:${place.port}`],
    timeoutMs: SECRETS_TIMEOUT_MS,
  });
}

export async function readSecret(secrets: string, name: keyof typeof SECRET_FILES): Promise<string> {
  return (await readFile(join(secrets, SECRET_FILES[name]), "utf8")).trim();
}

/** The system's own PostgreSQL, in the version that the data folder has when there is one; else npm's. */
export async function postgresPrograms(folder: string, env: Env): Promise<string | null> {
  const version = await readFile(join(folder, "data", "PG_VERSION"), "utf8").catch(() => null);
  return systemBinaries(env.PATH, version === null ? {} : { major: Number(version) });
}

/** Starts it, and resolves when both roles and all databases are there. */
export async function startDatabase(place: DatabasePlace, programs: string | null): Promise<Run> {
  const server = await startEmbedded({
    dataFolder: place.folder,
    port: place.port,
    superuser: SUPERUSER,
    database: SUPERUSER,
    ...(programs === null ? {} : { binFolder: programs }),
  });
  if (server.how === "attached") {
    throw new UserError(
      `another process runs the database in ${place.folder} (PostgreSQL ${server.pid}): stop it, or take another --data`,
    );
  }
  try {
    await makeTenants(server.url, place.secrets);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return runOfPostgres(server, place);
}

export async function temporalDatabase(place: DatabasePlace): Promise<TemporalDatabase> {
  const password = await readSecret(place.secrets, "temporalPassword");
  return { host: HOST, port: place.port, user: TEMPORAL_ROLE, password };
}

async function makeTenants(adminUrl: string, secrets: string): Promise<void> {
  await ensureTenant(adminUrl, {
    role: TEMPORAL_ROLE,
    password: await readSecret(secrets, "temporalPassword"),
    databases: Object.values(TEMPORAL_DATABASES),
  });
  await ensureTenant(adminUrl, {
    role: SELFHEAL_ROLE,
    password: await readSecret(secrets, "selfhealPassword"),
    databases: [SELFHEAL_DATABASE],
  });
}

function runOfPostgres(server: EmbeddedPostgres, place: DatabasePlace): Run {
  return {
    pid: server.pid,
    detail: {},
    ended: server.ended,
    stop: () => server.stop(),
    kill: () => void server.kill(),
    lastWords: () => `see ${join(place.folder, "server.log")}`,
  };
}
