import type { Hold } from "../../contracts/surroundings.ts";
import { pass, stop, timeOf, unavailable, type Guardrail } from "../guardrail.ts";

/**
 * Two controllers on one resource undo each other's work: what another system holds is left alone. A hold is waited for;
 * one that the inventory states never ends by itself, so a person is told.
 */
export const ownership: Guardrail = {
  name: "ownership",
  counted: true,
  evaluate(plan, { counted: { surroundings }, now }) {
    const limits = plan.limits.surroundings;
    if (limits === undefined) return pass("ownership", "the plan knows no other holders");
    const { heldBy } = limits;
    const at = timeOf(now);
    if (surroundings === null || at === null) return unavailable("ownership", "it is not known who holds this target");
    if (heldBy !== null) {
      const detail = `the inventory says that ${heldBy} holds ${plan.target.id}`;
      return stop("ownership", "refuse", "HELD_ELSEWHERE", detail, { heldBy });
    }
    const holds = surroundings.holds.filter((one) => lasts(one, at));
    if (holds.length === 0) return pass("ownership", "no other system holds this target");
    const detail = holds.map((one) => `${one.holder} holds ${plan.target.id}: ${one.reason}`).join("; ");
    const saw = { holds: holds.map(({ id, holder, until }) => ({ id, holder, until })) };
    const waitsFor = holds.map(({ id }) => `hold:${id}`);
    return { ...stop("ownership", "wait", "HELD_ELSEWHERE", detail, saw, lastEnd(holds)), waitsFor };
  },
};

/** An end that cannot be read is no end. */
function lasts({ until }: Hold, at: number): boolean {
  const end = until === null ? null : timeOf(until);
  return end === null || end > at;
}

function lastEnd(holds: readonly Hold[]): string | undefined {
  const ends = holds.map(({ until }) => (until === null ? null : timeOf(until)));
  if (ends.some((end) => end === null)) return undefined;
  return new Date(Math.max(...ends.map((end) => end ?? 0))).toISOString();
}
