/**
 * Child processes that never outlive us, whatever kills us. Each child becomes leader of its own session (so a
 * Ctrl-C on the terminal reaches only us and we stop things in order), and a watchdog in its process group holds the
 * reading end of a pipe to us. When we die, even by SIGKILL, the pipe closes: the watchdog sends SIGTERM, then SIGKILL.
 * The watchdog keeps the process group alive, so the child's pid cannot belong to anybody else while it looks at it.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { childEnv, type EnvSource } from "../config/env.ts";

/** After our death: 10 s for a clean end, as for a stop by us. */
const WATCHDOG = `
watchdog() {
  read -r _ <&3
  kill -TERM $$ 2>/dev/null
  tries=100
  while [ $tries -gt 0 ] && kill -0 $$ 2>/dev/null; do sleep 0.1; tries=$((tries - 1)); done
  kill -KILL -- -$$ 2>/dev/null
}
watchdog >/dev/null 2>&1 </dev/null &
exec "$@" 3<&-
`;
const DEFAULT_STOP_MS = 10_000;
const LAST_WORDS_MS = 500;
/** Lines of a child's output that are kept for the error message when it dies. */
const TAIL_LINES = 30;

export interface WatchedOptions {
  /** For messages: `Temporal`. */
  name: string;
  command: string;
  args: readonly string[];
  cwd?: string;
  env?: EnvSource;
  /** Gets every line of its stdout and stderr. */
  onLine?: (line: string, stream: "stdout" | "stderr") => void;
  /** With an IPC channel (for our own Node processes). */
  ipc?: boolean;
}

export interface WatchedProcess {
  readonly name: string;
  readonly pid: number;
  readonly child: ChildProcess;
  /** Resolves when it has ended, however. */
  readonly ended: Promise<Ending>;
  /** The last lines it printed. */
  tail(): string[];
  /** SIGTERM, then SIGKILL for the whole group after `withinMs` (default 10 s). Resolves when nothing is left. */
  stop(options?: { signal?: NodeJS.Signals; withinMs?: number }): Promise<Ending>;
  /** SIGKILL at once, for the demo's kill key and for a second Ctrl-C. */
  kill(): void;
}
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** Starts it. Rejects when the command cannot be started at all (not found, not executable). */
export async function startWatched(options: WatchedOptions): Promise<WatchedProcess> {
  const child = spawn("/bin/sh", ["-c", WATCHDOG, "sh", options.command, ...options.args], {
    cwd: options.cwd,
    detached: true,
    env: childEnv(options.env),
    stdio: ["ignore", "pipe", "pipe", "pipe", ...(options.ipc ? (["ipc"] as const) : [])],
  });
  const lines: string[] = [];
  forwardLines(child.stdout, "stdout", lines, options);
  forwardLines(child.stderr, "stderr", lines, options);
  const ended = endingOf(child);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${options.name} has no process id`);
  return {
    name: options.name,
    pid,
    child,
    ended,
    tail: () => [...lines],
    stop: (stop) => stopProcess(child, pid, ended, stop),
    kill: () => killGroup(pid),
  };
}

function forwardLines(
  from: Readable | null,
  stream: "stdout" | "stderr",
  tail: string[],
  options: WatchedOptions,
): void {
  if (from === null) return;
  createInterface({ input: from }).on("line", (line) => {
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    options.onLine?.(line, stream);
  });
}

function endingOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      // The child is gone; its watchdog (and whatever it left in its group) goes now.
      if (child.pid !== undefined) killGroup(child.pid);
      // Its last words are still in the pipes; somebody outside the group may hold them open for ever.
      const timer = setTimeout(resolve, LAST_WORDS_MS, { code, signal });
      child.once("close", () => {
        clearTimeout(timer);
        resolve({ code, signal });
      });
    });
  });
}

async function stopProcess(
  child: ChildProcess,
  pid: number,
  ended: Promise<Ending>,
  options: { signal?: NodeJS.Signals; withinMs?: number } = {},
): Promise<Ending> {
  if (child.exitCode === null && child.signalCode === null) child.kill(options.signal ?? "SIGTERM");
  const timer = setTimeout(() => killGroup(pid), options.withinMs ?? DEFAULT_STOP_MS);
  try {
    return await ended;
  } finally {
    clearTimeout(timer);
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // ESRCH: the group is empty already, which is what we want.
  }
}

/** `exit code 1` or `killed by SIGKILL`, for messages. */
export function describeEnding(ending: Ending): string {
  return ending.signal === null ? `exit code ${ending.code ?? "unknown"}` : `killed by ${ending.signal}`;
}
