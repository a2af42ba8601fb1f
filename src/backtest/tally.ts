/** What one world did, in numbers: flat in the number of alerts. */
import type { ReasonCode } from "../contracts/verdict.ts";
import { FATES, type Fate, type FateKind } from "./fate.ts";

export interface Waits {
  remediations: number;
  totalMs: number;
  longestMs: number;
}

export interface RunbookTally {
  runbook: string;
  fates: Record<FateKind, number>;
  approvalsAsked: number;
}

export interface TallyReport {
  /** Remediations by how they ended; `unmatched` and `repeat` count firing alerts. */
  fates: Record<FateKind, number>;
  /** Remediations by each reason that stood against them at the end. */
  reasons: Partial<Record<ReasonCode, number>>;
  /** What stood in the way for a while. */
  waits: Partial<Record<ReasonCode, Waits>>;
  approvalsAsked: number;
  runbooks: RunbookTally[];
}

export class Tally {
  private readonly fates = noFates();
  private readonly reasons = new Map<ReasonCode, number>();
  private readonly waits = new Map<ReasonCode, Waits>();
  private readonly runbooks = new Map<string, RunbookTally>();
  private asked = 0;
  private lastEpisode = new Set<number>();

  count(kind: FateKind): void {
    this.fates[kind] += 1;
  }

  /** Faults of one remediation count once. */
  add(fate: Fate): void {
    if (fate.episode !== null) {
      if (this.lastEpisode.has(fate.episode)) return;
      this.remember(fate.episode);
    }
    this.fates[fate.kind] += 1;
    this.asked += fate.asked;
    for (const code of fate.codes) this.reasons.set(code, (this.reasons.get(code) ?? 0) + 1);
    for (const code of fate.waitedFor) {
      const { remediations, totalMs, longestMs } = this.waits.get(code) ?? {
        remediations: 0,
        totalMs: 0,
        longestMs: 0,
      };
      this.waits.set(code, {
        remediations: remediations + 1,
        totalMs: totalMs + fate.waitedMs,
        longestMs: Math.max(longestMs, fate.waitedMs),
      });
    }
    if (fate.runbook === null) return;
    const ofRunbook = this.runbooks.get(fate.runbook) ?? { runbook: fate.runbook, fates: noFates(), approvalsAsked: 0 };
    ofRunbook.fates[fate.kind] += 1;
    ofRunbook.approvalsAsked += fate.asked;
    this.runbooks.set(fate.runbook, ofRunbook);
  }

  /** Those in flight at once are few; the set is emptied before it grows with the recording. */
  private remember(episode: number): void {
    if (this.lastEpisode.size >= REMEMBERED) {
      this.lastEpisode = new Set([...this.lastEpisode].slice(REMEMBERED / 2));
    }
    this.lastEpisode.add(episode);
  }

  report(): TallyReport {
    return {
      fates: { ...this.fates },
      reasons: Object.fromEntries(sorted(this.reasons, (count) => count)),
      waits: Object.fromEntries(sorted(this.waits, (one) => one.remediations)),
      approvalsAsked: this.asked,
      runbooks: [...this.runbooks.values()].sort((a, b) => (a.runbook < b.runbook ? -1 : 1)),
    };
  }
}

const REMEMBERED = 20_000;

function noFates(): Record<FateKind, number> {
  return Object.fromEntries(FATES.map((kind) => [kind, 0])) as Record<FateKind, number>;
}

function sorted<K, V>(map: ReadonlyMap<K, V>, by: (value: V) => number): [K, V][] {
  return [...map].sort((a, b) => by(b[1]) - by(a[1]));
}
