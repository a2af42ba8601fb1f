/**
 * What a gone run had started, from its plan and the record's rows. Pure: which rows must be looked at once more, and how
 * what was seen counts. `stages/recover.ts` does the looking.
 */
import type { PastEffect, PastEpisode } from "../../contracts/activities.ts";
import { assertNever, isJsonObject, type JsonObject } from "../../contracts/json.ts";
import type { Plan, PlanStep } from "../../contracts/plan.ts";
import type { Episode, PerformedEffect } from "../episode.ts";
import { resolveReferences } from "../references.ts";
import { sentUntil, type EffectEnd } from "./effect.ts";

/** Of one effect, once it was looked at. `partly`: it failed or is on its way, so something may have come of it. */
export type Fate =
  | { state: "happened"; result: JsonObject }
  | { state: "nothing" }
  | { state: "partly" | "unknown" | "late"; detail: string };

export interface Started extends PerformedEffect {
  apply: PastEffect;
  undo: PastEffect | null;
}

/** A step of a rung in the plan's order: an effect that was begun, or the waiting for others that may have been reached. */
export type PastStep = { kind: "effect"; started: Started } | { kind: "passage"; rung: string; step: PlanStep };

export function pastSteps(plan: Plan, effects: readonly PastEffect[]): PastStep[] {
  return plan.rungs.flatMap(({ name: rung, steps }) =>
    steps.flatMap((step): PastStep[] => {
      if (step.risk === "read") return step.pointOfNoReturn ? [{ kind: "passage", rung, step }] : [];
      const mine = effects.filter((effect) => effect.rung === rung && effect.step === step.id);
      const apply = mine.find((effect) => effect.direction === "apply");
      if (apply === undefined) return [];
      const undo = mine.find((effect) => effect.direction === "undo") ?? null;
      return [{ kind: "effect", started: { rung, step, input: apply.input, apply, undo } }];
    }),
  );
}

/** Rows that the plan in force has no step for: a reset made another plan of the same episode. */
export function strangers(plan: Plan | null, effects: readonly PastEffect[]): PastEffect[] {
  return effects.filter((effect) => stepOf(plan, effect) === null && effect.state !== "notHappened");
}

/** The step of a row, also of one level of a ramp. */
export function stepOf(plan: Plan | null, effect: PastEffect): { step: PlanStep; suffix: string | null } | null {
  const [id = "", suffix = null] = effect.step.split("@");
  const rung = plan?.rungs.find(({ name }) => name === effect.rung);
  const step = rung?.steps.find((one) => one.id === id);
  return step === undefined ? null : { step, suffix };
}

/**
 * What the record is certain of; null: it must be read back. `did not happen` is certain only once a request of the gone
 * run can no longer be sent and take effect (design §3 law 6).
 */
export function knownFate(effect: PastEffect, step: PlanStep, nowMs: number): Fate | null {
  switch (effect.state) {
    case "happened":
      return { state: "happened", result: effect.result ?? {} };
    case "failed":
      return { state: "partly", detail: effect.detail };
    case "notHappened":
      return nowMs >= sentUntil(step, Date.parse(effect.sentAt)) + step.lifeMs ? { state: "nothing" } : null;
    case "intent":
    case "pending":
    case "unknown":
      return null;
    default:
      return assertNever(effect.state, "effect state");
  }
}

export function fateOf(end: EffectEnd): Fate {
  switch (end.state) {
    case "happened":
      return { state: "happened", result: end.result };
    case "fenced":
    case "refused":
      return { state: "nothing" };
    case "failed":
    case "stopped":
    case "skipped":
      return { state: "partly", detail: end.detail };
    case "unknown":
      return { state: "unknown", detail: end.detail };
    case "deadline":
      return { state: "late", detail: end.detail };
  }
}

/** What may have happened waits to be taken back or finished, what nobody knows is a problem for a person. */
export function count(episode: Episode, started: Started, fate: Fate, undone: boolean): void {
  const { rung, step, input } = started;
  if (fate.state === "nothing" && !undone) return;
  const effect: PerformedEffect = { rung, step, input };
  episode.began(effect);
  if (fate.state === "happened") {
    episode.results[step.id] = fate.result;
    if (step.pointOfNoReturn) episode.passPointOfNoReturn();
  }
  if (undone) episode.dealtWith(effect);
  else if (fate.state === "unknown") {
    episode.problem(`nobody knows whether ${step.uses} (${rung}/${step.id}) happened: ${fate.detail}`);
  } else if (fate.state === "late") {
    episode.problem(`${step.uses} (${rung}/${step.id}) has not come to its end: ${fate.detail}`);
  }
}

/**
 * Whether the waiting for others may have been reached: every effect before it in its rung had happened. Then its input,
 * or null when that cannot be put together any more.
 */
export function passageInput(
  episode: Episode,
  plan: Plan,
  rung: string,
  step: PlanStep,
): { reached: false } | { reached: true; input: JsonObject | null } {
  const steps = plan.rungs.find(({ name }) => name === rung)?.steps ?? [];
  const before = steps.slice(0, steps.indexOf(step)).filter((one) => one.risk !== "read");
  if (before.some((one) => episode.results[one.id] === undefined)) return { reached: false };
  try {
    const input = resolveReferences(step.with, episode.results);
    return { reached: true, input: isJsonObject(input) ? input : null };
  } catch {
    // It needs what a step that only reads had said, and nobody wrote that down.
    return { reached: true, input: null };
  }
}

/** The target was proven healthy and on its way back into service, and nothing has turned it back since. */
export function wasPuttingBack(effects: readonly PastEffect[]): boolean {
  const begun = effects.filter((effect) => effect.direction === "finishHealthy").map((effect) => effect.intentAt);
  const since = begun.toSorted()[0];
  if (since === undefined) return false;
  const back = effects.filter(({ direction }) => direction === "undo" || direction === "finishOtherwise");
  return back.every((effect) => effect.intentAt < since);
}

/** `its workflow ended (TERMINATED) at "act: …", after it had started …`: for people. */
export function tellPast(past: PastEpisode, fates: readonly string[]): string {
  const what = fates.length === 0 ? "before it had started anything" : `after it had started ${fates.join(", ")}`;
  return `its workflow ended (${past.ended}) at "${past.doing}", ${what}`;
}

const WORDS: Record<Fate["state"], string> = {
  happened: "happened",
  nothing: "did not happen",
  partly: "not in full",
  unknown: "unknown",
  late: "not over",
};

export function tellFate(effect: PastEffect, fate: Fate, undone: boolean): string {
  return `${effect.action} (${undone ? "taken back before" : WORDS[fate.state]})`;
}
