import type { WindowUse } from "../../contracts/facts.ts";
import type { GuardrailResult } from "../../contracts/verdict.ts";
import { isCount, pass, stop, timeOf, unavailable, words, worstOf, type Guardrail } from "../guardrail.ts";

/** At most so often in a window: the runbook, the group, everything. A place is free when the oldest has left it. */
export const rate: Guardrail = {
  name: "rate",
  counted: true,
  evaluate(plan, { counted }) {
    const { rate: own, shared } = plan.limits;
    const used = { count: counted.rateUsed, cost: 0, since: counted.rateSince };
    const results = [
      ...(own === null ? [] : [spent(plan.runbook, used, own)]),
      ...(shared?.rates ?? []).map((one) => spent(one.scope, counted.shared?.rates[one.scope], one)),
    ];
    return results.length === 0 ? pass("rate", "there is no rate") : worstOf(results);
  },
};

function spent(
  who: string,
  use: WindowUse | undefined,
  { max, windowMs }: { max: number; windowMs: number },
): GuardrailResult {
  const saw = { who, used: use?.count ?? null, max, windowMs };
  if (!isCount(use?.count)) return unavailable("rate", `the rate of ${who} cannot be read`, saw);
  const detail = `${who} acted ${use.count} of ${max} times in ${words(windowMs)}`;
  if (use.count < max) return pass("rate", detail, saw);
  const since = use.since === null ? null : timeOf(use.since);
  const until = since === null ? undefined : new Date(since + windowMs).toISOString();
  return stop("rate", "wait", "RATE", detail, saw, until);
}
