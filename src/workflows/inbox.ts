/**
 * The alerts of one target, by fault. Pure and synchronous: handlers only push (design §3 law 1), the main loop reads.
 */
import type { Alert, FaultKey, Severity } from "../contracts/alert.ts";
import { SEVERITIES, severityOf } from "../contracts/alert.ts";
import { faultKey } from "../contracts/ids.ts";
import { received, sizeOf } from "./alert-message.ts";

/** Characters of all alerts of a target together: they go to an activity in one request, which takes 2 MB at most. */
export const MAX_INBOX_LENGTH = 512 * 1024;
/** More different faults of one target than this are counted, not kept: the history of a run is bounded (law 13). */
export const MAX_FAULTS = 200;

export interface Fault {
  key: FaultKey;
  alert: Alert;
  resolved: boolean;
  remediationId: string;
  joinKey: string;
}

/** What continue-as-new carries (law 18). */
export interface InboxState {
  faults: Fault[];
  decided: FaultKey[];
  dropped: number;
}

export class Inbox {
  private readonly faults = new Map<FaultKey, Fault>();
  private readonly decided = new Set<FaultKey>();
  private dropped = 0;
  private nameless: string | null = null;
  private told = false;

  constructor(carried?: InboxState) {
    if (carried === undefined) return;
    for (const fault of carried.faults) this.faults.set(fault.key, fault);
    for (const key of carried.decided) this.decided.add(key);
    this.dropped = carried.dropped;
  }

  /** Whatever came as an alert's signal: a handler that throws fails the workflow task for ever. */
  push(given: unknown): void {
    const came = received(given);
    if (came.kind === "nameless") {
      this.nameless ??= came.fault;
      return;
    }
    const { message } = came;
    const key = faultKey(message.alert);
    const known = this.faults.get(key);
    if (message.alert.status === "resolved") {
      if (known !== undefined) known.resolved = true;
      return;
    }
    // A repeat of a fault that an episode of this run decided does not open another (law 5).
    if (known !== undefined || this.decided.has(key)) return;
    if (this.faults.size >= MAX_FAULTS || this.length() + sizeOf(message.alert) > MAX_INBOX_LENGTH) {
      this.dropped += 1;
      return;
    }
    const { alert, remediationId, joinKey } = message;
    this.faults.set(key, { key, alert, resolved: false, remediationId, joinKey });
  }

  private length(): number {
    return [...this.faults.values()].reduce((sum, { alert }) => sum + sizeOf(alert), 0);
  }

  /** What came that names no fault, and why not; once in a run, whatever else comes. */
  takeNameless(): string | null {
    if (!this.hasNameless()) return null;
    this.told = true;
    return this.nameless;
  }

  hasNameless(): boolean {
    return this.nameless !== null && !this.told;
  }

  /** Is there a firing fault that nobody decided? Resolved ones need no remedy. */
  hasWork(): boolean {
    return [...this.faults.values()].some((fault) => !fault.resolved);
  }

  /** The worst firing fault and the id for its episode, or null. */
  first(): Fault | null {
    let worst: Fault | null = null;
    for (const fault of this.faults.values()) {
      if (!fault.resolved && (worst === null || rank(fault) < rank(worst))) worst = fault;
    }
    return worst;
  }

  /** All faults, resolved ones too, that ask for the same remedy. */
  joined(joinKey: string): Fault[] {
    return [...this.faults.values()].filter((fault) => fault.joinKey === joinKey);
  }

  /** Drops decided faults and remembers them, with every resolved one: nothing is left to do for it. */
  settle(keys: readonly FaultKey[]): void {
    for (const key of keys) {
      this.decided.add(key);
      this.faults.delete(key);
    }
    for (const fault of [...this.faults.values()]) if (fault.resolved) this.faults.delete(fault.key);
    // The oldest decisions are in the record too; the set must not grow with the life of a target.
    for (const key of [...this.decided].slice(0, Math.max(0, this.decided.size - MAX_FAULTS))) this.decided.delete(key);
  }

  state(): InboxState {
    return { faults: [...this.faults.values()], decided: [...this.decided], dropped: this.dropped };
  }
}

function rank(fault: Fault): number {
  const severity: Severity = severityOf(fault.alert.labels);
  return SEVERITIES.indexOf(severity);
}
