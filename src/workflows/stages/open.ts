import { workflowInfo } from "@temporalio/workflow";
import type { Ending, Episode } from "../episode.ts";
import { upsert } from "../episode.ts";
import { record } from "../proxies.ts";

/** How an episode may end before it became one. */
export type Opened =
  | { kind: "opened" }
  | { kind: "ending"; ending: Ending }
  /** Decided before, or sent elsewhere. */
  | { kind: "nothing" }
  /** An earlier episode of the target is still open in the record. */
  | { kind: "blocked" };

/** Writes the episode into the record under the partial unique index (law 8) and classifies its alerts. */
export async function open(episode: Episode): Promise<Opened> {
  const { workflowId, runId } = workflowInfo();
  episode.enter("open", "classifying the alert");
  const { remediationId, target } = episode;
  upsert({
    SelfhealRemediationId: remediationId,
    SelfhealTarget: `${target.kind}/${target.id}`,
    SelfhealOutcome: "open",
  });
  const request = { remediationId, target, workflowId, runId, alerts: episode.alerts() };
  const reply = await record(`open ${target.id}`)["remediation.open"](request);
  switch (reply.kind) {
    case "opened": {
      const { runbook, runbookHash, joinKey, probe, flapWindowMs } = reply;
      episode.classify({ runbook, runbookHash, joinKey, probe, flapWindowMs });
      upsert({ SelfhealRunbook: runbook, SelfhealGroup: reply.group, SelfhealSeverity: reply.severity });
      return { kind: "opened" };
    }
    case "refused": {
      episode.view.verdict = { outcome: "refuse", reasons: reply.results };
      const because = reply.results.map((result) => `${result.code}: ${result.detail}`).join("; ");
      return { kind: "ending", ending: { outcome: "refused", because, needsHuman: true, escalate: true } };
    }
    case "otherOpen":
      return { kind: "blocked" };
    case "decidedBefore":
    case "rerouted":
      return { kind: "nothing" };
  }
}
