import type { OpenReply, OpenRequest } from "../../contracts/activities.ts";
import type { Alert } from "../../contracts/alert.ts";
import { severityOf } from "../../contracts/alert.ts";
import { faultKey } from "../../contracts/ids.ts";
import { UNKNOWN_KIND, type TargetRef } from "../../contracts/target.ts";
import { resultOf, type Classification } from "../../catalogue/classify.ts";
import type { Catalogue } from "../../catalogue/catalogue.ts";
import type { ActivityDependencies } from "../dependencies.ts";
import { classifiedBy } from "./classified.ts";

/** Classifies with the active catalogue and opens the episode in the record. Safe to repeat. */
export async function openRemediation(deps: ActivityDependencies, request: OpenRequest): Promise<OpenReply> {
  const alert = request.alerts[0];
  if (alert === undefined) throw deps.refuse("an episode needs an alert");
  const catalogue = await deps.catalogues.active();
  const classified = classifiedBy(catalogue, alert);
  const belongs = targetOf(classified, alert);
  if (belongs.kind !== request.target.kind || belongs.id !== request.target.id) {
    await deps.reroute(belongs, request.alerts, classified.kind === "matched" ? classified.joinKey : belongs.id);
    deps.faultPoint?.("open.rerouted");
    return { kind: "rerouted", to: belongs };
  }
  const opened = await deps.record.open({
    remediationId: request.remediationId,
    target: request.target,
    workflowId: request.workflowId,
    runId: request.runId,
    runbook: classified.kind === "matched" ? classified.runbook.name : null,
    group: classified.kind === "matched" ? classified.target.group : "",
    owner: classified.kind === "matched" ? classified.target.owner : "",
    severity: severityOf(alert.labels),
    faults: request.alerts.map(faultKey),
    reopenAfterMs: classified.kind === "matched" ? classified.runbook.reopenAfterMs : null,
  });
  if (opened.kind !== "opened") return opened;
  if (classified.kind !== "matched") return refused(deps, request.remediationId, catalogue, alert, classified);
  return openedReply(catalogue, classified, alert);
}

function openedReply(
  catalogue: Catalogue,
  classified: Extract<Classification, { kind: "matched" }>,
  alert: Alert,
): OpenReply {
  const { runbook, target, joinKey, probe } = classified;
  return {
    kind: "opened",
    runbook: runbook.name,
    owner: target.owner,
    group: target.group,
    severity: severityOf(alert.labels),
    joinKey,
    probe,
    flapWindowMs: runbook.flapWindowMs,
    runbookHash: runbook.hash,
    catalogueVersion: catalogue.version,
  };
}

/** An alert whose target nobody can name has a stand-in of its own, so that a person is told durably. */
function targetOf(classified: Classification, alert: Alert): TargetRef {
  if (classified.kind === "matched") return { kind: classified.target.kind, id: classified.target.id };
  if (classified.kind === "unmatched" && classified.target !== null) return classified.target;
  return { kind: UNKNOWN_KIND, id: alert.fingerprint };
}

/** The record keeps what every runbook said to the labels. */
async function refused(
  deps: ActivityDependencies,
  remediationId: string,
  catalogue: Catalogue,
  alert: Alert,
  classified: Exclude<Classification, { kind: "matched" }>,
): Promise<OpenReply> {
  const results = [resultOf(catalogue, alert, classified)];
  const verdict = { outcome: "refuse" as const, results, at: await deps.record.now() };
  await deps.record.saveDecision(remediationId, verdict, null, null, catalogue.version);
  return { kind: "refused", results, severity: severityOf(alert.labels), group: "" };
}
