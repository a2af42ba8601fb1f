/** What a step or an effect was given, as people wrote it in the runbook. For showing alone: a plan and its hash hold milliseconds. */
import type { JsonObject } from "../contracts/json.ts";
import { writtenDuration } from "./duration.ts";

/** Inputs that are durations in milliseconds, by action. A test compares it with the actions' schemas. */
export const DURATION_INPUTS: Readonly<Record<string, readonly string[]>> = { "monitoring.silence": ["for"] };

/** JSON with durations as `30h`; nothing is rounded, because a person approves it. */
export function givenText(action: string, given: JsonObject): string {
  const names = Object.hasOwn(DURATION_INPUTS, action) ? (DURATION_INPUTS[action] ?? []) : [];
  const shown = (name: string, value: unknown): unknown =>
    names.includes(name) && typeof value === "number" ? writtenDuration(value) : value;
  return JSON.stringify(Object.fromEntries(Object.entries(given).map(([name, value]) => [name, shown(name, value)])));
}
