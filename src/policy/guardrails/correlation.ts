import type { CorrelationLimit, SurroundingFacts } from "../../contracts/surroundings.ts";
import type { GuardrailResult } from "../../contracts/verdict.ts";
import { isCount, pass, stop, timeOf, unavailable, words, worstOf, type Guardrail } from "../guardrail.ts";

/**
 * Many unhealthy targets under one parent (rack, switch, service) are the parent's fault: they wait, and the latch that
 * trips starts the one remediation, or the one page, of the parent. Before it can be known, a hold-down keeps the first
 * of them from acting.
 */
export const correlation: Guardrail = {
  name: "correlation",
  counted: true,
  evaluate(plan, { counted: { surroundings }, now }) {
    const limit = plan.limits.surroundings?.correlation ?? null;
    if (limit === null || limit.parents.length === 0) return pass("correlation", "no such limit");
    const at = timeOf(now);
    if (surroundings === null || at === null) {
      return unavailable("correlation", "it is not known what else is unhealthy around this target");
    }
    const { parents, holdDownMs } = limit;
    return worstOf([...parents.map((one) => look(one, surroundings)), holdDown(surroundings, holdDownMs, at)]);
  },
};

function look({ scope, trips, windowMs, because, remedy }: CorrelationLimit, facts: SurroundingFacts): GuardrailResult {
  const unhealthy = facts.correlated[scope];
  const saw = { scope, unhealthy: unhealthy ?? null, trips, windowMs, remedy };
  const latch = facts.latches.find((one) => one.scope === scope);
  const waitsFor = [`latch:${scope}`];
  const first = remedy === null ? "a person looks at it first" : `${remedy} heals it first`;
  if (latch !== undefined) {
    const detail = `${scope} is the cause since ${latch.trippedAt} (${latch.reason}): ${first}`;
    return { ...stop("correlation", "wait", "CORRELATED", detail, { ...saw, latch: latch.id }), waitsFor };
  }
  if (!isCount(unhealthy))
    return unavailable("correlation", `it is not known how many under ${scope} are unhealthy`, saw);
  const detail = `${unhealthy} targets under ${scope} got alerts in ${words(windowMs)}, from ${trips} on it is the cause (${because})`;
  if (unhealthy < trips) return pass("correlation", detail, saw);
  const result = stop("correlation", "wait", "CORRELATED", `${detail}: ${first}`, saw);
  return { ...result, waitsFor, trips: [{ kind: "correlation", scope, remedy }] };
}

function holdDown({ alertedAt }: SurroundingFacts, holdDownMs: number, at: number): GuardrailResult {
  const saw = { alertedAt, holdDownMs };
  if (alertedAt === null) return pass("correlation", "no alert asked for it", saw);
  const first = timeOf(alertedAt);
  if (first === null) return unavailable("correlation", `the time ${alertedAt} of the first alert cannot be read`, saw);
  const detail = `the first alert came ${words(Math.max(0, at - first))} ago, the hold-down is ${words(holdDownMs)}`;
  if (at >= first + holdDownMs) return pass("correlation", detail, saw);
  return stop("correlation", "wait", "CORRELATED", detail, saw, new Date(first + holdDownMs).toISOString());
}
