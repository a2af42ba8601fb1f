/**
 * The first pass of an episode in one activity (ADR 42): opened in the record under the partial unique index (law 8),
 * confirmed and decided; and closed, where nothing is to be done. What must wait comes back and is the workflow's.
 */
import { workflowInfo } from "@temporalio/workflow";
import type { AssessReply, ClosedAlready, ConfirmReply, DecideReply } from "../../contracts/activities.ts";
import { faultKey } from "../../contracts/ids.ts";
import { setAsStarted, setAttributes } from "../attributes.ts";
import { showNotTaken, type Ending, type Episode } from "../episode.ts";
import { firstLook } from "../proxies.ts";

/** What the stages confirm and decide need not ask again. */
export interface FirstLook {
  confirmed: ConfirmReply;
  /** Null: nothing can be decided yet. */
  decided: DecideReply | null;
}

/** How an episode begins, or ends before it became one. */
export type Assessed =
  | ({ kind: "assessed" } & FirstLook)
  | { kind: "ending"; ending: Ending }
  /** Decided before, sent elsewhere, or closed by the very call. */
  | { kind: "nothing" }
  /** An earlier episode of the target is still open in the record. */
  | { kind: "blocked" };

export async function assess(episode: Episode): Promise<Assessed> {
  const { workflowId, runId } = workflowInfo();
  const { remediationId, target } = episode;
  setAsStarted({
    SelfhealRemediationId: remediationId,
    SelfhealTarget: `${target.kind}/${target.id}`,
    SelfhealPhase: "open",
    SelfhealOutcome: "open",
  });
  episode.enter("open", "opening it, asking the probe and the guardrails");
  const alerts = episode.alerts();
  const reply = await firstLook(`assess ${target.id}`)["remediation.assess"]({
    remediationId,
    target,
    workflowId,
    runId,
    alerts,
  });
  switch (reply.kind) {
    case "assessed":
      opened(episode, reply.opened);
      return reply;
    case "closed":
      showClosed(episode, reply);
      episode.inbox.settle(alerts.map(faultKey));
      return { kind: "nothing" };
    case "refused": {
      episode.view.verdict = { outcome: "refuse", reasons: reply.results };
      const because = reply.results.map((result) => `${result.code}: ${result.detail}`).join("; ");
      return { kind: "ending", ending: { outcome: "refused", because, needsHuman: true, escalate: true } };
    }
    case "otherOpen":
      return { kind: "blocked" };
    case "decidedBefore":
    case "rerouted":
      episode.inbox.settle(episode.faults().map((fault) => fault.key));
      return { kind: "nothing" };
  }
}

function opened(episode: Episode, reply: Extract<AssessReply, { kind: "assessed" }>["opened"]): void {
  const { runbook, runbookHash, joinKey, probe, flapWindowMs, group, severity } = reply;
  episode.classify({ runbook, runbookHash, joinKey, probe, flapWindowMs });
  setAttributes({ SelfhealRunbook: runbook, SelfhealGroup: group, SelfhealSeverity: severity });
}

/** Alerts that came meanwhile are of the next episode. */
function showClosed(
  episode: Episode,
  { outcome, needsHuman, detail, runbook, planHash, verdict }: ClosedAlready,
): void {
  const { view, desk } = episode;
  Object.assign(view, { outcome, needsHuman, runbook, planHash });
  if (verdict !== null) view.verdict = { outcome: verdict.outcome, reasons: verdict.results };
  setAttributes({ SelfhealOutcome: outcome, SelfhealRunbook: runbook ?? "none" });
  episode.enter("closed", detail);
  if (desk.stop !== null) showNotTaken(view, desk.stop.because, `it was closed already: ${outcome}`);
}
