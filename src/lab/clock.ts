/**
 * The lab's time and its event queue. Two times must not be mixed up: **lab time** is what delays of the world (a
 * technician's way, an installation) are counted in; **wall time** is what a client's own clock shows, and the only time
 * that a protocol may carry. On a manual clock both are the same; on a scaled one `timeScale` lab-seconds pass in each
 * real second, so a delay is merely shortened for the client.
 */
export interface LabClock {
  readonly kind: "manual" | "scaled";
  /** Lab time, ms since the epoch. Inside an event: the event's own time. */
  now(): number;
  /** The wall time of a lab time. */
  wall(labMs: number): number;
  /** The lab time of a wall time. */
  lab(wallMs: number): number;
  /** Runs `run` when the lab time is reached; events of one instant run in the order they were scheduled. */
  at(labMs: number, run: () => void): CancelEvent;
  after(delayMs: number, run: () => void): CancelEvent;
  /** Lab time of the next event; null when nothing is to come. */
  nextEventAt(): number | null;
  /** Manual only: runs every event that is due until then, in order, and sets the time. */
  advanceTo(labMs: number): void;
  /** Runs what is due now; called before every request so that nobody sees a world that is late. */
  catchUp(): void;
  stop(): void;
}

export type CancelEvent = () => void;

interface Event {
  at: number;
  order: number;
  run: () => void;
}

class EventQueue {
  #events: Event[] = [];
  #order = 0;

  add(at: number, run: () => void): CancelEvent {
    const event = { at, order: this.#order++, run };
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle] as Event).at <= at) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event);
    return () => {
      this.#events = this.#events.filter((other) => other !== event);
    };
  }
  nextAt(): number | null {
    return this.#events[0]?.at ?? null;
  }
  /** Takes the first event that is due at that time. */
  take(dueAt: number): Event | null {
    return this.#events[0] !== undefined && this.#events[0].at <= dueAt ? (this.#events.shift() as Event) : null;
  }
  clear(): void {
    this.#events = [];
  }
}

/** The default start of manual worlds: a fixed Monday, so that two runs give the same log. */
export const MANUAL_START = Date.UTC(2027, 0, 4, 8, 0, 0);

/** Time that moves only by `advanceTo`. Default start: `MANUAL_START`. */
export function manualClock(options: { startAt?: number } = {}): LabClock {
  const queue = new EventQueue();
  let now = options.startAt ?? MANUAL_START;
  const runUntil = (until: number): void => {
    for (let event = queue.take(until); event; event = queue.take(until)) {
      now = Math.max(now, event.at);
      event.run();
    }
  };
  return {
    kind: "manual",
    now: () => now,
    wall: (labMs) => labMs,
    lab: (wallMs) => wallMs,
    at: (labMs, run) => queue.add(Math.max(labMs, now), run),
    after: (delayMs, run) => queue.add(now + Math.max(0, delayMs), run),
    nextEventAt: () => queue.nextAt(),
    advanceTo: (labMs) => {
      if (labMs < now) throw new Error(`the lab's time cannot go back [now=${now}, asked=${labMs}]`);
      runUntil(labMs);
      now = labMs;
    },
    catchUp: () => runUntil(now),
    stop: () => queue.clear(),
  };
}

const LONGEST_TIMER_MS = 60_000;

/** Real time, `timeScale` times as fast. Default scale: 1. */
export function scaledClock(options: { timeScale?: number; realNow?: () => number } = {}): LabClock {
  const scale = options.timeScale ?? 1;
  if (!(scale > 0)) throw new Error(`timeScale must be greater than 0, got ${scale}`);
  const realNow = options.realNow ?? Date.now;
  const queue = new EventQueue();
  const startedAt = realNow();
  let timer: NodeJS.Timeout | undefined;
  let eventTime: number | null = null;
  const lab = (wallMs: number): number => startedAt + (wallMs - startedAt) * scale;
  const now = (): number => eventTime ?? lab(realNow());

  const catchUp = (): void => {
    if (eventTime !== null) return; // an event asked: it is being caught up with already
    try {
      for (let event = queue.take(lab(realNow())); event; event = queue.take(lab(realNow()))) {
        eventTime = event.at;
        event.run();
      }
    } finally {
      eventTime = null;
    }
    arm();
  };
  const arm = (): void => {
    clearTimeout(timer);
    const next = queue.nextAt();
    if (next === null) return;
    const waitMs = Math.min(Math.max(0, Math.ceil((next - lab(realNow())) / scale)), LONGEST_TIMER_MS);
    timer = setTimeout(catchUp, waitMs);
    timer.unref();
  };
  const at = (labMs: number, run: () => void): CancelEvent => {
    const cancel = queue.add(Math.max(labMs, now()), run);
    if (eventTime === null) arm();
    return cancel;
  };
  return {
    kind: "scaled",
    now,
    wall: (labMs) => startedAt + (labMs - startedAt) / scale,
    lab,
    at,
    after: (delayMs, run) => at(now() + Math.max(0, delayMs), run),
    nextEventAt: () => queue.nextAt(),
    advanceTo: () => {
      throw new Error("a scaled clock cannot be advanced by hand; start the lab with `clock: manualClock()` for that");
    },
    catchUp,
    stop: () => {
      clearTimeout(timer);
      queue.clear();
    },
  };
}
