import type { OutsideReading } from "../contracts/surroundings.ts";
import { timeOf, words } from "./guardrail.ts";

/** Why a reading from outside does not count at this time; null: it does. */
export function whyTooOld(reading: OutsideReading<unknown> | null, maxAgeMs: number, at: number): string | null {
  if (reading === null) return "nobody asked";
  if (reading.value === null) return reading.detail;
  const read = timeOf(reading.at);
  if (read === null) return `the time ${reading.at} of the reading cannot be read`;
  return at - read <= maxAgeMs ? null : `it was read ${words(at - read)} ago, at most ${words(maxAgeMs)} counts`;
}
