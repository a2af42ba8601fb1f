/** What was admitted, by target, runbook and group: the twin of the record's `admissions`. */
import type { WindowUse } from "../../contracts/facts.ts";

export interface Admission {
  id: string;
  target: string;
  runbook: string;
  group: string;
  cost: number;
  /** ms since 1970. */
  at: number;
  /** It began an effect. */
  acted: boolean;
  released: boolean;
}

export function iso(ms: number): string {
  // Most of what is asked for is asked at one moment.
  if (ms !== last.ms) last = { ms, text: new Date(ms).toISOString() };
  return last.text;
}
let last = { ms: Number.NaN, text: "" };

/** Admissions of one kind, oldest first. What was released without beginning an effect is not among them. */
export class Admissions {
  private list: Admission[] = [];
  /** By the length of a window, where it begins. */
  private readonly cursors = new Map<number, number>();
  /** What the first so many cost; null: to be added up again. */
  private spent: number[] | null = null;

  add(admission: Admission): void {
    this.list.push(admission);
    this.spent?.push((this.spent.at(-1) ?? 0) + admission.cost);
  }

  remove(admission: Admission): void {
    const at = this.list.lastIndexOf(admission);
    if (at < 0) return;
    this.list.splice(at, 1);
    this.cursors.clear();
    this.spent = null;
  }

  /** The cost of one of them is another now. */
  recount(): void {
    this.spent = null;
  }

  /** Those that began an effect, and those in flight, which may still begin one; never `own`, one of them. */
  use(now: number, windowMs: number, own: Admission | null): WindowUse {
    const begin = this.begin(now, windowMs);
    const isIn = own !== null && own.at > now - windowMs;
    const first = this.list[begin] === own && isIn ? this.list[begin + 1] : this.list[begin];
    return {
      count: this.list.length - begin - (isIn ? 1 : 0),
      cost: this.costSince(begin) - (isIn ? own.cost : 0),
      since: first === undefined ? null : iso(first.at),
    };
  }

  actedCount(now: number, windowMs: number, except: string): number {
    let count = 0;
    for (let index = this.begin(now, windowMs); index < this.list.length; index++) {
      const one = this.list[index];
      if (one !== undefined && one.acted && one.id !== except) count += 1;
    }
    return count;
  }

  lastActed(except: string): Admission | null {
    return this.list.findLast((one) => one.acted && one.id !== except) ?? null;
  }

  private costSince(begin: number): number {
    if (this.spent === null) {
      let sum = 0;
      this.spent = [0, ...this.list.map(({ cost }) => (sum += cost))];
    }
    return (this.spent.at(-1) ?? 0) - (this.spent[begin] ?? 0);
  }

  private begin(now: number, windowMs: number): number {
    const since = now - windowMs;
    let index = this.cursors.get(windowMs) ?? 0;
    while (index < this.list.length && (this.list[index]?.at ?? 0) <= since) index += 1;
    this.cursors.set(windowMs, index);
    return index;
  }

  /**
   * Forgets what no window reaches any more, but never the newest that acted: a cooldown has no bound. True: nothing is
   * left.
   */
  forget(since: number): boolean {
    if (this.list.length < 2 || (this.list[0]?.at ?? 0) > since) return this.list.length === 0;
    const newest = this.list.findLast((one) => one.acted);
    const kept = this.list.filter((one) => one.at > since || one === newest || !one.released);
    if (kept.length === this.list.length) return false;
    this.list = kept;
    this.cursors.clear();
    this.spent = null;
    return kept.length === 0;
  }
}
