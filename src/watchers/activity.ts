/** The watcher as an activity: rounds for a while, then the Temporal Schedule starts the next run. */
import { setTimeout as sleep } from "node:timers/promises";
import { Watcher, type WatchDependencies } from "./watch.ts";

export interface WatchRequest {
  /** How long this run goes on. */
  forMs: number;
  /** From the beginning of one round to that of the next, at least. */
  everyMs: number;
}
export interface WatchTotals {
  rounds: number;
  hints: number;
  /** Of the last round. */
  failures: string[];
}

/** What the activity needs of Temporal's Context; given in, so that a test can do without. */
export interface ActivityHandle {
  heartbeat(details: unknown): void;
  cancellationSignal: AbortSignal;
}

export interface WatchActivities {
  "watch.run"(request: WatchRequest): Promise<WatchTotals>;
}

export function createWatchActivities(deps: WatchDependencies, context: () => ActivityHandle): WatchActivities {
  // One watcher for the life of the worker: it remembers whom it hinted across runs.
  const watcher = new Watcher(deps);
  return { "watch.run": (request) => run(watcher, request, context()) };
}

/** Ends early, without an error, when the run is cancelled or the worker shuts down: the schedule starts another. */
async function run(watcher: Watcher, request: WatchRequest, handle: ActivityHandle): Promise<WatchTotals> {
  const totals: WatchTotals = { rounds: 0, hints: 0, failures: [] };
  const end = performance.now() + request.forMs;
  const { cancellationSignal: signal } = handle;
  while (!signal.aborted) {
    const next = performance.now() + request.everyMs;
    const beating = setInterval(() => handle.heartbeat(totals), BEAT_MS);
    try {
      const { hints, failures } = await watcher.once();
      Object.assign(totals, { rounds: totals.rounds + 1, hints: totals.hints + hints, failures });
    } finally {
      clearInterval(beating);
    }
    handle.heartbeat(totals);
    if (next >= end) break;
    await pause(next - performance.now(), signal, () => handle.heartbeat(totals));
  }
  return totals;
}

/** Well inside the workflow's heartbeat time-out of 10 s. */
const BEAT_MS = 2_000;

async function pause(ms: number, signal: AbortSignal, beat: () => void): Promise<void> {
  const beating = setInterval(beat, BEAT_MS);
  await sleep(Math.max(0, ms), undefined, { signal }).catch(() => undefined);
  clearInterval(beating);
}
