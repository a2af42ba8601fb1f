/**
 * Everything that can be made to go wrong, by name. A fault waits until a call or an event of the world matches it, and
 * is used up by count. Chance comes from the lab's seed.
 */
import type { Random } from "./random.ts";
import type { SystemName } from "./types.ts";

/** Name -> one line, for `--help` and docs. */
export const FAULTS = {
  "reply-lost": "the effect happens, then the connection is cut before the reply",
  timeout: "the request hangs and has no effect, or has it only `lateMs` later",
  "timeout-after-effect": "the effect happens, then the request hangs",
  "error-burst": "the system answers 5xx; nothing happens",
  slow: "the reply comes `delayMs` late (2,000)",
  "rate-limited": "the system answers 429 with Retry-After (`retryAfterS`, 1); nothing happens",
  "technician-absent": "nobody comes for the ticket until the fault is cleared",
  "wrong-disk": "the technician swaps another disk of the host, or none, and says that he is done",
  "bad-new-disk": "the new disk is failing too",
  "installer-stuck": "a rebuild stays in `wait call-back` for ever",
  "installer-fails": "a rebuild ends in `deploy failed`",
  "probe-gone": "the host's series vanish from Prometheus",
  "probe-stale": "the host's series stop: samples keep their value and get old (30 min at once)",
  "probe-nan": "the host's series are NaN",
  "probe-double": "each of the host's series comes twice, from two instances",
  "metrics-down": "Prometheus cannot be reached: 503, or with `cut` the connection is closed",
  "self-heal": "the host's failing disk gets well by itself (`afterMs`)",
  "notifier-down": "chat or pager answers that it failed",
  "drain-refused": "HAProxy answers an error to `state drain` and does nothing",
  "undo-refused": "HAProxy answers an error to `state ready` and does nothing",
  harm: "a pool's availability drops by half while anything of it is drained",
} as const;
export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];

/** Faults of the way between client and system, whatever the system. */
const TRANSPORT = new Set<FaultName>([
  "reply-lost",
  "timeout",
  "timeout-after-effect",
  "error-burst",
  "slow",
  "rate-limited",
]);
/** These are only interesting where something would change; `on` says otherwise. */
const ON_WRITES = new Set<FaultName>(["reply-lost", "timeout", "timeout-after-effect"]);

export interface FaultSpec {
  name: FaultName;
  /** Only for this host. */
  host?: string;
  /** Only for this system. */
  system?: SystemName;
  /** Which calls; default `write` for the three that lose replies or hang, `any` for the rest. */
  on?: "read" | "write" | "any";
  /** How often it strikes; default: until cleared. */
  count?: number;
  /** Strikes with this chance at each match; default 1. */
  probability?: number;
  /** Lab ms until it is armed; default 0. */
  afterMs?: number;
  /** Lab ms that it stays armed; default for ever. */
  forMs?: number;
  /** `slow`: ms of the client's time. */
  delayMs?: number;
  /** `timeout`: lab ms until the effect happens after all; absent: never. */
  lateMs?: number;
  /** `error-burst`, `metrics-down`: default 503. */
  status?: number;
  /** `rate-limited`: default 1. */
  retryAfterS?: number;
  /** `metrics-down`: close the connection without a word. */
  cut?: boolean;
}

export interface Fault extends FaultSpec {
  id: string;
  armedAt: number;
  /** Lab ms or null: for ever. */
  endsAt: number | null;
  strikes: number;
}

/** What a fault is matched against. */
export interface FaultPoint {
  system?: SystemName;
  host?: string | null;
  write?: boolean;
}

export function isFaultName(text: string): text is FaultName {
  return text in FAULTS;
}

export class Faults {
  #faults: Fault[] = [];
  #made = 0;
  readonly #random: Random;
  readonly #now: () => number;
  /** Told of each strike that uses a fault up. */
  onStrike: (fault: Fault, point: FaultPoint) => void = () => {};

  constructor(random: Random, now: () => number) {
    this.#random = random;
    this.#now = now;
  }

  add(spec: FaultSpec): Fault {
    if (!isFaultName(spec.name)) {
      throw new Error(`unknown fault "${String(spec.name)}"; there are: ${FAULT_NAMES.join(", ")}`);
    }
    const armedAt = this.#now() + (spec.afterMs ?? 0);
    const endsAt = spec.forMs === undefined ? null : armedAt + spec.forMs;
    const fault = { ...spec, id: `${spec.name}#${++this.#made}`, armedAt, endsAt, strikes: 0 };
    this.#faults.push(fault);
    return fault;
  }

  /** By id or name; without either, all. Returns what was cleared. */
  clear(idOrName?: string): Fault[] {
    const hit = (fault: Fault): boolean => idOrName === undefined || fault.id === idOrName || fault.name === idOrName;
    const cleared = this.#faults.filter(hit);
    this.#faults = this.#faults.filter((fault) => !hit(fault));
    return cleared;
  }

  list(): readonly Fault[] {
    return this.#faults;
  }

  /** A fault of that name strikes here and now: counts it. */
  strike(name: FaultName, point: FaultPoint = {}): Fault | null {
    return this.#strike((fault) => fault.name === name, point);
  }

  /** One of the transport faults strikes this call. */
  strikeCall(point: Required<FaultPoint>): Fault | null {
    return this.#strike((fault) => TRANSPORT.has(fault.name), point);
  }

  /** A fault of that name holds here; looking does not use it up. For states that are read, not events. */
  holds(name: FaultName, point: FaultPoint = {}): Fault | null {
    return this.#faults.find((fault) => fault.name === name && this.#matches(fault, point)) ?? null;
  }

  #strike(wanted: (fault: Fault) => boolean, point: FaultPoint): Fault | null {
    for (const fault of this.#faults) {
      if (!wanted(fault) || !this.#matches(fault, point)) continue;
      fault.strikes++;
      // A draw for each match, by number: a fault that did not strike must not shift the chance of another.
      if (fault.probability !== undefined) {
        const draw = this.#random.stream("fault", fault.id, fault.strikes).next();
        if (draw >= fault.probability) continue;
      }
      if (fault.count !== undefined && --fault.count <= 0)
        this.#faults = this.#faults.filter((other) => other !== fault);
      this.onStrike(fault, point);
      return fault;
    }
    return null;
  }

  #matches(fault: Fault, point: FaultPoint): boolean {
    const now = this.#now();
    if (now < fault.armedAt || (fault.endsAt !== null && now >= fault.endsAt)) return false;
    if (fault.host !== undefined && fault.host !== point.host) return false;
    if (fault.system !== undefined && fault.system !== point.system) return false;
    if (point.write === undefined) return true;
    const on = fault.on ?? (ON_WRITES.has(fault.name) ? "write" : "any");
    return on === "any" || (on === "write") === point.write;
  }
}
