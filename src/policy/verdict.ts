/** The decision: every guardrail runs, the worst outcome wins, all results are kept. Pure and synchronous. */
import type { DecisionFacts } from "../contracts/facts.ts";
import type { Plan } from "../contracts/plan.ts";
import {
  GUARDRAIL_OUTCOMES,
  type GuardrailOutcome,
  type GuardrailResult,
  type Verdict,
  type VerdictOutcome,
} from "../contracts/verdict.ts";
import { unavailable, type CountedView, type Guardrail } from "./guardrail.ts";
import { GUARDRAILS } from "./guardrails/index.ts";

/** Forecasts: consumes nothing. `at` is the database's time that the facts carry. */
export function decide(plan: Plan, facts: DecisionFacts, guardrails: readonly Guardrail[] = GUARDRAILS): Verdict {
  const results = resultsOf(plan, facts, guardrails);
  const outcome = verdictOf(worst(results));
  return outcome === "observe" ? observed(results, facts.now) : { outcome, results, at: facts.now };
}

/** What each says by itself. */
export function resultsOf(
  plan: Plan,
  facts: DecisionFacts,
  guardrails: readonly Guardrail[] = GUARDRAILS,
): GuardrailResult[] {
  return guardrails.map((guardrail) => evaluate(guardrail, plan, facts));
}

const WOULD: Record<Exclude<VerdictOutcome, "observe">, string> = {
  act: "it would have acted",
  wait: "it would have waited, then acted",
  review: "it would have asked a person",
  refuse: "it would have refused",
};

/** What it would have done is what people compare with what they did (ADR 50). */
function observed(results: GuardrailResult[], at: string): Verdict {
  const others = results.filter((result) => result.outcome !== "observe");
  const would = verdictOf(worst(others));
  if (would === "observe") return { outcome: "observe", results, at };
  const told = results.map((result) =>
    result.outcome === "observe" ? { ...result, detail: `${result.detail}: ${WOULD[would]}` } : result,
  );
  return { outcome: "observe", results: told, at, would };
}

/** The countable guardrails alone, inside the admission transaction: the same functions as the forecast's. */
export function evaluateCounted(
  plan: Plan,
  view: CountedView,
  guardrails: readonly Guardrail[] = GUARDRAILS,
): GuardrailResult[] {
  return guardrails.flatMap((one) => (one.counted ? [safely(one, () => one.evaluate(plan, view))] : []));
}

/** Of results over all guardrails, those that `evaluateCounted` gives for the same facts at the same time. */
export function countedResults(
  results: readonly GuardrailResult[],
  guardrails: readonly Guardrail[] = GUARDRAILS,
): GuardrailResult[] {
  return results.filter((_, index) => (guardrails[index]?.counted ?? false) !== false);
}

/** The worst outcome; `refuse` when there is no result at all. */
export function worst(results: readonly GuardrailResult[]): GuardrailOutcome {
  const ranks = results.map((result) => GUARDRAIL_OUTCOMES.indexOf(result.outcome));
  if (ranks.length === 0 || ranks.includes(-1)) return "refuse";
  return GUARDRAIL_OUTCOMES[Math.max(...ranks)] ?? "refuse";
}

export function verdictOf(outcome: GuardrailOutcome): VerdictOutcome {
  return outcome === "pass" ? "act" : outcome;
}

function evaluate(guardrail: Guardrail, plan: Plan, facts: DecisionFacts): GuardrailResult {
  if (!guardrail.counted) return safely(guardrail, () => guardrail.evaluate(plan, facts));
  const { counted, now, planHash, modes } = facts;
  const view = { now, planHash, modes };
  if (guardrail.counted === "evenUnread")
    return safely(guardrail, () => guardrail.evaluate(plan, { ...view, counted }));
  if (counted === null) return unavailable(guardrail.name, "the record could not be read");
  return safely(guardrail, () => guardrail.evaluate(plan, { ...view, counted }));
}

/** A guardrail that cannot be evaluated refuses: a bug in one must not let anything through. */
function safely(guardrail: Guardrail, run: () => GuardrailResult): GuardrailResult {
  try {
    return run();
  } catch (error) {
    return unavailable(guardrail.name, `it could not be evaluated: ${error instanceof Error ? error.message : "?"}`);
  }
}
