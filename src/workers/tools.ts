/** Small helpers for finding, downloading and building the servers that development and tests need. */
import { constants } from "node:fs";
import { access, mkdtemp, mkdir, rename, rm, stat } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { startWatched, type WatchedOptions } from "./watched.ts";

/** One line for a person, while something takes long. */
export type Progress = (line: string) => void;

export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** The first executable of that name in a PATH. */
export async function findOnPath(name: string, path: string | undefined): Promise<string | null> {
  for (const folder of (path ?? "").split(delimiter).filter((entry) => entry !== "")) {
    const candidate = join(folder, name);
    if (await isExecutable(candidate)) return candidate;
  }
  return null;
}

/**
 * Fills a new folder beside `target` and renames it there. Several processes may race: the first rename wins, the
 * others find it done. A broken attempt leaves nothing at `target`.
 */
export async function makeFolderAtomically(target: string, fill: (folder: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const temporary = await mkdtemp(`${target}.tmp-`);
  try {
    await fill(temporary);
    await rename(temporary, target);
  } catch (error) {
    if (!isTaken(error)) throw error;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

function isTaken(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOTEMPTY" || code === "EEXIST";
}

export interface RunOptions extends WatchedOptions {
  timeoutMs: number;
  /** Kills it. */
  signal?: AbortSignal | undefined;
}

/** Runs a command to its end and answers its output; rejects with the last lines when it fails or takes too long. */
export async function run(options: RunOptions): Promise<string[]> {
  const lines: string[] = [];
  const child = await startWatched({
    ...options,
    onLine: (line, stream) => {
      lines.push(line);
      options.onLine?.(line, stream);
    },
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill();
  }, options.timeoutMs);
  const kill = (): void => child.kill();
  options.signal?.addEventListener("abort", kill);
  if (options.signal?.aborted === true) kill();
  const ending = await child.ended.finally(() => {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", kill);
  });
  if (options.signal?.aborted === true) throw new Error(`${options.name} was stopped`);
  if (late) throw new Error(`${options.name} took longer than ${options.timeoutMs / 1000} s`);
  if (ending.code !== 0) throw new Error(`${options.name} failed: ${lines.slice(-3).join(" ").slice(0, 500)}`);
  return lines;
}

/** Calls `tick` every `everyMs` with the seconds since the start, until the work is done. */
export async function withTicks<T>(everyMs: number, tick: (seconds: number) => void, work: Promise<T>): Promise<T> {
  const start = performance.now();
  const timer = setInterval(() => tick(Math.round((performance.now() - start) / 1000)), everyMs);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

/** `38 MB` */
export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1_000_000)} MB`;
}
