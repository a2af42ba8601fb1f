/**
 * The two ways back. `undo` takes back steps while nothing irreversible has happened; after the point of no return only
 * `finish` decides the safe state. Both last in, first out; both go on when one of them fails, and say so.
 */
import type { EffectDirection } from "../../contracts/ids.ts";
import type { JsonObject } from "../../contracts/json.ts";
import type { Episode, PerformedEffect } from "../episode.ts";
import { heldUntil } from "../held.ts";
import { waitUntil } from "../wait.ts";
import { performEffect, type EffectCall, type EffectEnd } from "./effect.ts";
import { effectPoint } from "./freeze.ts";
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

/**
 * Puts a healthy target back, gradually where the plan says so. Answers why not, when it got unhealthy on the way or a
 * person stopped it.
 */
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
      continue;
    }
    const stays = await mayGoBack(episode, effect);
    if (stays !== null) return stays;
    await takeBack(episode, effect, "finishHealthy");
  }
  for (const effect of [...episode.performed]) episode.dealtWith(effect);
  return null;
}

const RAMP = [25, 50, 100];

async function ramp(episode: Episode, effect: PerformedEffect, overMs: number): Promise<string | null> {
  for (const percent of RAMP) {
    const first = percent === RAMP[0];
    const stays = first
      ? await mayGoBack(episode, effect)
      : await rest(episode, effect, overMs / (RAMP.length - 1), `ramp of ${episode.target.id}, next ${percent} %`);
    const sick = stays ?? (first ? null : await sickness(episode));
    if (sick !== null) return sick;
    const input = { ...effect.input, percent };
    const end = await takeBack(episode, { ...effect, input }, "finishHealthy", String(percent));
    if (end.state !== "happened") return `restoring to ${percent} % failed: ${end.detail}`;
  }
  return null;
}

/** A pause of the ramp; the time that a person holds it does not count. */
async function rest(episode: Episode, effect: PerformedEffect, ms: number, summary: string): Promise<string | null> {
  const { desk } = episode;
  const over = episode.now() + ms;
  do {
    await waitUntil(() => desk.stop !== null || desk.takeover.claimed(), over - episode.now(), summary);
    const stays = await mayGoBack(episode, effect);
    if (stays !== null) return stays;
  } while (episode.now() < over);
  return null;
}

/** Why traffic does not come back after all, or null. What was proven before a person held it is proven anew (law 4). */
async function mayGoBack(episode: Episode, effect: PerformedEffect): Promise<string | null> {
  const call = { ...effect, direction: "finishHealthy" as const };
  const word = await heldUntil(episode, effectPoint(episode, call, "before"));
  const stop = episode.desk.stop;
  if (stop !== null) return stop.because;
  return word === null ? null : sickness(episode);
}

/** Why its traffic must not come back (further), or null. */
export async function sickness(episode: Episode): Promise<string | null> {
  const doing = "reading the probe while traffic comes back";
  const { readings, harmed } = await readAll(episode, [episode.requirePlan().probe], doing);
  const bad = readings.find((reading) => reading.state !== "healthy");
  return bad === undefined || episode.vouched !== null ? harmed : `${bad.state} while traffic came back: ${bad.reason}`;
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
  const end = await vouchedOrPerformed(episode, call);
  if (end.state !== "happened") {
    episode.problem(`${direction} of ${step.uses} (${rung}/${step.id}) on ${episode.target.id} ${saying(end)}`);
  }
  return end;
}

async function vouchedOrPerformed(episode: Episode, call: EffectCall): Promise<EffectEnd> {
  // Before traffic comes back, `mayGoBack` has asked.
  const before = call.direction === "finishHealthy" ? null : effectPoint(episode, call, "before");
  const word = before === null ? null : await heldUntil(episode, before);
  if (word?.command === "skip") return { state: "skipped", left: "nothing", detail: word.said };
  if (word?.command === "markDone") return { state: "happened", result: word.result, detail: word.said };
  return performEffect(episode, call);
}

function saying(end: Exclude<EffectEnd, { state: "happened" }>): string {
  return end.state === "skipped" ? `was ${end.detail}` : `failed: ${end.detail}`;
}
