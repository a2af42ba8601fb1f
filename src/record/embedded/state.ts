/** What lies in the data folder beside the database: who started it, the password, and PostgreSQL's own pid file. */
import { readFile, readlink, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isErrno } from "./wait.ts";

export interface Layout {
  folder: string;
  /** PostgreSQL's own PGDATA. */
  data: string;
  sockets: string;
  log: string;
  password: string;
  owner: string;
  lock: string;
}

export function layoutOf(folder: string): Layout {
  return {
    folder,
    data: join(folder, "data"),
    sockets: join(folder, "run"),
    log: join(folder, "server.log"),
    password: join(folder, "password"),
    owner: join(folder, "owner.json"),
    lock: join(folder, "starting"),
  };
}

export interface Owner {
  /** The process that started the server and ends it. */
  pid: number;
  /** Kernel's start time of that process where known, so that a reused pid is not taken for it. */
  startedAt: string | null;
}

/** null: the file is not there, or just being written. */
export async function readOwner(file: string): Promise<Owner | null> {
  try {
    const owner = JSON.parse(await readFile(file, "utf8")) as Owner | number;
    // Start locks of earlier versions hold the pid alone.
    return typeof owner === "number" ? { pid: owner, startedAt: null } : owner;
  } catch {
    return null;
  }
}

export async function writeOwner(layout: Layout): Promise<void> {
  await writeFile(layout.owner, JSON.stringify(await ourselves()));
}

export async function ourselves(): Promise<Owner> {
  return { pid: process.pid, startedAt: await startOf(process.pid) };
}

export async function isAlive(owner: Owner): Promise<boolean> {
  if (!pidExists(owner.pid)) return false;
  return owner.startedAt === null || owner.startedAt === (await startOf(owner.pid));
}

export function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isErrno(error, "EPERM");
  }
}

/** Field 22 of /proc/<pid>/stat, null where there is no /proc. */
async function startOf(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

export interface Postmaster {
  pid: number;
  port: number;
  ready: boolean;
}

/**
 * The server that postmaster.pid names, if it runs. A pid that a SIGKILL left behind and that another program has now
 * is not a server: the file is taken away, because PostgreSQL itself would refuse to start over it.
 */
export async function runningPostmaster(layout: Layout): Promise<Postmaster | null> {
  const named = await namedPostmaster(layout);
  if (named === null || (await isPostgres(named.pid, layout))) return named;
  await rm(pidFile(layout), { force: true });
  return null;
}

/** The same for who only looks, without the start's lock: whatever lies there stays. */
export async function seenPostmaster(layout: Layout): Promise<Postmaster | null> {
  const named = await namedPostmaster(layout);
  return named !== null && (await isPostgres(named.pid, layout)) ? named : null;
}

async function namedPostmaster(layout: Layout): Promise<Postmaster | null> {
  const text = await readFile(pidFile(layout), "utf8").catch(() => null);
  if (text === null) return null;
  const lines = text.split("\n");
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0 || !pidExists(pid)) return null;
  return { pid, port: Number(lines[3] ?? 0), ready: (lines[7] ?? "").trim() === "ready" };
}

function pidFile({ data }: Layout): string {
  return join(data, "postmaster.pid");
}

/** Whether the process works in our data folder, as a postmaster does; where that cannot be seen, believe the file. */
async function isPostgres(pid: number, layout: Layout): Promise<boolean> {
  if (process.platform !== "linux") return true;
  const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => null);
  if (command === null) return false;
  if (command.includes(layout.data)) return true;
  return (await readlink(`/proc/${pid}/cwd`).catch(() => "")) === layout.data;
}
