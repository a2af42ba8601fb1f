import type { JsonObject } from "../contracts/json.ts";
import { isJsonObject } from "../contracts/json.ts";
import type { PlanStep } from "../contracts/plan.ts";
import type { AnyAction } from "../ports/action.ts";
import type { Actions } from "./catalogue.ts";
import { CompileError } from "./compile-error.ts";
import { stepId, type StepSpec } from "./grammar/runbook.ts";
import { prepareInput } from "./inputs.ts";
import { valueAt } from "./issues.ts";
import { fill, hasTemplate } from "./template.ts";

/** One step with everything filled in but references to earlier steps. Throws CompileError. */
export function compileStep(step: StepSpec, bindings: JsonObject, actions: Actions, scale: number): PlanStep {
  const id = stepId(step);
  const action = Object.hasOwn(actions, step.uses) ? actions[step.uses] : undefined;
  if (action === undefined)
    throw new CompileError("PLAN_INVALID", `step ${id}: this program has no action ${step.uses}`);
  const filled = fill(step.with, bindings, { keepSteps: true, keepCollected: bindings["collected"] === undefined });
  if (!filled.ok) throw new CompileError("FACTS_UNAVAILABLE", `step ${id}: ${filled.reason}`);
  const input = checkedInput(`step ${id}`, action, isJsonObject(filled.value) ? filled.value : {}, scale);
  return {
    id,
    uses: step.uses,
    actionVersion: action.version,
    with: input,
    risk: action.risk,
    undoable: action.undo !== undefined,
    finish: {
      healthy: action.finishHealthy !== undefined,
      otherwise: action.finishOtherwise !== undefined,
      ramped: action.finishHealthy !== undefined && action.ramped === true,
    },
    applyTimeoutMs: action.applyTimeoutMs,
    lifeMs: action.lifeMs,
    withinMs: step.within ?? action.defaultWithinMs,
    onFail: step.onFail,
    pointOfNoReturn: step.pointOfNoReturn,
  };
}

/** The filled-in values against the action's schema; what waits for an earlier step is checked when it is resolved. */
export function checkedInput(where: string, action: AnyAction, written: JsonObject, scale: number): JsonObject {
  const { input, notDurations, writtenAs } = prepareInput(action.input, written, scale);
  if (notDurations.length > 0)
    throw new CompileError("PLAN_INVALID", `${where}: ${notDurations.join(", ")} is no duration`);
  const checked = action.input.safeParse(input);
  const issues = checked.success ? [] : checked.error.issues;
  const wrong = issues.find(
    (issue) =>
      !hasTemplate(
        valueAt(
          input,
          issue.path.map((part) => (typeof part === "number" ? part : String(part))),
        ),
      ),
  );
  if (wrong !== undefined) {
    const [key, ...rest] = wrong.path.map(String);
    const field = [writtenAs[key ?? ""] ?? key, ...rest].join(".");
    throw new CompileError(
      "PLAN_INVALID",
      `${where}: ${action.name} does not take ${field || "this input"}: ${wrong.message}`,
    );
  }
  return input;
}
