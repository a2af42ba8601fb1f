/** The PostgreSQL processes themselves: initdb, the server, and the watchdog that ends it when its starter is gone. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { chmod, chown, mkdir, open, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { EXIT, messageOf, UserError } from "../../config/user-error.ts";
import { asUser, type ServerUser } from "./server-user.ts";
import { type Layout, pidExists, type Postmaster, runningPostmaster } from "./state.ts";
import { isErrno, waitFor } from "./wait.ts";

const run = promisify(execFile);
/** Nothing of ours is inherited: PGDATA, PGPORT and the like of the caller must not reach the server. */
const CHILD_ENV = { PATH: "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C" };
/** The longest path of a UNIX socket is 107 bytes; PostgreSQL adds `/.s.PGSQL.<port>`. */
const MAX_SOCKET_FOLDER = 107 - "/.s.PGSQL.65535".length;
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 15_000;
const PORT_TRIES = 4;
const FOREIGN_LOOK_MS = 200;

export interface Cluster {
  layout: Layout;
  user: ServerUser;
  /** The folder with initdb and postgres. */
  bin: string;
  /** Made by initdb: the role that may do everything. */
  superuser: string;
  settings: Record<string, string>;
}

export interface ServerPlan extends Cluster {
  port: number;
}

export async function isInitialised(layout: Layout): Promise<boolean> {
  try {
    await stat(join(layout.data, "global", "pg_control"));
    return true;
  } catch (error) {
    // A disk that does not answer is not an empty one.
    if (!isErrno(error, "ENOENT")) throw error;
    return false;
  }
}

/** Runs initdb in a folder beside the final one and renames, so that a killed starter never leaves half a cluster. */
export async function initialise(plan: Cluster): Promise<void> {
  const { layout, user } = plan;
  const partial = join(layout.folder, "data.partial");
  await rm(partial, { recursive: true, force: true });
  await leaveNoData(layout);
  await writeFile(layout.password, randomBytes(24).toString("base64url"), { mode: 0o600 });
  if (user !== null) await chown(layout.password, user.uid, user.gid);
  const access = ["-U", plan.superuser, "-A", "scram-sha-256", `--pwfile=${layout.password}`];
  try {
    await run(
      join(plan.bin, "initdb"),
      ["-D", partial, ...access, "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums"],
      {
        ...asUser(user),
        cwd: layout.folder,
        env: CHILD_ENV,
      },
    );
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() ?? "";
    throw new UserError(`initdb failed in ${layout.folder}: ${said === "" ? String(error) : said}`, {
      exitCode: EXIT.unavailable,
      cause: error,
    });
  }
  await rename(partial, layout.data);
}

/** What lies there was whole once, for it is renamed to there: the record may be in it, and nobody but a person knows. */
async function leaveNoData({ data }: Layout): Promise<void> {
  try {
    await rmdir(data);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return;
    if (!isErrno(error, "ENOTEMPTY") && !isErrno(error, "EEXIST")) throw error;
    throw new UserError(
      `${data} is not empty, and holds no database that can be started (no global/pg_control): bring back what it held, ` +
        "or move it away to begin with an empty record",
      { exitCode: EXIT.unavailable, cause: error },
    );
  }
}

/** A port of the loopback that nothing listens on: the wished one, or any. */
export async function freePort(wished: number | undefined): Promise<number> {
  const server = createServer();
  try {
    return await new Promise<number>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: "127.0.0.1", port: wished ?? 0, exclusive: true }, () => {
        resolve((server.address() as { port: number }).port);
      });
    });
  } catch (error) {
    if (!isErrno(error, "EADDRINUSE") && !isErrno(error, "EACCES")) throw error;
    throw new UserError(
      `port ${wished} on 127.0.0.1 is ${isErrno(error, "EACCES") ? "not open to us" : "in use by another program"}: ` +
        "choose another port for the embedded database, or none to take any free one",
      { exitCode: EXIT.unavailable, cause: error },
    );
  } finally {
    server.close();
  }
}

export interface RunningServer {
  pid: number;
  port: number;
  /** Resolves when it has ended, wanted or not, with how. */
  ended: Promise<string>;
}

/** On any port. One that was free may be somebody's before the server listens: it is started again, on another. */
export async function launchAnywhere(
  cluster: Cluster,
  nextPort: () => Promise<number> = () => freePort(undefined),
): Promise<RunningServer> {
  for (let left = PORT_TRIES; ; left--) {
    try {
      return await launch({ ...cluster, port: await nextPort() });
    } catch (error) {
      if (left === 1 || !messageOf(error).includes("Address already in use")) throw error;
    }
  }
}

/** Starts the server in a session of its own: a Ctrl-C in the terminal is for us, and we stop it when we are done. */
export async function launch(plan: ServerPlan): Promise<RunningServer> {
  const { layout, user } = plan;
  await mkdir(layout.sockets, { recursive: true, mode: 0o700 });
  if (user !== null) await chown(layout.sockets, user.uid, user.gid);
  await chmod(layout.sockets, 0o700);
  const log = await open(layout.log, "w", 0o600);
  const sockets = layout.sockets.length <= MAX_SOCKET_FOLDER ? layout.sockets : "";
  const settings: Record<string, string> = {
    listen_addresses: "127.0.0.1",
    port: String(plan.port),
    unix_socket_directories: sockets,
    max_connections: "200",
    timezone: "UTC",
    log_timezone: "UTC",
    ...plan.settings,
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const child = spawn(join(plan.bin, "postgres"), ["-D", layout.data, ...options], {
    ...asUser(user),
    cwd: layout.data,
    env: CHILD_ENV,
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
  });
  const ended = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `killed by ${signal}`));
  });
  try {
    const ready = await untilReady(child, layout);
    child.unref();
    return { pid: ready.pid, port: ready.port, ended };
  } finally {
    await log.close();
  }
}

async function untilReady(child: ChildProcess, layout: Layout): Promise<Postmaster> {
  let failure: string | null = null;
  child.once("error", (error) => (failure = error.message));
  child.once("exit", (code, signal) => (failure = `it ended with ${signal ?? `code ${code}`}`));
  const ready = await waitFor<Postmaster | "failed">(async () => {
    if (failure !== null) return "failed";
    const server = await runningPostmaster(layout);
    return server?.ready === true && server.pid === child.pid ? server : null;
  }, START_TIMEOUT_MS);
  if (ready !== null && ready !== "failed") return ready;
  if (ready === null && child.pid !== undefined) process.kill(child.pid, "SIGQUIT");
  const log = await readFile(layout.log, "utf8").catch(() => "");
  const why = failure ?? `it was not ready after ${START_TIMEOUT_MS} ms`;
  throw new UserError(
    `PostgreSQL did not start in ${layout.folder}: ${why}; its log ${layout.log} ends: ${tail(log)}`,
    {
      exitCode: EXIT.unavailable,
    },
  );
}

function tail(log: string): string {
  const lines = log.trim().split("\n").slice(-5);
  return lines.length === 1 && lines[0] === "" ? "(empty)" : lines.join(" | ");
}

/** Fast shutdown: sessions are ended, the data is written; after a while, immediate (the log replays at next start). */
export async function shutDown(pid: number): Promise<void> {
  for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (isErrno(error, "ESRCH")) return;
      throw error;
    }
    const gone = await waitFor(() => Promise.resolve(pidExists(pid) ? null : true), STOP_TIMEOUT_MS);
    if (gone !== null) return;
  }
}

/** A server that somebody else started: only looking tells. */
export async function endOfForeign(pid: number): Promise<string> {
  while (pidExists(pid)) await sleep(FOREIGN_LOOK_MS, undefined, { ref: false });
  return "it is gone";
}

/**
 * As a power cut would: SIGKILL to the server and to every process that works for it. (Where there is no /proc, those
 * end by themselves as soon as they see that the server is gone.)
 */
export async function killAll(pid: number): Promise<void> {
  const tasks = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  const everyone = [pid, ...tasks.split(" ").filter(Boolean).map(Number)];
  for (const one of everyone) {
    try {
      process.kill(one, "SIGKILL");
    } catch (error) {
      if (!isErrno(error, "ESRCH")) throw error;
    }
  }
}

/**
 * A shell that sleeps on a pipe from us. When we end in whatever way, SIGKILL too, the kernel closes the pipe and the
 * shell asks the server to shut down: it never outlives its starter unseen.
 */
export function watchOver(pid: number, user: ServerUser): { release(): void } {
  const watchdog = spawn(
    "/bin/sh",
    ["-c", 'read -r _; kill -INT "$1" 2>/dev/null', "selfheal-postgres-watchdog", String(pid)],
    {
      ...asUser(user),
      cwd: "/",
      env: CHILD_ENV,
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    },
  );
  watchdog.on("error", () => undefined);
  watchdog.stdin.on("error", () => undefined);
  watchdog.unref();
  (watchdog.stdin as unknown as { unref?(): void }).unref?.();
  return {
    release: () => {
      watchdog.kill("SIGKILL");
    },
  };
}
