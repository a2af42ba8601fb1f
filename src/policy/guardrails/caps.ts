import type { Plan, ScopeCap } from "../../contracts/plan.ts";
import { scopeOf } from "../../contracts/ids.ts";
import { GLOBAL_SCOPE } from "../../contracts/scopes.ts";
import type { GuardrailResult, ReasonCode } from "../../contracts/verdict.ts";
import { isCount, pass, stop, unavailable, type CountedView, type Guardrail } from "../guardrail.ts";

/**
 * No more targets at once than allowed, in each place. A target that a closed remediation left out of service counts
 * until it is back. Work of others ends by itself and is waited for; what only a person can end refuses, so that one is
 * told.
 */
export const groupCap = capOf("group-cap", "GROUP_CAP", (scope) => scope.startsWith("group:"));
export const rackCap = capOf("rack-cap", "RACK_CAP", (scope) => scope.startsWith("rack:"));
export const serviceCap = capOf("service-cap", "SERVICE_CAP", (scope) => scope.startsWith("service:"));
export const regionCap = capOf("region-cap", "REGION_CAP", (scope) => scope.startsWith("region:"));
export const globalCap = capOf("global-cap", "GLOBAL_CAP", (scope) => scope === GLOBAL_SCOPE);

export const targetExclusive: Guardrail = {
  name: "target-exclusive",
  counted: true,
  evaluate(plan, view) {
    const scope = scopeOf.target(plan.target);
    const only: Plan = { ...plan, limits: { ...plan.limits, caps: [{ scope, max: 1, because: "one at a time" }] } };
    return capped("target-exclusive", "ALREADY_OPEN", only, view, () => true);
  },
};

function capOf(name: string, code: ReasonCode, isMine: (scope: string) => boolean): Guardrail {
  return { name, counted: true, evaluate: (plan, view) => capped(name, code, plan, view, (cap) => isMine(cap.scope)) };
}

function capped(
  name: string,
  code: ReasonCode,
  plan: Plan,
  { counted }: CountedView,
  isMine: (cap: ScopeCap) => boolean,
): GuardrailResult {
  const caps = plan.limits.caps.filter(isMine);
  if (caps.length === 0) return pass(name, "no such limit");
  const heldOn = ({ scope }: ScopeCap): number => counted.held[scope] ?? 0;
  const leftOn = ({ scope }: ScopeCap): number => counted.leftOut[scope] ?? 0;
  const saw = Object.fromEntries(
    caps.map((cap) => [cap.scope, { held: counted.held[cap.scope] ?? null, leftOut: leftOn(cap), max: cap.max }]),
  );
  const unread = caps.find((cap) => !isCount(counted.held[cap.scope]) || !isCount(cap.max) || !isCount(leftOn(cap)));
  if (unread !== undefined) return unavailable(name, `it is not known how many are in work in ${unread.scope}`, saw);
  const say = (cap: ScopeCap): string => {
    const left = leftOn(cap) === 0 ? "" : `, ${leftOn(cap)} of them left out of service`;
    return `${heldOn(cap)} of ${cap.max} in work in ${cap.scope}${left} (${cap.because})`;
  };
  const full = caps.filter((cap) => heldOn(cap) >= cap.max);
  if (full.length === 0) return pass(name, caps.map(say).join("; "), saw);
  const endless = full.filter((cap) => leftOn(cap) >= cap.max);
  if (endless.length === 0) return stop(name, "wait", code, full.map(say).join("; "), saw);
  const why = endless.every((cap) => cap.max === 0) ? "nothing may be in work there" : "a person must bring them back";
  return stop(name, "refuse", code, `${endless.map(say).join("; ")}: ${why}`, saw);
}
