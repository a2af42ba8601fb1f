/** Who waits in the queue for something outside is woken by the bulk watcher when that has changed. */
import { OUTSIDE_SYSTEM, type OutsideRef } from "../../contracts/outside.ts";
import type { Plan } from "../../contracts/plan.ts";
import type { CountedFacts } from "../../contracts/facts.ts";
import type { GuardrailResult } from "../../contracts/verdict.ts";
import type { ActivityDependencies } from "../dependencies.ts";

/** `<remediationId>/queue` is what the waiter listens to; leaving the queue ends the wait. */
export async function waitOutside(
  deps: ActivityDependencies,
  remediationId: string,
  plan: Plan,
  results: readonly GuardrailResult[],
  counted: CountedFacts,
): Promise<void> {
  const waitsBy = (code: string): boolean => results.some((one) => one.outcome === "wait" && one.code === code);
  const silences = waitsBy("SILENCED") ? (counted.surroundings?.silences?.value ?? []).map(({ id }) => id) : [];
  const unhealthy = waitsBy("MIN_HEALTHY") ? (counted.shared?.health.outside?.unhealthy ?? []) : [];
  const leases = waitsBy("HELD_ELSEWHERE") ? (counted.surroundings?.leases?.value ?? []).map(({ id }) => id) : [];
  if (silences.length + unhealthy.length + leases.length === 0) return;
  const { kind, group } = plan.target;
  const health = unhealthy.length === 0 ? null : { kind, group, fewerThan: unhealthy.length };
  const ref: OutsideRef = { silences: silences.slice(0, 20), leases: leases.slice(0, 20), health };
  await deps.record.wait({
    key: `${remediationId}/queue`,
    remediationId,
    system: OUTSIDE_SYSTEM,
    ref: JSON.stringify(ref),
    seen: "asBefore",
    until: null,
  });
}
