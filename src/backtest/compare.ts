/** Two worlds side by side: for each fault, did the new catalogue decide otherwise? */
import type { Alert, FaultKey } from "../contracts/alert.ts";
import { faultKey } from "../contracts/ids.ts";
import type { Fate } from "./fate.ts";
import type { SideBatch, SideEnd } from "./side.ts";
import type { Taken } from "./world.ts";

/** What a change is, for people and for `--fail-on`. One fault may be several. */
export const CHANGES = ["new-action", "lost-action", "refuse", "approval", "wait", "other"] as const;
export type Change = (typeof CHANGES)[number];

export const CHANGE_MEANS: Record<Change, string> = {
  "new-action": "it acts where it did not before",
  "lost-action": "it does not act any more",
  refuse: "it refuses what it did not refuse before",
  approval: "it asks a person where it did not before",
  wait: "it waits for something for which it did not wait before",
  other: "it ends otherwise, or for another reason",
};

export interface Difference {
  at: string;
  alertname: string;
  target: string | null;
  changes: Change[];
  before: Told;
  after: Told;
}
/** `refused FLAPPING` with its sentence. */
export type Told = Pick<Fate, "kind" | "runbook" | "codes" | "detail" | "asked" | "waitedFor">;

export interface ComparisonReport {
  faults: number;
  changed: number;
  changes: Record<Change, number>;
  /** Number of faults by `before -> after`, the most frequent first. */
  moves: { before: string; after: string; faults: number }[];
  examples: Difference[];
}

/** Of each move. */
const EXAMPLES = 3;
const MOST_MOVES = 1_000;

interface Pair {
  alert: Alert;
  before: Fate | null;
  after: Fate | null;
}

export class Comparison {
  private readonly pending = new Map<FaultKey, Pair>();
  private readonly moves = new Map<string, { before: string; after: string; faults: number; examples: Difference[] }>();
  private readonly counts = Object.fromEntries(CHANGES.map((one) => [one, 0])) as Record<Change, number>;
  private faults = 0;
  private changed = 0;

  /** One batch as both worlds took it: in the order in which they would have lived through it together. */
  add(alerts: readonly Alert[], before: SideBatch, after: SideBatch): void {
    let [toldBefore, toldAfter] = [0, 0];
    for (const [at, alert] of alerts.entries()) {
      toldBefore = this.toldUntil("before", before, toldBefore, at);
      toldAfter = this.toldUntil("after", after, toldAfter, at);
      const [one, other] = [before.taken[at], after.taken[at]];
      if (alert.status !== "firing" || one === undefined || other === undefined) continue;
      this.taken(faultKey(alert), alert, one, other);
    }
  }

  end(before: SideEnd, after: SideEnd): void {
    this.toldUntil("before", before, 0, 0);
    this.toldUntil("after", after, 0, 0);
  }

  private toldUntil(side: "before" | "after", { told }: Pick<SideBatch, "told">, from: number, at: number): number {
    let next = from;
    for (let one = told[next]; one !== undefined && one.at <= at; one = told[++next]) {
      this.told(side, one.key, one.fate);
    }
    return next;
  }

  /** A fault is compared once it is new to one of the worlds. */
  private taken(key: FaultKey, alert: Alert, before: Taken, after: Taken): void {
    if (before !== "new" && after !== "new") return;
    const known = this.pending.get(key);
    // It may be new again to one world while the other still decides what it was told first.
    if (known !== undefined) this.compare(known);
    this.pending.set(key, { alert, before: fixed(before), after: fixed(after) });
  }

  private told(side: "before" | "after", key: FaultKey, fate: Fate): void {
    const pair = this.pending.get(key);
    if (pair === undefined) return;
    pair[side] ??= fate;
    if (pair.before === null || pair.after === null) return;
    this.pending.delete(key);
    this.compare(pair);
  }

  report(): ComparisonReport {
    const moves = [...this.moves.values()].sort((a, b) => b.faults - a.faults);
    return {
      faults: this.faults,
      changed: this.changed,
      changes: { ...this.counts },
      moves: moves.map(({ before, after, faults }) => ({ before, after, faults })),
      examples: moves.flatMap(({ examples }) => examples),
    };
  }

  private compare({ alert, before, after }: Pair): void {
    if (before === null || after === null) return;
    this.faults += 1;
    const changes = changesOf(before, after);
    if (changes.length === 0) return;
    this.changed += 1;
    for (const change of changes) this.counts[change] += 1;
    const names = { before: nameOf(before), after: nameOf(after) };
    const key = `${names.before} -> ${names.after}`;
    const move = this.moves.get(key) ?? { ...names, faults: 0, examples: [] };
    if (this.moves.size < MOST_MOVES) this.moves.set(key, move);
    move.faults += 1;
    if (move.examples.length < EXAMPLES) {
      const target = after.target ?? before.target;
      const { receivedAt, labels } = alert;
      const alertname = labels["alertname"] ?? "";
      move.examples.push({ at: receivedAt, alertname, target, changes, before: tell(before), after: tell(after) });
    }
  }
}

function changesOf(before: Fate, after: Fate): Change[] {
  const changes: Change[] = [];
  if (after.kind === "acted" && before.kind !== "acted") changes.push("new-action");
  if (before.kind === "acted" && after.kind !== "acted") changes.push("lost-action");
  if (after.kind === "refused" && before.kind !== "refused") changes.push("refuse");
  if (after.asked > 0 && before.asked === 0) changes.push("approval");
  if (after.waitedFor.some((code) => !before.waitedFor.includes(code))) changes.push("wait");
  if (changes.length === 0 && nameOf(before) !== nameOf(after)) changes.push("other");
  return changes;
}

function nameOf({ kind, runbook, codes, asked }: Fate): string {
  const by = runbook === null ? "" : ` ${runbook}`;
  const why = codes.length === 0 ? "" : ` ${codes.join("+")}`;
  return `${kind}${by}${why}${asked > 0 ? " (a person was asked)" : ""}`;
}

function tell({ kind, runbook, codes, detail, asked, waitedFor }: Fate): Told {
  return { kind, runbook, codes, detail, asked, waitedFor };
}

function fixed(taken: Taken): Fate | null {
  if (taken === "new") return null;
  const kind = taken === "unmatched" ? "unmatched" : "repeat";
  const none = { runbook: null, target: null, group: null, codes: [], waitedFor: [], asked: 0, waitedMs: 0 };
  return { kind, ...none, detail: "", episode: null };
}
