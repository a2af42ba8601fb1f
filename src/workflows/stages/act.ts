import type { Ending, Episode } from "../episode.ts";
import { climb } from "../interpreter/ladder.ts";
import { takeBaseline } from "../interpreter/harm.ts";
import { finishHealthy, finishOtherwise, unwind } from "../interpreter/unwind.ts";
import { record } from "../proxies.ts";
import { overBeforeAct } from "./confirm.ts";

/** Acts, and leaves the target in a safe state that it can name, whatever comes. */
export async function act(episode: Episode): Promise<Ending> {
  episode.enter("act", "taking the baseline");
  const baseline = await takeBaseline(episode);
  const over = overBeforeAct(episode);
  if (over !== null) return over;
  if (!baseline.ok) {
    const because = `FACTS_UNAVAILABLE: ${baseline.detail}`;
    return { outcome: "refused", because, needsHuman: true, escalate: true };
  }
  const end = await climb(episode);
  if (end.state !== "healed") return toSafeState(episode, end.state === "cancelled", end.detail);
  return putBack(episode);
}

/** Of a target that is healthy now. */
export async function putBack(episode: Episode): Promise<Ending> {
  await progress(episode, "healthy: putting it back");
  const sick = await finishHealthy(episode);
  if (sick !== null) return toSafeState(episode, false, sick);
  const because = "the probe held healthy and the target is back in service";
  return ended(episode, { outcome: "healed", because, needsHuman: false, escalate: false });
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
