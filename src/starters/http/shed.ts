/** Bounds of what is worked on at once. Too much is overload, never the sender's fault: 503, so that it sends again. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Unavailable } from "../problems.ts";

const RESOLUTION_MS = 20;

/** How late this process is with everything: its event loop, by the median since the last look. One long task is no overload. */
export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #timer: NodeJS.Timeout;
  #ms = 0;

  /** `everyMs`: from one look to the next; default 1,000. */
  constructor(everyMs = 1_000) {
    this.#histogram.enable();
    this.#timer = setInterval(() => this.#look(), everyMs).unref();
  }

  get ms(): number {
    return this.#ms;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }

  #look(): void {
    // What it counts is from one sample to the next, in nanoseconds.
    this.#ms = Math.max(0, this.#histogram.percentile(50) / 1e6 - RESOLUTION_MS);
    this.#histogram.reset();
  }
}

/** @throws Unavailable while the process is later than `mostMs`. */
export function refuseWhenLate(delayMs: number, mostMs: number): void {
  if (delayMs <= mostMs) return;
  const late = `this process is late by ${Math.round(delayMs)} ms: it takes decisions and single remediations only`;
  throw new Unavailable("capacity", late, { retryAfterSeconds: 2 });
}

export type GoesOn = (rest: Promise<unknown>) => void;

export class Bulkhead {
  readonly #what: string;
  readonly #most: number;
  readonly #onChange: (inFlight: number) => void;
  #inFlight = 0;

  constructor(what: string, most: number, onChange: (inFlight: number) => void = () => undefined) {
    this.#what = what;
    this.#most = most;
    this.#onChange = onChange;
  }

  /**
   * What `work` hands to `goesOn` keeps its place until that is over, too: work of which the answer did not wait.
   *
   * @throws Unavailable while `most` are inside.
   */
  async through<T>(work: (goesOn: GoesOn) => Promise<T>): Promise<T> {
    if (this.#inFlight >= this.#most) {
      throw new Unavailable("capacity", `${this.#inFlight} ${this.#what} now`, { retryAfterSeconds: 1 });
    }
    this.#onChange(++this.#inFlight);
    const rest: Promise<unknown>[] = [];
    const leave = (): void => this.#onChange(--this.#inFlight);
    try {
      return await work((one) => void rest.push(one));
    } finally {
      if (rest.length === 0) leave();
      else void Promise.allSettled(rest).then(leave);
    }
  }
}
