/** The two questions to the world. Neither rejects: what cannot be known now is `unknown`, and is asked for again. */
import { ActivityFailure } from "@temporalio/workflow";
import type { EffectRequest } from "../../contracts/activities.ts";
import type { EffectReport } from "../../contracts/effect.ts";
import type { PlanStep } from "../../contracts/plan.ts";
import { messageOf } from "../failure.ts";
import { effect, readBack } from "../proxies.ts";

/** Sends it once. */
export async function send(step: PlanStep, request: EffectRequest): Promise<EffectReport> {
  const { direction, target } = request;
  const verb = direction === "apply" ? "" : ` ${direction}`;
  const summary = `${step.uses}${verb} on ${target.id}`;
  try {
    return await effect(step.uses, direction, step.applyTimeoutMs, summary)(request);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    // The worker died or ran out of time in the middle: it may have happened.
    return { state: "unknown", detail: `no answer from the activity: ${messageOf(error)}` };
  }
}

/** Reads it back; changes nothing. */
export async function observe(request: EffectRequest): Promise<EffectReport> {
  try {
    return await readBack(`read back ${request.action} on ${request.target.id}`)["effect.observe"](request);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return { state: "unknown", detail: `cannot be read back: ${messageOf(error)}` };
  }
}
