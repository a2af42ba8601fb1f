/** Starts a selfheal command as a child process, and any process as one that a supervisor can keep. */
import type { EnvSource } from "../../config/env.ts";
import { projectPath } from "../../config/project.ts";
import { UserError } from "../../config/user-error.ts";
import { describeEnding, startWatched, type WatchedProcess } from "../../workers/watched.ts";
import type { Run } from "./kept-service.ts";
import { readReady, type ReadyDetail } from "./ready.ts";

export interface ServiceOptions {
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
  /** As in KeepOptions. */
  patience?: number;
}

const MAIN = projectPath("src/cli/main.ts");
const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 30_000;

/** Resolves when it has said that it is ready. When `stop` is aborted before, it is stopped cleanly and this rejects. */
export async function launchCommand(
  options: ServiceOptions,
  onLine: (line: string) => void,
  stop: AbortSignal,
): Promise<Run> {
  const child = await startWatched({
    name: options.name,
    command: process.execPath,
    args: ["--disable-warning=ExperimentalWarning", options.entry ?? MAIN, ...options.args],
    ...(options.env === undefined ? {} : { env: options.env }),
    ipc: true,
    onLine,
  });
  const end = async (): Promise<void> => {
    await child.stop({ withinMs: options.stopWithinMs ?? STOP_WITHIN_MS });
  };
  const stopEarly = (): void => void end();
  stop.addEventListener("abort", stopEarly);
  if (stop.aborted) stopEarly();
  try {
    const detail = await untilReady(child, options.readyWithinMs ?? READY_WITHIN_MS);
    return { ...runOf(child), detail, stop: end };
  } finally {
    stop.removeEventListener("abort", stopEarly);
  }
}

/** A process without more to say than that it runs. */
export function runOf(child: WatchedProcess): Run {
  return {
    pid: child.pid,
    detail: {},
    ended: child.ended.then(describeEnding),
    stop: async () => {
      await child.stop();
    },
    kill: () => child.kill(),
    lastWords: () => lastWords(child),
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
