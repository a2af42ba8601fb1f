/** A process that is started again when it ends: at once the first time, then with growing pauses, and not for ever. */
import { messageOf, UserError } from "../../config/user-error.ts";
import { pause } from "./pause.ts";
import type { ReadyDetail } from "./ready.ts";
import type { SupervisorOptions } from "./supervisor.ts";

/** One process, from its being ready to its end. */
export interface Run {
  pid: number;
  /** What it said when it became ready. */
  detail: ReadyDetail;
  /** Resolves when it has ended, however, with how. */
  ended: Promise<string>;
  /** A clean stop; resolves when nothing is left of it. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): void;
  /** Its last lines of output, for messages. */
  lastWords(): string;
}

export interface KeepOptions {
  /** For log lines and messages: `PostgreSQL`. */
  name: string;
  /** Starts it and resolves when it works. When the signal is aborted meanwhile, it stops it and rejects. */
  launch(stop: AbortSignal): Promise<Run>;
  /** How often in a row it may end early or not start at all before everything has failed. Default 4. */
  patience?: number;
}

export interface Service {
  readonly name: string;
  /** Of the current process; another one after a restart. */
  readonly pid: number;
  /** How often it was started again. */
  readonly restarts: number;
  /** What the service said when it became ready (its URL, for example). */
  readonly detail: ReadyDetail;
  /** SIGKILL; it is started again at once. Resolves to true when it is ready again, to false when it never will be. */
  kill(): Promise<boolean>;
  /** A clean stop and a new start, as a rolling restart does it; resolves when it is ready again. */
  restart(): Promise<void>;
}

/** A process that dies this soon after its start counts as a failed start. */
const QUICK_DEATH_MS = 10_000;
const PATIENCE = 4;
const BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 10_000;

export class KeptService implements Service {
  readonly #options: KeepOptions;
  readonly #report: SupervisorOptions;
  readonly #giveUp: (error: Error) => void;
  readonly #stopped = new AbortController();
  #launching: Promise<Run> | null = null;
  #run: Run | null = null;
  #keeping: Promise<void> = Promise.resolve();
  /** A restart that somebody asked for and waits for. */
  #wanted: PromiseWithResolvers<void> | null = null;
  /** Early ends and failed starts in a row. */
  #failures = 0;
  #over = false;
  /** Settled when it is ready again, or never will be. */
  #back = Promise.withResolvers<boolean>();
  restarts = 0;

  constructor(options: KeepOptions, report: SupervisorOptions, giveUp: (error: Error) => void) {
    this.#options = options;
    this.#report = report;
    this.#giveUp = giveUp;
  }

  get name(): string {
    return this.#options.name;
  }

  get pid(): number {
    return this.#run?.pid ?? 0;
  }

  get detail(): ReadyDetail {
    return this.#run?.detail ?? {};
  }

  kill(): Promise<boolean> {
    this.#run?.kill();
    return this.#back.promise;
  }

  async start(): Promise<void> {
    const run = await this.#launch();
    this.#keeping = this.#keepAlive(run);
  }

  async restart(): Promise<void> {
    if (this.#over) throw new UserError(`${this.name} does not run any more`);
    const wanted = (this.#wanted ??= Promise.withResolvers<void>());
    await this.#run?.stop();
    await wanted.promise;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#launching?.catch(() => undefined);
    await this.#run?.stop();
    await this.#keeping;
  }

  async #launch(): Promise<Run> {
    this.#launching = this.#options.launch(this.#stopped.signal);
    this.#run = await this.#launching;
    return this.#run;
  }

  async #keepAlive(first: Run): Promise<void> {
    let run: Run | null = first;
    while (run !== null) {
      const startedAt = performance.now();
      const how = await run.ended;
      if (this.#stopped.signal.aborted) break;
      if (this.#wanted === null) {
        // SIGKILL comes from outside and says nothing about whether it can run.
        const quick = performance.now() - startedAt < QUICK_DEATH_MS && !how.includes("SIGKILL");
        this.#failures = quick ? this.#failures + 1 : 0;
        if (this.#isHopeless(new UserError(`${this.name} keeps ending (${how}); ${run.lastWords()}`))) break;
        this.#report.onEvent(this.name, `${how}, starting it again`);
      }
      run = await this.#startAgain();
    }
    this.#over = true;
    this.#back.resolve(false);
    this.#wanted?.reject(new UserError(`${this.name} does not run any more`));
  }

  /** Until it works; null when it was stopped, or never will. */
  async #startAgain(): Promise<Run | null> {
    for (;;) {
      await pause(backoffMs(this.#failures), this.#stopped.signal);
      if (this.#stopped.signal.aborted) return null;
      try {
        const run = await this.#launch();
        this.restarts += 1;
        this.#report.onEvent(this.name, `runs again as pid ${run.pid}`);
        this.#wanted?.resolve();
        this.#wanted = null;
        this.#back.resolve(true);
        this.#back = Promise.withResolvers();
        return run;
      } catch (error) {
        if (this.#stopped.signal.aborted) return null;
        this.#failures += 1;
        if (this.#isHopeless(error instanceof Error ? error : new Error(messageOf(error)))) return null;
        this.#report.onEvent(this.name, `not up yet, trying again: ${messageOf(error)}`);
      }
    }
  }

  #isHopeless(why: Error): boolean {
    if (this.#failures <= (this.#options.patience ?? PATIENCE)) return false;
    this.#giveUp(why);
    return true;
  }
}

/** The first restart is immediate: a killed worker's work waits. */
function backoffMs(failures: number): number {
  return failures < 2 ? 0 : Math.min(LONGEST_BACKOFF_MS, BACKOFF_MS * 2 ** (failures - 2));
}
