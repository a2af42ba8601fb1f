import type { Plan, ScopeCap } from "../../contracts/plan.ts";
import { scopeOf } from "../../contracts/ids.ts";
import type { GuardrailResult, ReasonCode } from "../../contracts/verdict.ts";
import { isCount, pass, stop, unavailable, type CountedView, type Guardrail } from "../guardrail.ts";

/** No more in work at once than allowed, in the group, in the rack and in any other scope; the target is exclusive. */
export const groupCap: Guardrail = {
  name: "group-cap",
  counted: true,
  evaluate: (plan, view) => capped("group-cap", "GROUP_CAP", plan, view, (cap) => !cap.scope.startsWith("rack:")),
};

export const rackCap: Guardrail = {
  name: "rack-cap",
  counted: true,
  evaluate: (plan, view) => capped("rack-cap", "RACK_CAP", plan, view, (cap) => cap.scope.startsWith("rack:")),
};

export const targetExclusive: Guardrail = {
  name: "target-exclusive",
  counted: true,
  evaluate(plan, view) {
    const scope = scopeOf.target(plan.target);
    const only: Plan = { ...plan, limits: { ...plan.limits, caps: [{ scope, max: 1, because: "one at a time" }] } };
    return capped("target-exclusive", "ALREADY_OPEN", only, view, () => true);
  },
};

function capped(
  name: string,
  code: ReasonCode,
  plan: Plan,
  { counted }: CountedView,
  isMine: (cap: ScopeCap) => boolean,
): GuardrailResult {
  const caps = plan.limits.caps.filter(isMine);
  if (caps.length === 0) return pass(name, "no such limit");
  const saw = Object.fromEntries(
    caps.map((cap) => [cap.scope, { held: counted.held[cap.scope] ?? null, max: cap.max }]),
  );
  const unread = caps.find((cap) => !isCount(counted.held[cap.scope]) || !Number.isInteger(cap.max));
  if (unread !== undefined) return unavailable(name, `it is not known how many are in work in ${unread.scope}`, saw);
  const say = (cap: ScopeCap): string =>
    `${counted.held[cap.scope]} of ${cap.max} in work in ${cap.scope} (${cap.because})`;
  const full = caps.filter((cap) => (counted.held[cap.scope] ?? 0) >= cap.max);
  if (full.length === 0) return pass(name, caps.map(say).join("; "), saw);
  return stop(name, "wait", code, full.map(say).join("; "), saw);
}
