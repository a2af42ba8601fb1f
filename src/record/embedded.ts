/**
 * The embedded PostgreSQL: a real server in a data folder, for people who run none. The process that starts it ends it;
 * whoever comes second on the same folder uses the running one. A server whose starter was killed is ended by its
 * watchdog, and one that even so was left over is taken over by the next starter.
 */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { EXIT, UserError } from "../config/user-error.ts";
import { embeddedBinaries } from "./embedded/binaries.ts";
import { ownFolder, reachableBinaries, serverUser } from "./embedded/server-user.ts";
import {
  endOfForeign,
  freePort,
  initialise,
  isInitialised,
  killAll,
  type Cluster,
  launch,
  launchAnywhere,
  type RunningServer,
  shutDown,
  watchOver,
} from "./embedded/server.ts";
import { withStartLock } from "./embedded/start-lock.ts";
import {
  isAlive,
  type Layout,
  layoutOf,
  readOwner,
  runningPostmaster,
  seenPostmaster,
  writeOwner,
} from "./embedded/state.ts";
import { waitFor } from "./embedded/wait.ts";

const OWN = "selfheal";
const STARTUP_OF_OTHERS_MS = 30_000;

export interface EmbeddedOptions {
  /** Everything of the database lies below it; made when missing. Default `<state folder>/postgres`. */
  dataFolder?: string;
  /** Default: any free one. An attached server keeps its own. */
  port?: number;
  /** Folder with initdb and postgres of PostgreSQL 15 or later; default the npm package's 18. */
  binFolder?: string;
  /** More server settings, e.g. `{ fsync: "off" }` for databases that are thrown away. */
  settings?: Record<string, string>;
  /** The role that may do everything, made at the first start of the folder. Default `selfheal`. */
  superuser?: string;
  /** Made when it is missing, and what `url` leads to. Default `selfheal`. */
  database?: string;
}

export interface EmbeddedPostgres {
  /** Connection string with its password: never print it. */
  url: string;
  pid: number;
  port: number;
  dataFolder: string;
  /** `started`: we own it; `attached`: a living process does; `adopted`: its starter was gone, now we own it. */
  how: "started" | "attached" | "adopted";
  /** Resolves when the server has ended, wanted or not, with how. */
  ended: Promise<string>;
  /** Fast shutdown; does nothing for an attached one. */
  stop(): Promise<void>;
  /** SIGKILL to the server and all its processes, as a power cut would. For trying what that does. */
  kill(): Promise<void>;
}

/** `/var/lib/selfheal` for root, else `$XDG_STATE_HOME/selfheal` or `~/.local/state/selfheal`. */
export function defaultStateFolder(stateHome?: string): string {
  if (process.getuid?.() === 0 && stateHome === undefined) return "/var/lib/selfheal";
  return join(stateHome ?? join(homedir(), ".local", "state"), "selfheal");
}

export async function startEmbedded(options: EmbeddedOptions = {}): Promise<EmbeddedPostgres> {
  const folder = options.dataFolder ?? join(defaultStateFolder(), "postgres");
  const layout = layoutOf(folder);
  const user = await serverUser();
  await ownFolder(folder, user);
  return withStartLock(layout, async () => {
    const running = await joinRunning(layout, options);
    if (running !== null) return running;
    const bin = options.binFolder ?? (await ownBinaries(folder, user));
    const port = options.port === undefined ? null : await freePort(options.port);
    const { superuser = OWN, settings = {} } = options;
    const cluster: Cluster = { layout, user, bin, superuser, settings };
    if (!(await isInitialised(layout))) await initialise(cluster);
    const server = await (port === null ? launchAnywhere(cluster) : launch({ ...cluster, port }));
    await writeOwner(layout);
    return owned(layout, server, "started", options);
  });
}

/**
 * Connection string, with its password, of the server that runs on this data folder now; null: none is ready. It only
 * looks. Null also for another user, who may not read the folder.
 */
export async function runningEmbedded(dataFolder: string): Promise<string | null> {
  const layout = layoutOf(dataFolder);
  const server = await seenPostmaster(layout);
  return server?.ready === true ? `${await serverUrl(layout, OWN, server.port)}/${OWN}` : null;
}

async function serverUrl(layout: Layout, superuser: string, port: number): Promise<string> {
  const password = (await readFile(layout.password, "utf8")).trim();
  return `postgresql://${superuser}:${encodeURIComponent(password)}@127.0.0.1:${port}`;
}

async function ownBinaries(folder: string, user: Awaited<ReturnType<typeof serverUser>>): Promise<string> {
  const { root, version } = embeddedBinaries();
  return join(await reachableBinaries(root, user, `${folder}-binaries`, version), "bin");
}

/** The server that runs on this folder already, or null. */
async function joinRunning(layout: Layout, options: EmbeddedOptions): Promise<EmbeddedPostgres | null> {
  const wishedPort = options.port;
  if ((await runningPostmaster(layout)) === null) return null;
  // It may be starting up or shutting down just now: wait until it is either ready or gone.
  const settled = await waitFor(async () => {
    const server = await runningPostmaster(layout);
    return server === null || server.ready ? { server } : null;
  }, STARTUP_OF_OTHERS_MS);
  const owner = await readOwner(layout.owner);
  if (settled === null) {
    throw new UserError(
      `a PostgreSQL in ${layout.folder} neither becomes ready nor ends (started by process ${owner?.pid ?? "unknown"}); ` +
        `see ${layout.log}`,
      { exitCode: EXIT.unavailable },
    );
  }
  const { server } = settled;
  if (server === null) return null;
  const held = owner !== null && (await isAlive(owner));
  if (wishedPort !== undefined && server.port !== wishedPort) {
    throw new UserError(
      `the database in ${layout.folder} runs on port ${server.port} already (held by process ` +
        `${held ? owner.pid : `${server.pid}, left over`}), not on ${wishedPort}: leave the port out to use it, or end that process`,
      { exitCode: EXIT.unavailable },
    );
  }
  if (!held) await writeOwner(layout);
  const found = { pid: server.pid, port: server.port, ended: endOfForeign(server.pid) };
  return owned(layout, found, held ? "attached" : "adopted", options);
}

async function owned(
  layout: Layout,
  server: RunningServer,
  how: EmbeddedPostgres["how"],
  { superuser = OWN, database = OWN }: EmbeddedOptions,
): Promise<EmbeddedPostgres> {
  const base = await serverUrl(layout, superuser, server.port);
  await ensureDatabase(`${base}/postgres`, database);
  const watchdog = how === "attached" ? null : watchOver(server.pid, await serverUser());
  // Its pid may soon be another program's: nobody may signal it any more.
  let gone = false;
  const ended = server.ended.finally(() => {
    gone = true;
    watchdog?.release();
  });
  let stopped: Promise<void> | null = null;
  const stop = async () => {
    if (watchdog === null || gone) return;
    await shutDown(server.pid);
    watchdog.release();
  };
  return {
    url: `${base}/${database}`,
    pid: server.pid,
    port: server.port,
    dataFolder: layout.folder,
    how,
    ended,
    stop: () => (stopped ??= stop()),
    kill: async () => {
      if (!gone) await killAll(server.pid);
    },
  };
}

async function ensureDatabase(url: string, database: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const found = await client.query("select 1 from pg_database where datname = $1", [database]);
    if (found.rowCount === 0) await client.query(`create database ${client.escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
}
