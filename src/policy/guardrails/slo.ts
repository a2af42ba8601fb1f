import type { CountedFacts } from "../../contracts/facts.ts";
import type { Plan } from "../../contracts/plan.ts";
import type { OutsideReading, SloLimit, SloReading } from "../../contracts/surroundings.ts";
import type { GuardrailResult } from "../../contracts/verdict.ts";
import { approvers, soFar } from "../approved.ts";
import { pass, stop, timeOf, unavailable, worstOf, type Guardrail } from "../guardrail.ts";
import { refuseUnread } from "../outside.ts";

/**
 * How aggressive automation may be, by the error budget of the objectives that govern the target. Aggressive: as
 * configured. Normal: a person approves plans with a step that is irreversible or of high risk; a standing approval does
 * not do. Conservative, with the budget nearly gone: a person approves every plan.
 */
export const slo: Guardrail = {
  name: "slo",
  counted: true,
  evaluate(plan, { counted, now }) {
    const { surroundings } = counted;
    const limits = plan.limits.surroundings?.slos ?? [];
    if (limits.length === 0) return pass("slo", "no objective governs this target");
    const at = timeOf(now);
    if (at === null) return unavailable("slo", `the time ${now} cannot be read`);
    return worstOf(limits.map((limit) => judge(plan, limit, surroundings?.slos[limit.name] ?? null, counted, at)));
  },
};

export type SloLevel = "aggressive" | "normal" | "conservative";

function judge(
  plan: Plan,
  limit: SloLimit,
  reading: OutsideReading<SloReading> | null,
  counted: CountedFacts,
  at: number,
): GuardrailResult {
  const { name } = limit;
  const need = { guardrail: "slo", what: `the error budget of ${name} is not known`, saw: { slo: name } };
  const refused = refuseUnread(need, reading, limit.maxAgeMs, at);
  if (refused !== null) return refused;
  const { window, recent } = reading?.value ?? { window: NaN, recent: NaN };
  if (![window, recent].every((one) => Number.isFinite(one) && one >= 0 && one <= 1)) {
    return unavailable("slo", `the error budget of ${name} makes no sense`, { slo: name, window, recent });
  }
  const [budgetLeft, burnRate] = [1 - spent(window, limit), spent(recent, limit)];
  const level = levelOf(limit, budgetLeft, burnRate);
  const approvedBy = approvers(plan, counted);
  const saw = {
    slo: name,
    level,
    budgetLeft: round(budgetLeft),
    burnRate: round(burnRate),
    at: reading?.at ?? null,
    approvedBy,
  };
  const detail = `${name} is ${level}: ${Math.round(budgetLeft * 100)}% of the error budget is left, it burns at ${round(burnRate)}`;
  const asks = level === "conservative" || (level === "normal" && isRisky(plan));
  if (!asks) return pass("slo", detail, saw);
  if (approvedBy.length > 0) return pass("slo", `${detail}; approved by ${approvedBy.join(", ")}`, saw);
  return stop("slo", "review", "SLO_BUDGET", `${detail}: a person decides${soFar(plan, counted)}`, saw);
}

/** In budgets: 1 spends exactly what the objective allows. */
function spent(ratio: number, { objective }: SloLimit): number {
  return ratio / (1 - objective);
}

export function levelOf({ aggressive, conservative }: SloLimit, budgetLeft: number, burnRate: number): SloLevel {
  if (budgetLeft < conservative.budgetLeft || burnRate > conservative.burnRate) return "conservative";
  return budgetLeft >= aggressive.budgetLeft && burnRate <= aggressive.burnRate ? "aggressive" : "normal";
}

function isRisky(plan: Plan): boolean {
  return plan.rungs.some((rung) => rung.steps.some(({ risk }) => risk === "high" || risk === "irreversible"));
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
