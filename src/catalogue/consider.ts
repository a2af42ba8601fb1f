/**
 * All that the catalogue says about one matched alert: the plan, and the facts that need no system to be asked. Deciding,
 * explaining and backtesting begin here, so that they are one code.
 */
import type { Alert } from "../contracts/alert.ts";
import type { DecisionFacts } from "../contracts/facts.ts";
import type { JsonObject } from "../contracts/json.ts";
import { highestRisk, type Plan } from "../contracts/plan.ts";
import type { ReasonCode } from "../contracts/verdict.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Matched } from "./classify.ts";
import { compilePlan, requirement, sketchPlan } from "./compile.ts";

/** What must be asked for: the time, the probe's word, what the record counts. */
export type Seen = Pick<DecisionFacts, "now" | "reading" | "counted">;

export type Considered =
  | { kind: "planned"; plan: Plan; planHash: string; facts: Omit<DecisionFacts, keyof Seen> }
  | { kind: "noPlan"; code: ReasonCode; detail: string };

/** `collected`: the evidence. */
export function consider(
  catalogue: Catalogue,
  { runbook, target }: Matched,
  alerts: readonly Alert[],
  collected: JsonObject,
): Considered {
  const compiled = compilePlan(catalogue, runbook, target, alerts, collected, catalogue.actions);
  if (!("plan" in compiled)) return { kind: "noPlan", ...compiled };
  const [alert] = alerts as [Alert, ...Alert[]];
  const required = requirement(catalogue, runbook, target, alert, collected);
  return {
    kind: "planned",
    ...compiled,
    facts: factsOf(catalogue, { runbook, target }, compiled, required, collected),
  };
}

/**
 * Before the evidence is read: the plan is a sketch, and a `require` that needs evidence cannot be evaluated. The facts
 * say that there is evidence, so that what is asked is everything else.
 */
export function considerSketch(
  catalogue: Catalogue,
  { runbook, target }: Matched,
  alerts: readonly Alert[],
): Considered {
  const compiled = sketchPlan(catalogue, runbook, target, alerts, catalogue.actions);
  if (!("plan" in compiled)) return { kind: "noPlan", ...compiled };
  const [alert] = alerts as [Alert, ...Alert[]];
  const required = requirement(catalogue, runbook, target, alert, null);
  const sketch = { plan: compiled.plan, planHash: SKETCH };
  return { kind: "planned", ...sketch, facts: factsOf(catalogue, { runbook, target }, sketch, required, {}) };
}

/** Stands where the hash of a plan stands: nobody can approve a sketch. */
export const SKETCH = "sketch";

function factsOf(
  catalogue: Catalogue,
  { runbook, target }: Pick<Matched, "runbook" | "target">,
  { plan, planHash }: { plan: Plan; planHash: string },
  required: DecisionFacts["requirement"],
  collected: JsonObject,
): Omit<DecisionFacts, keyof Seen> {
  return {
    target,
    requirement: required,
    grant: { team: runbook.team, groups: runbook.groups },
    modes: catalogue.modes(runbook, target),
    collected,
    planHash,
    risk: highestRisk(plan),
  };
}
