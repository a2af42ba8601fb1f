import type { DecideReply } from "../../contracts/activities.ts";
import { assertNever } from "../../contracts/json.ts";
import { whyNotPassed } from "../../contracts/verdict.ts";
import type { Ending, Episode } from "../episode.ts";
import { record } from "../proxies.ts";

export type Decided = { next: "admit" | "approve" | "again" } | { next: "end"; ending: Ending };

/**
 * The pure policy over facts read now, in one activity. It forecasts; only admission consumes. `assessed`: what the first
 * look has just decided on the reading that confirm took from it.
 */
export async function decide(episode: Episode, assessed: DecideReply | null): Promise<Decided> {
  episode.enter("decide", "asking the guardrails");
  const reply = assessed ?? (await ask(episode));
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
    episode.approvedBy = reply.approvedBy ?? [];
  }
  const because = whyNotPassed(reply.verdict.results);
  switch (reply.verdict.outcome) {
    case "act":
    // What must wait asks for admission too: there it gets its place in the one queue, and is woken from there.
    case "wait":
      return { next: "admit" };
    case "review":
      return { next: "approve" };
    case "observe":
      return { next: "end", ending: { outcome: "observed", because, needsHuman: false, escalate: false } };
    case "refuse":
      return { next: "end", ending: { outcome: "refused", because, needsHuman: true, escalate: true } };
    default:
      return assertNever(reply.verdict.outcome, "verdict");
  }
}

function ask(episode: Episode): Promise<DecideReply> {
  const { remediationId, target, reading } = episode;
  if (reading === null) throw new Error("decide before confirm");
  return record(`decide ${target.id}`)["remediation.decide"]({
    remediationId,
    target,
    alerts: episode.alerts(),
    reading,
    collected: episode.collected,
    collectDetail: episode.collectDetail,
    runbookHash: episode.requireClassification().runbookHash,
    catalogueVersion: episode.catalogueVersion,
  });
}
