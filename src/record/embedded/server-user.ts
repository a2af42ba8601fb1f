/**
 * Who runs the embedded PostgreSQL. PostgreSQL refuses to run as root, so a starter that is root hands the server to an
 * unprivileged user, who must own the data folder and be able to reach it and the binaries.
 */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmod, chown, cp, mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { EXIT, messageOf, UserError } from "../../config/user-error.ts";

const run = promisify(execFile);

/** null: the server runs as the user that we are. */
export type ServerUser = { name: string; uid: number; gid: number } | null;

/** In this order: Debian's and Red Hat's own, the Node images' one, the one that every system has. */
const CANDIDATES = ["postgres", "node", "nobody"];

export async function serverUser(): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return null;
  for (const name of CANDIDATES) {
    try {
      const [uid, gid] = await Promise.all([run("id", ["-u", name]), run("id", ["-g", name])]);
      return { name, uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
      continue;
    }
  }
  throw new UserError(
    `PostgreSQL does not run as root, and none of the users ${CANDIDATES.join(", ")} is there to run it: ` +
      "make one (useradd --system postgres), start selfheal as another user, or set DATABASE_URL",
    { exitCode: EXIT.unavailable },
  );
}

/** The identity options of a child process that acts as the server's user. */
export function asUser(user: ServerUser): { uid?: number; gid?: number } {
  return user === null ? {} : { uid: user.uid, gid: user.gid };
}

/** The first folder on the way to `path` that the user may not pass, or null when the way is open. */
export async function closedFolder(path: string, user: ServerUser): Promise<string | null> {
  if (user === null) return null;
  const folders: string[] = [];
  for (let folder = path; ; folder = dirname(folder)) {
    folders.unshift(folder);
    if (folder === dirname(folder)) break;
  }
  for (const folder of folders) {
    const found = await stat(folder).catch(() => null);
    if (found === null) return null;
    const bits = found.uid === user.uid ? found.mode >> 6 : found.gid === user.gid ? found.mode >> 3 : found.mode;
    if ((bits & 1) === 0) return folder;
  }
  return null;
}

/** Makes the folder with only the server's user in it, and says so when that user cannot get there. */
export async function ownFolder(folder: string, user: ServerUser): Promise<void> {
  try {
    const made = await mkdir(folder, { recursive: true });
    if (made !== undefined) await openWay(made, folder);
    if (user !== null) await chown(folder, user.uid, user.gid);
    await chmod(folder, 0o700);
  } catch (error) {
    throw new UserError(
      `cannot make the database's data folder ${folder} or make it ours (${messageOf(error)}): ` +
        "set SELFHEAL_STATE to a folder of your own, or DATABASE_URL to a database of your own",
      { exitCode: EXIT.unavailable, cause: error },
    );
  }
  const closed = await closedFolder(folder, user);
  if (closed === null) return;
  throw new UserError(
    `as root, selfheal runs PostgreSQL as user ${user?.name}, who cannot pass ${closed} on the way to ${folder}: ` +
      "set SELFHEAL_STATE to a folder outside it (/var/lib/selfheal is the default for root), or set DATABASE_URL",
    { exitCode: EXIT.unavailable },
  );
}

/** Folders that we made on the way are open to the server's user, whatever our umask is. */
export async function openWay(first: string, folder: string): Promise<void> {
  for (let made = dirname(folder); made.startsWith(first); made = dirname(made)) await chmod(made, 0o755);
}

/**
 * The binaries' folder as the server's user can reach it: as it is, or a copy under `copies` when node_modules lies in
 * a folder that is closed to that user (a checkout under /root).
 */
export async function reachableBinaries(
  root: string,
  user: ServerUser,
  copies: string,
  version: string,
): Promise<string> {
  if ((await closedFolder(root, user)) === null) return root;
  const copy = join(copies, `postgres-${version}`);
  const ready = await stat(copy).catch(() => null);
  if (ready === null) {
    const partial = `${copy}.${randomUUID()}.partial`;
    const made = await mkdir(copies, { recursive: true });
    if (made !== undefined) await openWay(made, join(copies, "x"));
    await cp(root, partial, { recursive: true, verbatimSymlinks: true });
    // Another starter may have been quicker; its copy is as good as ours.
    await rename(partial, copy).catch(() => rm(partial, { recursive: true, force: true }));
  }
  const closed = await closedFolder(copy, user);
  if (closed === null) return copy;
  throw new UserError(
    `user ${user?.name} cannot reach PostgreSQL's binaries: both ${root} and the copy ${copy} lie in closed folders ` +
      `(${closed}); set SELFHEAL_STATE to a folder outside it, or set DATABASE_URL`,
    { exitCode: EXIT.unavailable },
  );
}
