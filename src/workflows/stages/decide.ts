import { assertNever } from "../../contracts/json.ts";
import type { Ending, Episode } from "../episode.ts";
import { record } from "../proxies.ts";
import { waitUntil } from "../wait.ts";
import { overBeforeAct } from "./confirm.ts";

export type Decided = { next: "admit" | "approve" | "again" } | { next: "end"; ending: Ending };

/** The pure policy over facts read now, in one activity. It forecasts; only admission consumes. */
export async function decide(episode: Episode): Promise<Decided> {
  episode.enter("decide", "asking the guardrails");
  const { remediationId, target, reading } = episode;
  if (reading === null) throw new Error("decide before confirm");
  const reply = await record(`decide ${target.id}`)["remediation.decide"]({
    remediationId,
    target,
    alerts: episode.alerts(),
    reading,
    collected: episode.collected,
    collectDetail: episode.collectDetail,
    runbookHash: episode.requireClassification().runbookHash,
    catalogueVersion: episode.catalogueVersion,
  });
  if (reply.kind === "reclassified") {
    episode.classify({ ...reply, joinKey: episode.joinKey });
    return { next: "again" };
  }
  episode.catalogueVersion = reply.catalogueVersion;
  episode.view.verdict = { outcome: reply.verdict.outcome, reasons: reply.verdict.results };
  if (reply.kind === "decided") {
    episode.plan = reply.plan;
    episode.planHash = reply.planHash;
    episode.view.planHash = reply.planHash;
  }
  const worst = reply.verdict.results.filter((result) => result.outcome !== "pass");
  const because = worst.map((result) => `${result.code}: ${result.detail}`).join("; ");
  switch (reply.verdict.outcome) {
    case "act":
      return { next: "admit" };
    case "review":
      return { next: "approve" };
    case "wait": {
      const until = worst.map((result) => result.until ?? "").sort().at(-1) ?? "";
      return waitAndAskAgain(episode, because, until);
    }
    case "observe":
      return { next: "end", ending: { outcome: "observed", because, needsHuman: false, escalate: false } };
    case "refuse":
      return { next: "end", ending: { outcome: "refused", because, needsHuman: true, escalate: true } };
    default:
      return assertNever(reply.verdict.outcome, "verdict");
  }
}

/** What a guardrail waits for is hinted by the watcher; without a hint it is looked at again at this interval. */
const LOOK_AGAIN_MS = 60 * 60_000;

async function waitAndAskAgain(episode: Episode, because: string, until: string): Promise<Decided> {
  const about = `${episode.remediationId}/decide`;
  const ms = until === "" ? LOOK_AGAIN_MS : Math.max(1_000, Date.parse(until) - Date.now());
  episode.say(`waiting: ${because}`, { for: because, since: new Date(Date.now()).toISOString(), until: until || null });
  const wake = (): boolean => episode.desk.hasHint(about) || overBeforeAct(episode) !== null;
  await waitUntil(wake, ms, `wait: ${because}`);
  episode.desk.takeHint(about);
  return { next: "again" };
}
