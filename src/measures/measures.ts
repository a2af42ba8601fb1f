/** M1 to M10 (mission P5) over closed remediations: pure. docs/measures.md has the definitions, and why they are so. */
import type { Measured } from "./facts.ts";

export type Unit = "seconds" | "share" | "cost";

export interface Measure {
  /** `M1`; `M1.own`: without waiting; `M1.critical`: of critical ones. */
  id: string;
  name: string;
  unit: Unit;
  /** null: there was nothing to measure. Never 0 for that. */
  value: number | null;
  /** How many it was measured over. */
  of: number;
  /** Of times: the median, and what 95 of 100 stay below. null: not a time, or nothing to measure. */
  spread: { median: number; p95: number } | null;
  target: { most: number } | { least: number } | null;
  /** null: there is no target, or nothing to measure. */
  met: boolean | null;
}

/** What is not in the remediations themselves. */
export interface Beside {
  /** Faults that no runbook matched: people had them. */
  unmatchedFaults: number;
  /** Targets of the inventory, and those that an SLO governs. null: not known here. */
  coverage: { targets: number; covered: number } | null;
}

type Shape = Pick<Measure, "id" | "name" | "unit" | "target">;

const MINUTE = 60;
const SHAPES = {
  repair: shape("M1", "mean time to repair", "seconds", null),
  ownRepair: shape("M1.own", "mean time to repair, without waiting for people and technicians", "seconds", null),
  critical: shape("M1.critical", "mean time to repair of critical ones", "seconds", { most: 15 * MINUTE }),
  alone: shape("M2", "faults healed without a person", "share", { least: 0.3 }),
  success: shape("M3", "remediations that acted and healed", "share", { least: 0.95 }),
  falsePositive: shape("M4", "remediations that acted on nothing", "share", { most: 0.05 }),
  start: shape("M5", "mean time from arrival to the first effect", "seconds", null),
  ownStart: shape("M5.own", "mean time to the first effect, without waiting for people", "seconds", { most: MINUTE }),
  escalated: shape("M6", "remediations that went to a person", "share", { most: 0.1 }),
  rolledBack: shape("M7", "remediations that were taken back", "share", { most: 0.01 }),
  cost: shape("M8", "estimated cost of one remediation", "cost", null),
  coverage: shape("M9", "targets that an SLO governs", "share", { least: 0.6 }),
  audit: shape("M10", "longest time from a call that acted to its audit entry", "seconds", { most: MINUTE }),
} as const;

function shape(id: string, name: string, unit: Unit, target: Measure["target"]): Shape {
  return { id, name, unit, target };
}

export function measuresOf(all: readonly Measured[], { unmatchedFaults, coverage }: Beside): Measure[] {
  const acted = all.filter((one) => one.acted);
  const toDo = all.filter(({ outcome }) => outcome !== "recovered" && outcome !== "cancelled");
  const decided = all.filter(({ outcome }) => outcome !== "observed");
  const lags = known(all, (one) => one.auditLagMs);
  return [
    time(
      SHAPES.repair,
      known(all, (one) => one.repairMs),
    ),
    time(
      SHAPES.ownRepair,
      known(all, (one) => one.ownRepairMs),
    ),
    time(
      SHAPES.critical,
      known(all, (one) => (one.critical ? one.repairMs : null)),
    ),
    share(
      SHAPES.alone,
      count(toDo, (one) => one.alone),
      toDo.length + unmatchedFaults,
    ),
    share(
      SHAPES.success,
      count(acted, ({ outcome }) => outcome === "healed"),
      acted.length,
    ),
    share(SHAPES.falsePositive, count(acted, isFalsePositive), acted.length),
    time(
      SHAPES.start,
      known(all, (one) => one.startMs),
    ),
    time(
      SHAPES.ownStart,
      known(all, (one) => one.ownStartMs),
    ),
    share(
      SHAPES.escalated,
      count(decided, (one) => one.escalated),
      decided.length,
    ),
    share(
      SHAPES.rolledBack,
      count(acted, (one) => one.rolledBack),
      acted.length,
    ),
    judged(SHAPES.cost, mean(known(all, (one) => one.cost)), known(all, (one) => one.cost).length),
    share(SHAPES.coverage, coverage?.covered ?? 0, coverage?.targets ?? 0),
    judged(SHAPES.audit, lags.length === 0 ? null : largest(lags) / 1000, lags.length),
  ];
}

/** Acted though the probe was healthy, or a person said that nothing was to be done. */
function isFalsePositive({ acted, onHealthy, review }: Measured): boolean {
  return acted && (onHealthy || review === "falsePositive");
}

function share(what: Shape, part: number, of: number): Measure {
  return judged(what, of === 0 ? null : part / of, of);
}

function time(what: Shape, ms: readonly number[]): Measure {
  const average = mean(ms);
  // Of a hundred thousand numbers, in a tenth of the time that an array of values takes.
  const sorted = Float64Array.from(ms).sort();
  const at = (quantile: number): number => (sorted[Math.ceil(quantile * sorted.length) - 1] ?? 0) / 1000;
  const spread = average === null ? null : { median: at(0.5), p95: at(0.95) };
  return { ...judged(what, average === null ? null : average / 1000, ms.length), spread };
}

function judged(what: Shape, value: number | null, of: number): Measure {
  const { target } = what;
  const met =
    value === null || target === null ? null : "most" in target ? value <= target.most : value >= target.least;
  return { ...what, value, of, spread: null, met };
}

function known(all: readonly Measured[], what: (one: Measured) => number | null): number[] {
  const found: number[] = [];
  for (const one of all) {
    const value = what(one);
    if (value !== null) found.push(value);
  }
  return found;
}

function count(all: readonly Measured[], holds: (one: Measured) => boolean): number {
  let found = 0;
  for (const one of all) if (holds(one)) found++;
  return found;
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Not by spreading: there may be more values than a call takes arguments. */
function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}
