import type { StormLimit } from "../../contracts/plan.ts";
import type { GuardrailResult } from "../../contracts/verdict.ts";
import { isCount, pass, stop, unavailable, words, worstOf, type CountedView, type Guardrail } from "../guardrail.ts";

/**
 * Many targets at once have one cause, and healing each of them makes it worse. The breaker trips, stays so until a
 * person resets it, and everything new in its scope waits. Undo, finish and verification of what runs go on.
 */
export const storm: Guardrail = {
  name: "storm",
  counted: true,
  evaluate(plan, view) {
    const storms = plan.limits.shared?.storms ?? [];
    return storms.length === 0 ? pass("storm", "no such limit") : worstOf(storms.map((one) => look(one, view)));
  },
};

function look(limit: StormLimit, { counted: { shared } }: CountedView): GuardrailResult {
  const { scope, trips, windowMs, because } = limit;
  const unhealthy = shared?.unhealthy[scope];
  const saw = { scope, unhealthy: unhealthy ?? null, trips, windowMs };
  const open = shared?.breakers.find((one) => one.kind === "storm" && one.scope === scope);
  if (open !== undefined) {
    const detail = `the storm breaker of ${scope} tripped at ${open.trippedAt} (${open.reason}): only a person resets it`;
    return stop("storm", "wait", "STORM", detail, { ...saw, breaker: open.id });
  }
  if (!isCount(unhealthy)) return unavailable("storm", `it is not known how many of ${scope} are unhealthy`, saw);
  const detail = `${unhealthy} targets of ${scope} got alerts in ${words(windowMs)}, ${trips} trip the breaker (${because})`;
  if (unhealthy < trips) return pass("storm", detail, saw);
  return { ...stop("storm", "wait", "STORM", detail, saw), trips: [{ kind: "storm", scope }] };
}
