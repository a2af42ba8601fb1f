import type { Ending, Episode } from "../episode.ts";
import { climb } from "../interpreter/ladder.ts";
import { takeBaseline } from "../interpreter/harm.ts";
import { finishHealthy, finishOtherwise, unwind } from "../interpreter/unwind.ts";
import { readAll } from "../interpreter/verify.ts";
import { heldUntil, pointOfPhase } from "../held.ts";
import { record } from "../proxies.ts";
import { overBeforeAct } from "./confirm.ts";

/** Acts, and leaves the target in a safe state that it can name, whatever comes. */
export async function act(episode: Episode): Promise<Ending> {
  const over = await beforeFirst(episode);
  if (over !== null) return over;
  const end = await climb(episode);
  if (end.state !== "healed") return toSafeState(episode, end.state === "cancelled", end.detail);
  return putBack(episode);
}

/** Of a target that is healthy now. */
export async function putBack(episode: Episode): Promise<Ending> {
  await progress(episode, "healthy: putting it back");
  const sick = await finishHealthy(episode);
  if (sick !== null) return toSafeState(episode, episode.desk.stop !== null, sick);
  const healthy =
    episode.vouched === null ? "the probe held healthy" : `healthy by a person's word (${episode.vouched})`;
  const because = `${healthy} and the target is back in service`;
  return ended(episode, { outcome: "healed", because, needsHuman: false, escalate: false });
}

/** Null: the baseline is taken, and nobody holds it. */
async function beforeFirst(episode: Episode): Promise<Ending | null> {
  for (;;) {
    episode.enter("act", "taking the baseline");
    const baseline = await takeBaseline(episode);
    const claimed = episode.desk.takeover.claimed();
    const word = await heldUntil(episode, pointOfPhase(episode));
    const over = overBeforeAct(episode);
    if (over !== null) return over;
    if (!claimed) return baseline.ok ? null : unknown(baseline.detail);
    const notAnyMore = word === null ? null : await whyNotAfterHold(episode);
    if (notAnyMore !== null) return notAnyMore;
  }
}

/** Its leases are taken, so it does not go back to admission: law 4 asks the probe again, and the fence the rest. */
async function whyNotAfterHold(episode: Episode): Promise<Ending | null> {
  const { readings } = await readAll(episode, [episode.requirePlan().probe], "confirming again");
  const reading = readings[0];
  if (reading?.state === "unhealthy") return null;
  if (reading?.state !== "healthy") return unknown(reading?.reason ?? "no reading");
  const because = `the probe is healthy after it was held: ${reading.reason}`;
  return { outcome: "recovered", because, needsHuman: false, escalate: false };
}

function unknown(detail: string): Ending {
  return { outcome: "refused", because: `FACTS_UNAVAILABLE: ${detail}`, needsHuman: true, escalate: true };
}

/** Also the way out after a bug: what was performed is taken back or finished. */
export async function toSafeState(episode: Episode, cancelled: boolean, why: string): Promise<Ending> {
  await progress(episode, "bringing the target to its safe state");
  const kept = episode.pointOfNoReturn();
  const because = `${why}; ${kept ? await stayOut(episode) : await goBack(episode)}`;
  if (cancelled) return ended(episode, { outcome: "cancelled", because, needsHuman: kept, escalate: kept });
  return ended(episode, { outcome: "escalated", because, needsHuman: true, escalate: true });
}

async function stayOut(episode: Episode): Promise<string> {
  await finishOtherwise(episode);
  return "it stays out of service: traffic is not restored before it is proven healthy";
}

async function goBack(episode: Episode): Promise<string> {
  if (!episode.acted()) return "nothing was done";
  return (await unwind(episode)) ? "all was taken back" : "not all of it could be taken back";
}

/** A failed undo or finish is a page, whatever the outcome. */
function ended(episode: Episode, ending: Ending): Ending {
  if (episode.problems.length === 0) return ending;
  const because = [ending.because, ...episode.problems].join("; ");
  return { ...ending, because, needsHuman: true, escalate: true };
}

async function progress(episode: Episode, doing: string): Promise<void> {
  episode.enter("close", doing);
  const { remediationId } = episode;
  await record(doing)["remediation.progress"]({ remediationId, phase: "close", doing, until: null });
}
