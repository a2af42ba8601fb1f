/** Our own commands (`worker`, `serve`) as supervised children that say when they are ready. */
import type { EnvSource } from "../../config/env.ts";
import { projectPath } from "../../config/project.ts";
import { UserError } from "../../config/user-error.ts";
import { describeEnding, startWatched, type WatchedProcess } from "../../workers/watched.ts";
import type { Launch } from "./kept-service.ts";
import { readReady, type ReadyDetail } from "./ready.ts";

export interface CommandOptions {
  /** For log lines and messages: `worker`. */
  name: string;
  /** Arguments of the selfheal command: `["worker", "--bundle", path]`. */
  args: readonly string[];
  /** The script to run; default our own command line. */
  entry?: string;
  env?: EnvSource;
  /** Default 60 s. */
  readyWithinMs?: number;
  /** How long a clean stop may take before SIGKILL. Default 30 s: longer than a worker's grace time. */
  stopWithinMs?: number;
}

const MAIN = projectPath("src/cli/main.ts");
const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 30_000;

export function launchCommand(options: CommandOptions, onLine: (line: string) => void): Launch {
  return async () => {
    const child = await startWatched({
      name: options.name,
      command: process.execPath,
      args: ["--disable-warning=ExperimentalWarning", options.entry ?? MAIN, ...options.args],
      ...(options.env === undefined ? {} : { env: options.env }),
      ipc: true,
      onLine,
    });
    return {
      pid: child.pid,
      ready: untilReady(child, options.readyWithinMs ?? READY_WITHIN_MS),
      ended: child.ended.then(describeEnding),
      lastWords: () => lastWords(child),
      kill: () => child.kill(),
      stop: () => child.stop({ withinMs: options.stopWithinMs ?? STOP_WITHIN_MS }),
    };
  };
}

async function untilReady(child: WatchedProcess, withinMs: number): Promise<ReadyDetail> {
  const { promise, resolve, reject } = Promise.withResolvers<ReadyDetail>();
  const timer = setTimeout(
    () => reject(new UserError(`${child.name} is not ready after ${withinMs / 1000} s`)),
    withinMs,
  );
  child.child.on("message", (message) => {
    const detail = readReady(message);
    if (detail !== null) resolve(detail);
  });
  void child.ended.then((ending) => {
    reject(new UserError(`${child.name} did not start (${describeEnding(ending)}): ${lastWords(child)}`));
  });
  try {
    return await promise;
  } catch (error) {
    child.kill();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function lastWords(child: WatchedProcess): string {
  return child.tail().slice(-2).join(" | ") || "it said nothing";
}
