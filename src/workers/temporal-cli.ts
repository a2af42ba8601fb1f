/**
 * Where the `temporal` binary comes from, first that works: SELFHEAL_TEMPORAL_CLI, PATH, our cache, the download that
 * the SDK uses, `go install`. (A TEMPORAL_ADDRESS comes before all of these: then nothing is started at all.)
 */
import { join } from "node:path";
import { cacheFolder, type Env } from "../config/env.ts";
import { EXIT, messageOf, UserError } from "../config/user-error.ts";
import { downloadExecutable } from "./download.ts";
import { goInstall } from "./go-install.ts";
import { findOnPath, isExecutable, run, type Progress } from "./tools.ts";

export interface FoundTool {
  path: string;
  from: "environment" | "path" | "cache" | "download" | "build";
}

export interface ObtainOptions {
  /** Default temporal.download; tests have their own. */
  downloadFrom?: string;
  /** Gives the download or build up. */
  signal?: AbortSignal;
}

/** The newest that `go install` takes: later tags carry a `replace` (docs/dependencies.md). */
const MODULE = "github.com/temporalio/cli/cmd/temporal@v1.5.1";
const ESTIMATE = "3 to 5 minutes, 250 MB here and about 2 GB in Go's own caches";
/** Server versions before this know neither update-with-start nor user metadata. */
const OLDEST_SERVER = [1, 25] as const;

export function cachedTemporalCli(env: Env): string {
  return join(cacheFolder(env), "bin", "temporal");
}

/** Looks only; nothing is downloaded or built. */
export async function findTemporalCli(env: Env, log: Progress = () => undefined): Promise<FoundTool | null> {
  const named = env.SELFHEAL_TEMPORAL_CLI;
  if (named !== undefined) {
    if (await isExecutable(named)) return { path: named, from: "environment" };
    throw new UserError(`SELFHEAL_TEMPORAL_CLI=${named} is not an executable file`, { exitCode: EXIT.usage });
  }
  const onPath = await findOnPath("temporal", env.PATH);
  if (onPath !== null) {
    const unfit = await whyUnfit(onPath);
    if (unfit === null) return { path: onPath, from: "path" };
    log(`not using ${onPath}: ${unfit}`);
  }
  const cached = cachedTemporalCli(env);
  return (await isExecutable(cached)) ? { path: cached, from: "cache" } : null;
}

/** Finds it or gets it, with progress for a person; a UserError in one sentence when there is no way. */
export async function obtainTemporalCli(env: Env, log: Progress, how: ObtainOptions = {}): Promise<FoundTool> {
  const found = await findTemporalCli(env, log);
  if (found !== null) return found;
  const target = cachedTemporalCli(env);
  log("no Temporal dev server here yet; getting one (about 100 MB to download, or a build of 3 to 5 minutes)");
  try {
    await downloadExecutable({ artifact: "cli", target, log, baseUrl: how.downloadFrom, signal: how.signal });
    return { path: target, from: "download" };
  } catch (error) {
    log(`no download (${messageOf(error)})`);
  }
  const go = await findOnPath("go", env.PATH);
  if (go === null) throw noWay("temporal.download cannot be reached and there is no Go to build with");
  try {
    await goInstall({ go, module: MODULE, estimate: ESTIMATE, target, log, signal: how.signal });
    return { path: target, from: "build" };
  } catch (error) {
    throw noWay(`temporal.download cannot be reached and the build failed (${messageOf(error)})`, error);
  }
}

function noWay(reason: string, cause?: unknown): UserError {
  return new UserError(
    `no Temporal server: ${reason}. Install the Temporal CLI (https://docs.temporal.io/cli), or Go 1.26, ` +
      "or set TEMPORAL_ADDRESS to a running Temporal",
    { cause, exitCode: EXIT.unavailable },
  );
}

async function whyUnfit(path: string): Promise<string | null> {
  try {
    const lines = await run({ name: "temporal --version", command: path, args: ["--version"], timeoutMs: 10_000 });
    return judgeVersion(lines.join(" "));
  } catch (error) {
    return messageOf(error);
  }
}

/** Why a CLI of this version does not do; null when it does. */
export function judgeVersion(text: string): string | null {
  const [, major, minor] = /\(Server (\d+)\.(\d+)/.exec(text) ?? [];
  if (major === undefined || minor === undefined) return `it does not say its server version: ${text.slice(0, 80)}`;
  const [oldestMajor, oldestMinor] = OLDEST_SERVER;
  const fits = Number(major) > oldestMajor || (Number(major) === oldestMajor && Number(minor) >= oldestMinor);
  return fits ? null : `its server ${major}.${minor} is older than ${OLDEST_SERVER.join(".")}`;
}
