/** Where an effect may stand still, and what a person's word makes of it (ADR 31). */
import type { EffectDirection } from "../../contracts/ids.ts";
import type { JsonObject } from "../../contracts/json.ts";
import type { Plan, PlanStep } from "../../contracts/plan.ts";
import type { Command } from "../../contracts/remediation.ts";
import type { Episode } from "../episode.ts";
import { placeOf } from "../held.ts";
import { pathsInto, valueAt } from "../references.ts";
import type { FreezePoint } from "../takeover.ts";

interface Effect {
  rung: string;
  step: PlanStep;
  suffix?: string;
  direction: EffectDirection;
  input: JsonObject;
}

/** `before`: nothing of it was sent yet, and `retry` does it and stands still again behind it. */
export function effectPoint(episode: Episode, effect: Effect, when: "before" | "begun"): FreezePoint {
  const { rung, step, suffix, direction, input } = effect;
  const frozen = { rung, step, stepKey: suffix === undefined ? step.id : `${step.id}@${suffix}`, direction, input };
  const fault = (command: Command, result: JsonObject): string | null =>
    direction === "apply" ? faultOfResult(episode.requirePlan(), rung, step.id, command, result) : null;
  // What the episode did last was the step before this one.
  const about = when === "before" ? `${step.uses} has not begun` : undefined;
  return { at: placeOf(frozen), about, offers: offersOf(effect, when), effect: frozen, fault };
}

function offersOf({ direction, suffix }: Effect, when: "before" | "begun"): FreezePoint["offers"] {
  // Traffic that comes back is not vouched for beforehand: it goes on, or the target stays out.
  if (direction === "finishHealthy" && when === "before") return ["retry", "release", "end"];
  const skip = suffix === undefined ? (["skip"] as const) : [];
  // On the way to the safe state there is nothing left to end.
  const end = direction === "apply" ? (["end"] as const) : [];
  return ["retry", ...skip, "markDone", "release", ...end];
}

/** A later step that takes something from this one's result cannot run without it. */
function faultOfResult(plan: Plan, rung: string, step: string, command: Command, result: JsonObject): string | null {
  if (command !== "skip" && command !== "markDone") return null;
  const steps = plan.rungs.find(({ name }) => name === rung)?.steps ?? [];
  const later = steps.slice(steps.findIndex(({ id }) => id === step) + 1);
  for (const { id, with: input } of later) {
    const missing = pathsInto(step, input).find((path) => command === "skip" || valueAt(result, path) === undefined);
    if (missing === undefined) continue;
    const needs = `step ${rung}/${id} needs steps.${step}${missing}`;
    return command === "skip"
      ? `${rung}/${step} cannot be skipped: ${needs}; use mark-done with a result that has it`
      : `result: ${needs}, and got ${JSON.stringify(result)}`;
  }
  return null;
}
