/**
 * The two ways back. `undo` takes back steps while nothing irreversible has happened; after the point of no return only
 * `finish` decides the safe state. Both last in, first out; both go on when one of them fails, and say so.
 */
import type { EffectDirection } from "../../contracts/ids.ts";
import type { JsonObject } from "../../contracts/json.ts";
import type { Episode, PerformedEffect } from "../episode.ts";
import { pauseFor } from "../wait.ts";
import { performEffect, type EffectEnd } from "./effect.ts";
import { readAll } from "./verify.ts";

/** Takes back what was performed, of one rung or of all. False when one of it could not be taken back. */
export async function unwind(episode: Episode, rung?: string): Promise<boolean> {
  if (episode.pointOfNoReturn()) throw new Error("undo after the point of no return");
  let clean = true;
  for (const effect of [...episode.performed].reverse()) {
    if (rung !== undefined && effect.rung !== rung) continue;
    if (effect.step.undoable) clean = (await takeBack(episode, effect, "undo")).state === "happened" && clean;
    episode.dealtWith(effect);
  }
  return clean;
}

/** The safe state of a target that is not proven healthy: drained, also when traffic was on its way back. */
export async function finishOtherwise(episode: Episode): Promise<void> {
  for (const effect of [...episode.performed].reverse()) {
    if (effect.step.finish.otherwise) await takeBack(episode, effect, "finishOtherwise");
    episode.dealtWith(effect);
  }
}

/** Puts a healthy target back, gradually where the plan says so. Answers why not, when it got unhealthy on the way. */
export async function finishHealthy(episode: Episode): Promise<string | null> {
  const { restore, overMs } = episode.requirePlan().finish.healthy;
  const ramped = new Set<string>();
  for (const effect of [...episode.performed].reverse()) {
    const { step, input } = effect;
    if (!step.finish.healthy) continue;
    if (step.finish.ramped && restore === "ramp") {
      // Two rungs may have drained the same server: its traffic comes back once.
      const what = JSON.stringify([step.uses, input]);
      const sick = ramped.has(what) ? null : await ramp(episode, effect, overMs);
      if (sick !== null) return sick;
      ramped.add(what);
    } else await takeBack(episode, effect, "finishHealthy");
  }
  for (const effect of [...episode.performed]) episode.dealtWith(effect);
  return null;
}

const RAMP = [25, 50, 100];

async function ramp(episode: Episode, effect: PerformedEffect, overMs: number): Promise<string | null> {
  for (const percent of RAMP) {
    if (percent !== RAMP[0]) {
      await pauseFor(overMs / (RAMP.length - 1), `ramp of ${episode.target.id}, next ${percent} %`);
      const sick = await sickness(episode);
      if (sick !== null) return sick;
    }
    const input = { ...effect.input, percent };
    const end = await takeBack(episode, { ...effect, input }, "finishHealthy", String(percent));
    if (end.state !== "happened") return `restoring to ${percent} % failed: ${end.detail}`;
  }
  return null;
}

/** Why its traffic must not come back (further), or null. */
export async function sickness(episode: Episode): Promise<string | null> {
  const doing = "reading the probe while traffic comes back";
  const { readings, harmed } = await readAll(episode, [episode.requirePlan().probe], doing);
  const bad = readings.find((reading) => reading.state !== "healthy");
  return bad === undefined ? harmed : `${bad.state} while traffic came back: ${bad.reason}`;
}

async function takeBack(
  episode: Episode,
  effect: PerformedEffect,
  direction: Exclude<EffectDirection, "apply">,
  suffix?: string,
): Promise<EffectEnd> {
  const { rung, step } = effect;
  const input: JsonObject = effect.input;
  episode.say(`${direction} of ${step.uses} on ${episode.target.id}`);
  const call = { rung, step, direction, input, stoppable: false, ...(suffix === undefined ? {} : { suffix }) };
  const end = await performEffect(episode, call);
  if (end.state !== "happened") {
    episode.problem(`${direction} of ${step.uses} (${rung}/${step.id}) on ${episode.target.id} failed: ${end.detail}`);
  }
  return end;
}
