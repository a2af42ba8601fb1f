/** One part of the stack that is started again whenever it ends, until it is stopped or keeps ending. */
import { messageOf, UserError } from "../../config/user-error.ts";
import type { ReadyDetail } from "./ready.ts";

/** One life of a part. */
export interface Run {
  readonly pid: number;
  /** Resolves when it works, with what it said about itself; rejects when it did not start. */
  readonly ready: Promise<ReadyDetail>;
  /** Resolves when it has ended, with how: `killed by SIGKILL`. */
  readonly ended: Promise<string>;
  /** For the message when it keeps ending. */
  lastWords(): string;
  /** SIGKILL to all of it. */
  kill(): void;
  /** A clean end; resolves when nothing is left of it. */
  stop(): Promise<unknown>;
}

/** Starts it, or starts it again as it was (same address, same data). Rejects when that is not possible. */
export type Launch = () => Promise<Run>;

export interface Service {
  readonly name: string;
  /** Of the current process; another one after a restart. */
  readonly pid: number;
  /** How often it was started again. */
  readonly restarts: number;
  /** What the service said when it became ready (its URL, for example). */
  readonly detail: ReadyDetail;
  /** SIGKILL; it is started again at once. Resolves to true when it is ready again, false when it will not be. */
  kill(): Promise<boolean>;
}

export interface KeptServiceReport {
  onEvent: (event: string) => void;
  /** It cannot be kept alive. */
  giveUp: (error: Error) => void;
}

/** A process that dies this soon after it became ready counts as a failed start, unless it was us who killed it. */
const QUICK_DEATH_MS = 10_000;
const QUICK_DEATHS_ALLOWED = 4;
const BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 2_000;
/** What it needs (Temporal, the database) may itself be on its way back. */
const RESTART_WITHIN_MS = 60_000;

export class KeptService implements Service {
  readonly name: string;
  readonly #launch: Launch;
  readonly #report: KeptServiceReport;
  readonly #stopped = new AbortController();
  #run: Run | null = null;
  #keeping: Promise<void> = Promise.resolve();
  #quickDeaths = 0;
  #killed = false;
  /** Settled when it is ready again, or never will be. */
  #back = Promise.withResolvers<boolean>();
  restarts = 0;
  detail: ReadyDetail = {};

  constructor(name: string, launch: Launch, report: KeptServiceReport) {
    this.name = name;
    this.#launch = launch;
    this.#report = report;
  }

  get pid(): number {
    return this.#run?.pid ?? 0;
  }

  kill(): Promise<boolean> {
    this.#killed = true;
    this.#run?.kill();
    return this.#back.promise;
  }

  async start(): Promise<void> {
    const run = await this.#begin();
    this.#keeping = this.#keepAlive(run);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#run?.stop();
    await this.#keeping;
    this.#back.resolve(false);
  }

  async #begin(): Promise<Run> {
    const run = await this.#launch();
    this.#run = run;
    // Stopped while it was being launched: nobody else knows of it.
    const [ready] = await Promise.allSettled([run.ready, this.#stopped.signal.aborted ? run.stop() : null]);
    if (ready.status === "rejected") throw ready.reason;
    this.detail = ready.value;
    return run;
  }

  async #keepAlive(first: Run): Promise<void> {
    let run = first;
    while (!this.#stopped.signal.aborted) {
      const readyAt = performance.now();
      const ending = await run.ended;
      if (this.#stopped.signal.aborted) return;
      const quick = !this.#killed && performance.now() - readyAt < QUICK_DEATH_MS;
      this.#killed = false;
      this.#quickDeaths = quick ? this.#quickDeaths + 1 : 0;
      if (this.#quickDeaths > QUICK_DEATHS_ALLOWED) {
        this.#giveUp(new UserError(`${this.name} keeps ending (${ending}); ${run.lastWords()}`));
        return;
      }
      this.#report.onEvent(`${ending}, starting it again`);
      const next = await this.#restart();
      if (next === null) return;
      run = next;
    }
  }

  /** The first try is immediate: a killed worker's work waits. */
  async #restart(): Promise<Run | null> {
    const giveUpAt = performance.now() + RESTART_WITHIN_MS;
    this.restarts += 1;
    for (let failures = Math.max(0, this.#quickDeaths - 1); ; failures++) {
      await pause(Math.min(BACKOFF_MS * failures, LONGEST_BACKOFF_MS), this.#stopped.signal);
      if (this.#stopped.signal.aborted) return null;
      try {
        const run = await this.#begin();
        this.#killed = false;
        this.#report.onEvent(`runs again as pid ${run.pid}`);
        this.#back.resolve(true);
        this.#back = Promise.withResolvers();
        return run;
      } catch (error) {
        if (this.#stopped.signal.aborted) return null;
        if (performance.now() > giveUpAt) {
          this.#giveUp(error instanceof Error ? error : new Error(messageOf(error)));
          return null;
        }
      }
    }
  }

  #giveUp(error: Error): void {
    this.#back.resolve(false);
    this.#report.giveUp(error);
  }
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
