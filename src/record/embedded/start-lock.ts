/** Only one process at a time starts a server in a folder; the others wait and then find it running. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { EXIT, UserError } from "../../config/user-error.ts";
import { type Layout, pidExists } from "./state.ts";
import { isErrno, waitFor } from "./wait.ts";

const LOCK_TIMEOUT_MS = 60_000;

export async function withStartLock<T>(layout: Layout, work: () => Promise<T>): Promise<T> {
  const got = await waitFor(() => tryLock(layout), LOCK_TIMEOUT_MS);
  if (got === null) {
    const holder = await readFile(layout.lock, "utf8").catch(() => "unknown");
    throw new UserError(
      `process ${holder.trim()} has been starting the database in ${layout.folder} for over a minute: ` +
        `end it, or remove ${layout.lock} if it is not one of selfheal's`,
      { exitCode: EXIT.unavailable },
    );
  }
  try {
    return await work();
  } finally {
    await rm(layout.lock, { force: true });
  }
}

async function tryLock(layout: Layout): Promise<true | null> {
  try {
    await writeFile(layout.lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
  }
  const holder = Number(await readFile(layout.lock, "utf8").catch(() => ""));
  // A killed starter leaves its lock; an empty file is one that is just being written.
  if (holder > 0 && !pidExists(holder)) await rm(layout.lock, { force: true });
  return null;
}
