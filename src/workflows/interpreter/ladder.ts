/** The ladder: rungs in order, light first; a rung is its steps and its verification. */
import { effectKey } from "../../contracts/ids.ts";
import { isJsonObject, type JsonObject } from "../../contracts/json.ts";
import type { PlanRung, PlanStep } from "../../contracts/plan.ts";
import type { Episode, PerformedEffect } from "../episode.ts";
import { resolveReferences } from "../references.ts";
import { heldUntil } from "../held.ts";
import { performEffect, type EffectEnd, type EffectStop } from "./effect.ts";
import { effectPoint } from "./freeze.ts";
import { readHarm } from "./harm.ts";
import { unwind } from "./unwind.ts";
import { verify } from "./verify.ts";

/** `stop`: no further rung may be tried. `cancelled`: by a person. */
export type LadderEnd = { state: "healed" } | { state: "stop" | "cancelled"; detail: string };
type RungEnd = { state: "healed" | "next" | "stop" | "cancelled"; detail: string };

export async function climb(episode: Episode): Promise<LadderEnd> {
  const plan = episode.requirePlan();
  let detail = "the plan has no rungs";
  for (const rung of plan.rungs) {
    const end = await runRung(episode, rung);
    if (end.state === "healed") return { state: "healed" };
    if (end.state !== "next") return { state: end.state, detail: end.detail };
    detail = end.detail;
    // A rung that failed is taken back before the next one is tried, while that is still allowed.
    if (episode.pointOfNoReturn() || (await unwind(episode, rung.name))) continue;
    return { state: "stop", detail: `${detail}; it could not be taken back, so nothing else is tried` };
  }
  return { state: "stop", detail };
}

async function runRung(episode: Episode, rung: PlanRung): Promise<RungEnd> {
  for (const step of rung.steps) {
    const end = await runStep(episode, rung.name, step);
    if (end !== null) return end;
  }
  const verified = await verify(episode, rung.verify);
  if (verified.state === "healthy") return { state: "healed", detail: verified.detail };
  const detail = `rung "${rung.name}": ${verified.detail}`;
  return { state: verified.state === "unhealthy" ? "next" : verified.state, detail };
}

/** Null when the step is done and the rung goes on. */
async function runStep(episode: Episode, rung: string, step: PlanStep): Promise<RungEnd | null> {
  const input = resolveInput(step, episode.results);
  const effect: PerformedEffect = { rung, step, input };
  const call = { ...effect, direction: "apply" as const, stoppable: step.risk !== "irreversible" };
  const word = await heldUntil(episode, effectPoint(episode, call, "before"));
  const stop = episode.desk.stop;
  if (stop !== null) return { state: "cancelled", detail: stop.because };
  if (word?.command === "skip") return null;
  episode.view.step = `${rung}/${step.id}`;
  episode.enter("act", `${step.uses} on ${episode.target.id}`);
  if (step.risk !== "read") episode.began(effect);
  const end: EffectEnd =
    word?.command === "markDone"
      ? { state: "happened", result: word.result, detail: word.said }
      : await performEffect(episode, call);
  if (end.state === "skipped") return goOnWithout(episode, effect, end);
  if (end.state !== "happened") return failed(episode, effect, end.state, end.detail);
  episode.results[step.id] = end.result;
  if (step.pointOfNoReturn) episode.passPointOfNoReturn();
  const harmed = step.risk === "read" ? null : await readHarm(episode);
  return harmed === null ? null : { state: "stop", detail: harmed };
}

/** As if the step were not there; what it may have left stays noted, so that it is still taken back or finished. */
function goOnWithout(
  episode: Episode,
  effect: PerformedEffect,
  { left, detail }: Extract<EffectEnd, { state: "skipped" }>,
): null {
  const { rung, step } = effect;
  // It was begun: whoever waits for a technician does not know what he has done already.
  if (step.pointOfNoReturn) episode.passPointOfNoReturn();
  if (step.risk === "read") return null;
  if (left === "nothing") episode.cameToNothing(effect);
  if (left === "unsure") episode.problem(`nobody knows whether ${step.uses} (${rung}/${step.id}) happened: ${detail}`);
  return null;
}

function failed(episode: Episode, effect: PerformedEffect, state: EffectStop, reason: string): RungEnd {
  const { rung, step } = effect;
  const detail = `${step.uses} (${rung}/${step.id}): ${reason}`;
  if ((state === "fenced" || state === "refused") && step.risk !== "read") episode.cameToNothing(effect);
  if (state === "stopped") return { state: episode.desk.stop === null ? "stop" : "cancelled", detail };
  if (state === "unknown" && step.risk !== "read") {
    const key = effectKey({ remediationId: episode.remediationId, rung, step: step.id });
    episode.problem(`nobody knows whether ${step.uses} happened (${key}): ${reason}`);
    return { state: "stop", detail };
  }
  const stop = episode.desk.stop;
  if (stop !== null) return { state: "cancelled", detail: `${stop.because}; ${detail}` };
  if (state === "fenced") return { state: "stop", detail };
  return { state: step.onFail === "nextRung" ? "next" : "stop", detail };
}

function resolveInput(step: PlanStep, results: Record<string, JsonObject>): JsonObject {
  const input = resolveReferences(step.with, results);
  if (!isJsonObject(input)) throw new Error(`the input of step ${step.id} is not an object`);
  return input;
}
