import type { ScopedRate } from "../../contracts/plan.ts";
import type { WindowUse } from "../../contracts/facts.ts";
import type { GuardrailResult } from "../../contracts/verdict.ts";
import { pass, stop, timeOf, unavailable, words, worstOf, type Guardrail } from "../guardrail.ts";

/** What the plan is estimated to cost must fit into what is left of each budget; more than a whole one never does. */
export const cost: Guardrail = {
  name: "cost",
  counted: true,
  evaluate(plan, { counted }) {
    const { estimate, budgets } = plan.limits.shared?.cost ?? { estimate: 0, budgets: [] };
    if (budgets.length === 0) return pass("cost", "there is no budget", { estimate });
    return worstOf(budgets.map((budget) => fits(estimate, budget, counted.shared?.budgets[budget.scope])));
  },
};

function fits(estimate: number, { scope, max, windowMs }: ScopedRate, use: WindowUse | undefined): GuardrailResult {
  const saw = { scope, estimate, spent: use?.cost ?? null, max, windowMs };
  const known = [estimate, use?.cost].every((one) => typeof one === "number" && Number.isFinite(one) && one >= 0);
  if (use === undefined || !known)
    return unavailable("cost", `the cost of the plan or the budget of ${scope} is not known`, saw);
  const detail = `the plan costs ${estimate}; ${use.cost} of ${max} were spent in ${scope} in ${words(windowMs)}`;
  if (use.cost + estimate <= max) return pass("cost", detail, saw);
  if (estimate > max) return stop("cost", "refuse", "COST_BUDGET", `${detail}: it never fits, a person must look`, saw);
  const since = use.since === null ? null : timeOf(use.since);
  const until = since === null ? undefined : new Date(since + windowMs).toISOString();
  return stop("cost", "wait", "COST_BUDGET", detail, saw, until);
}
