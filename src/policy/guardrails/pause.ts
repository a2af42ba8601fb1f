import type { Pause } from "../../contracts/facts.ts";
import { pauseScopesOf } from "../../contracts/scopes.ts";
import { pass, stop, timeOf, unavailable, type Guardrail } from "../guardrail.ts";

/** The kill switch. New work waits until the pause is lifted or over; nothing is dropped. */
export const pause: Guardrail = {
  name: "pause",
  counted: true,
  evaluate(plan, { counted, now }) {
    const at = timeOf(now);
    if (at === null) return unavailable("pause", `the time ${now} cannot be read`);
    const scopes = pauseScopesOf(plan);
    const active = counted.pauses.filter((one) => scopes.includes(one.scope) && isActive(one, at));
    if (active.length === 0) return pass("pause", "no pause is in force", { pauses: counted.pauses.length });
    const detail = active.map((one) => `${one.scope} is paused by ${one.by}: ${one.reason}`).join("; ");
    const saw = { pauses: active.map(({ id, scope, by, until }) => ({ id, scope, by, until })) };
    const waitsFor = active.map(({ id }) => `pause:${id}`);
    return { ...stop("pause", "wait", "PAUSED", detail, saw, lastEnd(active)), waitsFor };
  },
};

/** An end that cannot be read is no end. */
function isActive(one: Pause, at: number): boolean {
  const until = one.until === null ? null : timeOf(one.until);
  return until === null || until > at;
}

/** When the last one ends, or undefined when one lasts until it is lifted. */
function lastEnd(active: Pause[]): string | undefined {
  const ends = active.map((one) => (one.until === null ? null : timeOf(one.until)));
  if (ends.some((end) => end === null)) return undefined;
  return new Date(Math.max(...ends.map((end) => end ?? 0))).toISOString();
}
