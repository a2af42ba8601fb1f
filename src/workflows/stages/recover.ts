/**
 * Stage 0 (design §3): an episode of the target that ended without closing, because its workflow was terminated or its
 * code crashed. What it had started is read back, taken back or finished, and it is closed; a person is told. May end in
 * the middle and begin again: every effect has the key that the gone run would have used.
 */
import { workflowInfo } from "@temporalio/workflow";
import type { PastEffect, PastEpisode } from "../../contracts/activities.ts";
import { faultKey } from "../../contracts/ids.ts";
import type { RecoverMessage } from "../../contracts/messages.ts";
import type { Plan } from "../../contracts/plan.ts";
import type { RemediationView } from "../../contracts/remediation.ts";
import type { TargetRef } from "../../contracts/target.ts";
import { setAttributes } from "../attributes.ts";
import type { Desk } from "../desk.ts";
import { Episode, type Ending } from "../episode.ts";
import { messageOf } from "../failure.ts";
import { Inbox } from "../inbox.ts";
import { performEffect, sentUntil, type PastApply } from "../interpreter/effect.ts";
import * as pasts from "../interpreter/past.ts";
import { sickness } from "../interpreter/unwind.ts";
import { record } from "../proxies.ts";
import { waitUntil } from "../wait.ts";
import { putBack, toSafeState } from "./act.ts";
import { close } from "./close.ts";

/**
 * Called between two episodes only: whatever is open in the record then has no run any more (law 8). False: something
 * is open and must not be touched; a person was told.
 */
export async function recover(
  target: TargetRef,
  desk: Desk,
  view: RemediationView,
  order: RecoverMessage | null,
): Promise<boolean> {
  const { workflowId, runId } = workflowInfo();
  const request = { target, workflowId, runId, order };
  const reply = await record(`look for an unclosed remediation of ${target.id}`)["remediation.unclosed"](request);
  if (reply.kind !== "unclosed") return reply.kind === "nothing";
  // It is on its way to its safe state already: nobody can cancel it or take it over.
  desk.takeover.shut();
  const episode = episodeOf(reply.past, target, desk, view);
  await close(episode, await settle(episode, reply.past), "settled");
  desk.takeover.clear();
  return true;
}

/** With an inbox of its own: its close must not settle what waits for the next episode. */
function episodeOf(past: PastEpisode, target: TargetRef, desk: Desk, view: RemediationView): Episode {
  const { remediationId, runbook, plan, planHash, catalogueVersion } = past;
  const joinKey = remediationId;
  const faults = past.alerts.map((alert) => {
    return { key: faultKey(alert), alert, resolved: false, remediationId, joinKey };
  });
  const inbox = new Inbox({ faults, decided: [], dropped: 0 });
  const episode = new Episode({ remediationId, joinKey }, target, inbox, desk, view);
  Object.assign(episode, { plan, planHash, catalogueVersion });
  Object.assign(view, { runbook, planHash });
  setAttributes({
    SelfhealRemediationId: remediationId,
    SelfhealTarget: `${target.kind}/${target.id}`,
    SelfhealOutcome: "open",
    SelfhealRunbook: runbook ?? "none",
  });
  return episode;
}

/** A bug in here ends in a close too (law 12): what is not settled keeps its leases. */
async function settle(episode: Episode, past: PastEpisode): Promise<Ending> {
  const told: string[] = [];
  try {
    return await bringBack(episode, past, told);
  } catch (error) {
    episode.problem(`a bug in selfheal: ${messageOf(error)}`);
    const because = [pasts.tellPast(past, told), "not all of it was settled", ...episode.problems].join("; ");
    return { outcome: "failed", because, needsHuman: true, escalate: true };
  }
}

async function bringBack(episode: Episode, past: PastEpisode, told: string[]): Promise<Ending> {
  const { plan, effects } = past;
  episode.enter("recover", "settling what a workflow that is gone had started");
  for (const { action, rung, step, direction, state } of pasts.strangers(plan, effects)) {
    episode.problem(`${action} ${direction} (${rung}/${step}, ${state}) is of another plan: nobody has settled it`);
  }
  if (plan !== null) await settleSteps(episode, plan, effects, told);
  const why = pasts.tellPast(past, told);
  const puttingBack = pasts.wasPuttingBack(effects);
  await settleWaysBack(episode, effects, puttingBack);
  if (!puttingBack) return toSafeState(episode, false, why);
  const sick = await sickness(episode);
  if (sick !== null) return toSafeState(episode, false, `${why}; ${sick}`);
  const ending = await putBack(episode);
  return { ...ending, because: `${why}; ${ending.because}` };
}

async function settleSteps(episode: Episode, plan: Plan, effects: PastEffect[], told: string[]): Promise<void> {
  for (const one of pasts.pastSteps(plan, effects)) {
    if (one.kind === "passage") {
      await settlePassage(episode, plan, one.rung, one.step);
      continue;
    }
    const { apply, undo, step } = one.started;
    const undone = undo !== null && (await fateOf(episode, undo, false)).state === "happened";
    // Only what cannot be taken back, or must not be any more, is waited for to its end.
    const wait = step.risk === "irreversible" || episode.pointOfNoReturn();
    const fate: pasts.Fate =
      undone && apply.state === "notHappened" ? { state: "nothing" } : await fateOf(episode, apply, wait);
    pasts.count(episode, one.started, fate, undone);
    told.push(pasts.tellFate(apply, fate, undone));
  }
}

/** What a gone run had sent to undo or finish must not come late, after the other way was taken. */
async function settleWaysBack(episode: Episode, effects: PastEffect[], puttingBack: boolean): Promise<void> {
  for (const effect of effects) {
    const { action, direction, rung, step } = effect;
    if (direction === "apply" || (direction === "undo" && !episode.pointOfNoReturn())) continue;
    const fate = await fateOf(episode, effect, true);
    // On the same way it is done once more, and told if that fails.
    const sameWay = direction === "finishOtherwise" || (direction === "finishHealthy" && puttingBack);
    if (sameWay || (fate.state !== "unknown" && fate.state !== "late")) continue;
    episode.problem(`nobody knows what became of ${direction} of ${action} (${rung}/${step}): ${fate.detail}`);
  }
}

/** A technician may have done his work while nobody looked. What cannot be read counts as done: nothing is undone then. */
async function settlePassage(episode: Episode, plan: Plan, rung: string, step: pasts.Started["step"]): Promise<void> {
  const reach = pasts.passageInput(episode, plan, rung, step);
  if (!reach.reached) return;
  const past: PastApply = { sentAt: 0, wait: false };
  const { input } = reach;
  const state =
    input === null
      ? "unknown"
      : (await performEffect(episode, { rung, step, direction: "apply", input, stoppable: false, past })).state;
  if (state === "happened" || state === "unknown") episode.passPointOfNoReturn();
}

async function fateOf(episode: Episode, effect: PastEffect, wait: boolean): Promise<pasts.Fate> {
  const found = pasts.stepOf(episode.plan, effect);
  if (found === null) return { state: "unknown", detail: "it is of another plan" };
  const { step, suffix } = found;
  const known = pasts.knownFate(effect, step, Date.now());
  if (known !== null) return known;
  const sentAt = Date.parse(effect.sentAt);
  const { rung, direction, action, input } = effect;
  episode.say(`reading back ${action} ${direction === "apply" ? "" : direction}`.trimEnd());
  // An activity of the gone run may be at it still: what it finds there now need not be its own.
  if (effect.state === "intent") {
    await waitUntil(() => false, sentUntil(step, sentAt) - Date.now(), `the gone run may still send ${action}`);
  }
  const call = { rung, step, direction, input, stoppable: false, past: { sentAt, wait } };
  return pasts.fateOf(await performEffect(episode, suffix === null ? call : { ...call, suffix }));
}
