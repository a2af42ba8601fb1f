/**
 * Starts the processes of `dev` and `demo`, starts a dead one again, and stops everything in the reverse order of its
 * start. Our end, even by SIGKILL, ends the children (workers/watched.ts).
 */
import { projectPath } from "../../config/project.ts";
import type { EnvSource } from "../../config/env.ts";
import { messageOf, UserError } from "../../config/user-error.ts";
import { describeEnding, startWatched, type WatchedProcess } from "../../workers/watched.ts";
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
}

export interface Service {
  readonly name: string;
  /** Of the current process; another one after a restart. */
  readonly pid: number;
  /** How often it was started again. */
  readonly restarts: number;
  /** What the service said when it became ready (its URL, for example). */
  readonly detail: ReadyDetail;
  /** SIGKILL; it is started again at once. */
  kill(): void;
}

export interface SupervisorOptions {
  onLine: (service: string, line: string) => void;
  /** Something happened to a service: `worker: killed by SIGKILL, starting it again`. */
  onEvent: (service: string, event: string) => void;
}

interface Part {
  name: string;
  stop: () => Promise<void>;
}

const MAIN = projectPath("src/cli/main.ts");
const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 30_000;
/** A process that dies this soon after its start counts as a failed start. */
const QUICK_DEATH_MS = 10_000;
const QUICK_DEATHS_ALLOWED = 4;
const BACKOFF_MS = 500;

export class Supervisor {
  readonly #options: SupervisorOptions;
  /** Newest last: stopped from the end. */
  readonly #parts: Part[] = [];
  readonly #failed = Promise.withResolvers<never>();
  #stopping: Promise<void> | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    // Nobody may be looking when it fails; `failed` still rejects for whoever looks later.
    this.#failed.promise.catch(() => undefined);
  }

  /** Rejects when something that cannot be started again has ended. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Something else to stop in its turn: a database, a lab, a Temporal server. What comes up too late stops at once. */
  own(name: string, stop: () => Promise<void>): void {
    this.#parts.push({ name, stop });
    if (this.#stopping !== null) this.#stopping = this.#stopping.then(() => this.#drain());
  }

  /** An owned part ended without being asked: everything has failed. */
  fail(error: Error): void {
    if (this.#stopping === null) this.#failed.reject(error);
  }

  /** Starts a selfheal command as a child and resolves when it says that it is ready. */
  async start(options: ServiceOptions): Promise<Service> {
    const running = new RunningService(options, this.#options, (error) => this.fail(error));
    this.own(options.name, () => running.stop());
    await running.start();
    return running;
  }

  /** Everything, newest first; says what could not be stopped and goes on. Safe to call twice. */
  stop(): Promise<void> {
    this.#stopping ??= this.#drain();
    return this.#stopping;
  }

  async #drain(): Promise<void> {
    for (let part = this.#parts.pop(); part !== undefined; part = this.#parts.pop()) await this.#stopOne(part);
  }

  async #stopOne(part: Part): Promise<void> {
    try {
      await part.stop();
    } catch (error) {
      this.#options.onEvent(part.name, `could not be stopped: ${messageOf(error)}`);
    }
  }
}

class RunningService implements Service {
  readonly #options: ServiceOptions;
  readonly #report: SupervisorOptions;
  readonly #giveUp: (error: Error) => void;
  readonly #stopped = new AbortController();
  #process: WatchedProcess | null = null;
  #keeping: Promise<void> = Promise.resolve();
  #quickDeaths = 0;
  restarts = 0;
  detail: ReadyDetail = {};

  constructor(options: ServiceOptions, report: SupervisorOptions, giveUp: (error: Error) => void) {
    this.#options = options;
    this.#report = report;
    this.#giveUp = giveUp;
  }

  get name(): string {
    return this.#options.name;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  kill(): void {
    this.#process?.kill();
  }

  async start(): Promise<void> {
    const child = await this.#launch();
    this.#keeping = this.#keepAlive(child);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#process?.stop({ withinMs: this.#options.stopWithinMs ?? STOP_WITHIN_MS });
    await this.#keeping;
  }

  async #launch(): Promise<WatchedProcess> {
    const child = await startWatched({
      name: this.name,
      command: process.execPath,
      args: ["--disable-warning=ExperimentalWarning", this.#options.entry ?? MAIN, ...this.#options.args],
      ...(this.#options.env === undefined ? {} : { env: this.#options.env }),
      ipc: true,
      onLine: (line) => this.#report.onLine(this.name, line),
    });
    this.#process = child;
    this.detail = await untilReady(child, this.#options.readyWithinMs ?? READY_WITHIN_MS);
    return child;
  }

  async #keepAlive(first: WatchedProcess): Promise<void> {
    let child = first;
    while (!this.#stopped.signal.aborted) {
      const startedAt = performance.now();
      const ending = await child.ended;
      if (this.#stopped.signal.aborted) return;
      this.#quickDeaths = performance.now() - startedAt < QUICK_DEATH_MS ? this.#quickDeaths + 1 : 0;
      if (this.#quickDeaths > QUICK_DEATHS_ALLOWED) {
        this.#giveUp(new UserError(`${this.name} keeps ending (${describeEnding(ending)}); ${lastWords(child)}`));
        return;
      }
      this.#report.onEvent(this.name, `${describeEnding(ending)}, starting it again`);
      const next = await this.#restart();
      if (next === null) return;
      child = next;
    }
  }

  /** The first restart is immediate: a killed worker's work waits. */
  async #restart(): Promise<WatchedProcess | null> {
    await pause(BACKOFF_MS * Math.max(0, this.#quickDeaths - 1), this.#stopped.signal);
    if (this.#stopped.signal.aborted) return null;
    this.restarts += 1;
    try {
      const child = await this.#launch();
      this.#report.onEvent(this.name, `runs again as pid ${child.pid}`);
      return child;
    } catch (error) {
      if (!this.#stopped.signal.aborted) this.#giveUp(error instanceof Error ? error : new Error(messageOf(error)));
      return null;
    }
  }
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

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
