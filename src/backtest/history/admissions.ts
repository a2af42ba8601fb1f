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
  return new Date(ms).toISOString();
}

/** Admissions of one kind, oldest first. */
export class Admissions {
  private list: Admission[] = [];
  /** By the length of a window, where it begins and what the ones before it cost. */
  private readonly cursors = new Map<number, number>();

  add(admission: Admission): void {
    this.list.push(admission);
  }

  remove(admission: Admission): void {
    const at = this.list.lastIndexOf(admission);
    if (at < 0) return;
    this.list.splice(at, 1);
    this.cursors.clear();
  }

  /** Those that began an effect, and those in flight, which may still begin one; never `except`. */
  use(now: number, windowMs: number, except: string): WindowUse {
    let [count, cost] = [0, 0];
    let since: number | null = null;
    for (let index = this.begin(now, windowMs); index < this.list.length; index++) {
      const one = this.list[index];
      if (one === undefined || one.id === except || !(one.acted || !one.released)) continue;
      count += 1;
      cost += one.cost;
      since ??= one.at;
    }
    return { count, cost, since: since === null ? null : iso(since) };
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

  private begin(now: number, windowMs: number): number {
    const since = now - windowMs;
    let index = this.cursors.get(windowMs) ?? 0;
    while (index < this.list.length && (this.list[index]?.at ?? 0) <= since) index += 1;
    this.cursors.set(windowMs, index);
    return index;
  }

  /** Forgets what no window reaches any more, but never the newest that acted: a cooldown has no bound. */
  forget(since: number): void {
    const newest = this.list.findLast((one) => one.acted);
    const kept = this.list.filter((one) => one.at > since || one === newest || !one.released);
    if (kept.length === this.list.length) return;
    this.list = kept;
    this.cursors.clear();
  }
}
