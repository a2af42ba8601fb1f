/** What a step or an effect was given, as people wrote it in the runbook. For showing alone: a plan and its hash hold milliseconds. */
import type { JsonObject } from "./json.ts";

/** Inputs that are durations in milliseconds, by action. A test compares it with the actions' schemas. */
export const DURATION_INPUTS: Readonly<Record<string, readonly string[]>> = { "monitoring.silence": ["for"] };

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** JSON with durations as `30h`; nothing is rounded, because a person approves it. */
export function givenText(action: string, given: JsonObject): string {
  const names = Object.hasOwn(DURATION_INPUTS, action) ? (DURATION_INPUTS[action] ?? []) : [];
  const shown = (name: string, value: unknown): unknown =>
    names.includes(name) && typeof value === "number" ? written(value) : value;
  return JSON.stringify(Object.fromEntries(Object.entries(given).map(([name, value]) => [name, shown(name, value)])));
}

/** In the largest unit that divides it: 90 minutes are `90m`, 30 hours `30h`, two days `2d`. */
function written(ms: number): string {
  const [unit, size] = UNITS.find(([, size]) => ms > 0 && ms % size === 0) ?? ["ms", 1];
  return `${ms / size}${unit}`;
}
