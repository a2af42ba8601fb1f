/** Which alerts would be worth a runbook: those that come often, last long, and name what they are about. */
import type { Fate } from "../fate.ts";
import { nameOf } from "./fleet.ts";

export interface Seen {
  labels: Record<string, string>;
  /** ms. */
  lasted: number;
}

export interface Worth {
  alertname: string;
  times: number;
  targets: number;
  /** Times that its labels named nothing. */
  unnamed: number;
  totalMs: number;
  medianMs: number;
  /** The runbook that matches it; null: none. */
  runbook: string | null;
  why: string;
}

/** Shorter alerts are over before anybody, or anything, has looked. */
const WORTH_MS = 10 * 60_000;
const HOUR_MS = 3_600_000;

/** All alerts by name, the most worth first: hours that it fired on targets that can be named, half or more of them long. */
export function worths(seen: readonly Seen[], fates: ReadonlyMap<string, Fate>): Worth[] {
  const byName = Map.groupBy(seen, ({ labels }) => labels["alertname"] ?? "");
  const all = [...byName].map(([alertname, times]) => worthOf(alertname, times, fates.get(alertname)?.runbook ?? null));
  return all.sort((a, b) => scoreOf(b) - scoreOf(a) || b.times - a.times);
}

function worthOf(alertname: string, times: readonly Seen[], runbook: string | null): Worth {
  const names = times.flatMap(({ labels }) => nameOf(labels) ?? []);
  const lengths = times.map(({ lasted }) => lasted).sort((a, b) => a - b);
  const [targets, totalMs] = [new Set(names).size, lengths.reduce((sum, one) => sum + one, 0)];
  const medianMs = lengths[Math.floor(lengths.length / 2)] ?? 0;
  const hours = (ms: number): string =>
    ms >= 2 * HOUR_MS ? `${Math.round(ms / HOUR_MS)} h` : `${Math.round(ms / 60_000)} min`;
  const many = times.length === 1 ? "once" : `${times.length} times`;
  const on = targets === 0 ? "names no host" : `on ${targets} ${targets === 1 ? "host" : "hosts"}`;
  const has = runbook === null ? "no runbook is shipped for it" : `${runbook} is a runbook for it`;
  const why = `it fired ${many}, ${on}, ${hours(totalMs)} in all, half of them ${hours(medianMs)} or longer; ${has}`;
  return {
    alertname,
    times: times.length,
    targets,
    unnamed: times.length - names.length,
    totalMs,
    medianMs,
    runbook,
    why,
  };
}

function scoreOf({ times, unnamed, totalMs, medianMs }: Worth): number {
  const named = (times - unnamed) / times;
  return medianMs < WORTH_MS ? 0 : (totalMs / HOUR_MS) * named;
}
