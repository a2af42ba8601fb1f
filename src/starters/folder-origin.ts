/** Which commit a configuration folder is at, for the audit. What git does not say is not known; it never stops a load. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { CatalogueOrigin } from "../record/api.ts";

const run = promisify(execFile);
const TIMEOUT_MS = 5_000;
const FORMAT = ["%H", "%an <%ae>", "%cI"].join("%n");

/** Null: the folder is in no repository, or there is no git. */
export async function folderOrigin(folder: string): Promise<CatalogueOrigin | null> {
  try {
    const [commit = "", author = "", committedAt = ""] = (
      await git(folder, "log", "-1", `--format=${FORMAT}`, "--", ".")
    ).split("\n");
    if (commit === "") return null;
    const clean = (await git(folder, "status", "--porcelain", "--", ".")) === "";
    return { commit, author, committedAt: new Date(committedAt).toISOString(), clean };
  } catch {
    return null;
  }
}

/** Without hooks and helpers that the repository's own settings could name. */
async function git(folder: string, ...words: string[]): Promise<string> {
  const safe = ["--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-C", folder];
  const { stdout } = await run("git", [...safe, ...words], { timeout: TIMEOUT_MS });
  return stdout.trim();
}
