import type { ConfirmReply } from "../../contracts/activities.ts";
import type { Ending, Episode } from "../episode.ts";
import { record } from "../proxies.ts";
import { heldUntil, pointOfPhase } from "../held.ts";
import { waitUntil } from "../wait.ts";

/** A single failed reading is not yet "nobody knows": a monitoring restart must not send every alert to a person. */
const UNKNOWN_READINGS = 3;

/**
 * Is it true? Runs the runbook's own probe; healthy twice over the flap window is recovered, unknown is a person's,
 * unhealthy collects the evidence before anything is touched. Null: unhealthy, go on. `assessed`: what the first look has
 * just read, which is not read again.
 */
export async function confirm(episode: Episode, assessed: ConfirmReply | null): Promise<Ending | null> {
  let unknown = 0;
  let healthy = 0;
  for (let first = assessed; ; first = null) {
    // Also for who takes it while it is decided, approved or queued: released, all of that is done again (law 4).
    if ((await heldUntil(episode, pointOfPhase(episode))) !== null) unknown = healthy = 0;
    const { runbook, flapWindowMs } = episode.requireClassification();
    const over = overBeforeAct(episode);
    if (over !== null) return over;
    episode.enter("confirm", `asking the probe of ${runbook}`);
    const reply = first ?? (await read(episode));
    episode.reading = reply.reading;
    episode.collected = reply.collected;
    episode.collectDetail = reply.detail;
    const { state, reason } = reply.reading;
    // Evidence that cannot be read is asked for again like a reading; then `decide` refuses for want of it.
    const blind = state === "unhealthy" && reply.collected === null && ++unknown < UNKNOWN_READINGS;
    if (state === "unhealthy" && !blind) return overBeforeAct(episode);
    if (state === "healthy" && ++healthy > 1) {
      return { outcome: "recovered", because: `the probe is healthy: ${reason}`, needsHuman: false, escalate: false };
    }
    if (state === "unknown" && ++unknown >= UNKNOWN_READINGS) {
      return { outcome: "refused", because: `FACTS_UNAVAILABLE: ${reason}`, needsHuman: true, escalate: true };
    }
    const gap = state === "healthy" ? flapWindowMs : flapWindowMs / UNKNOWN_READINGS;
    episode.say(`${state}: ${blind ? reply.detail : reason}; asking once more`);
    const wake = (): boolean => overBeforeAct(episode) !== null || episode.desk.takeover.claimed();
    await waitUntil(wake, gap, `confirm again: ${state}`);
  }
}

function read(episode: Episode): Promise<ConfirmReply> {
  const { remediationId, target, catalogueVersion } = episode;
  const { runbook, probe } = episode.requireClassification();
  const request = { remediationId, runbook, target, probe, alerts: episode.alerts(), catalogueVersion };
  return record(`confirm ${target.id}`)["remediation.confirm"](request);
}

/** Before the first effect: the end of the alert, or a person's word, ends the episode. */
export function overBeforeAct(episode: Episode): Ending | null {
  const stop = episode.desk.stop;
  if (stop !== null) {
    return { outcome: "cancelled", because: stop.because, needsHuman: false, escalate: false };
  }
  if (!episode.allResolved()) return null;
  return {
    outcome: "recovered",
    because: "the alert was resolved before anything was done",
    needsHuman: false,
    escalate: false,
  };
}
