/** Only one process at a time starts a server in a folder; the others wait and then find it running. */
import { rm, writeFile } from "node:fs/promises";
import { EXIT, UserError } from "../../config/user-error.ts";
import { isAlive, type Layout, ourselves, readOwner } from "./state.ts";
import { isErrno, waitFor } from "./wait.ts";

const LOCK_TIMEOUT_MS = 60_000;

export async function withStartLock<T>(layout: Layout, work: () => Promise<T>): Promise<T> {
  const got = await waitFor(() => tryLock(layout), LOCK_TIMEOUT_MS);
  if (got === null) {
    const holder = await readOwner(layout.lock);
    throw new UserError(
      `process ${holder?.pid ?? "unknown"} has been starting the database in ${layout.folder} for over a minute: ` +
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
    await writeFile(layout.lock, JSON.stringify(await ourselves()), { flag: "wx" });
    return true;
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
  }
  const holder = await readOwner(layout.lock);
  // A killed starter leaves its lock, and in a container the next one may well have the same pid.
  if (holder !== null && !(await isAlive(holder))) await rm(layout.lock, { force: true });
  return null;
}
