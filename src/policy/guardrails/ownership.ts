import type { Hold, ReadLease } from "../../contracts/surroundings.ts";
import { pass, stop, timeOf, unavailable, type Guardrail } from "../guardrail.ts";
import { refuseUnread } from "../outside.ts";

/**
 * Two controllers on one resource undo each other's work: what another system holds is left alone. A hold and a lease are
 * waited for; one that the inventory states never ends by itself, so a person is told.
 */
export const ownership: Guardrail = {
  name: "ownership",
  counted: true,
  evaluate(plan, { counted: { surroundings }, now }) {
    const limits = plan.limits.surroundings;
    if (limits === undefined) return pass("ownership", "the plan knows no other holders");
    const { heldBy, leasesMaxAgeMs = null } = limits;
    const { id } = plan.target;
    const at = timeOf(now);
    if (surroundings === null || at === null) return unavailable("ownership", "it is not known who holds this target");
    if (heldBy !== null) {
      const detail = `the inventory says that ${heldBy} holds ${id}`;
      return stop("ownership", "refuse", "HELD_ELSEWHERE", detail, { heldBy });
    }
    const { leases } = surroundings;
    const need = { guardrail: "ownership", what: "it is not known who has a lease on this target" };
    const refused = leasesMaxAgeMs === null ? null : refuseUnread(need, leases, leasesMaxAgeMs, at);
    if (refused !== null) return refused;
    const holds = surroundings.holds.filter((one) => lasts(one, at));
    const leased = leasesMaxAgeMs === null ? [] : (leases?.value ?? []).filter((one) => lasts(one, at));
    const all = [...holds, ...leased];
    if (all.length === 0) return pass("ownership", "no other system holds this target");
    const detail = all.map((one) => `${one.holder} holds ${id}: ${one.reason}`).join("; ");
    const saw = { holds: all.map(({ id: of, holder, until }) => ({ id: of, holder, until })) };
    const waitsFor = holds.map((one) => `hold:${one.id}`);
    const waits = stop("ownership", "wait", "HELD_ELSEWHERE", detail, saw, lastEnd(all));
    return waitsFor.length === 0 ? waits : { ...waits, waitsFor };
  },
};

type Held = Pick<Hold | ReadLease, "until">;

/** An end that cannot be read is no end. */
function lasts({ until }: Held, at: number): boolean {
  const end = until === null ? null : timeOf(until);
  return end === null || end > at;
}

function lastEnd(holds: readonly Held[]): string | undefined {
  const ends = holds.map(({ until }) => (until === null ? null : timeOf(until)));
  if (ends.some((end) => end === null)) return undefined;
  return new Date(Math.max(...ends.map((end) => end ?? 0))).toISOString();
}
