/**
 * The first pass of an episode in one activity (ADR 42): open, confirm, decide and, where nothing is to be done, close. What
 * the stages write is gathered and saved in one transaction. Safe to repeat: until that transaction nothing stands in the
 * record but the open episode, and what it closed is found closed.
 */
import type { AssessReply, AssessRequest, ClosedAlready, DecideReply } from "../../contracts/activities.ts";
import { faultKey } from "../../contracts/ids.ts";
import { inSpan } from "../../ports/trace.ts";
import { whyNotPassed } from "../../contracts/verdict.ts";
import type { CloseRequest } from "../../record/api-episodes.ts";
import type { ActivityDependencies } from "../dependencies.ts";
import { decideRemediation } from "./decide.ts";
import { Draft } from "./draft.ts";
import { openRemediation } from "./open.ts";
import { confirmFault } from "./read.ts";

const STAGE = {
  open: { name: "open", kind: "internal" },
  confirm: { name: "confirm", kind: "internal" },
  decide: { name: "decide", kind: "internal" },
} as const;

export async function assess(deps: ActivityDependencies, request: AssessRequest): Promise<AssessReply> {
  const { remediationId, target, alerts } = request;
  const opened = await inSpan(STAGE.open, () => openRemediation(deps, request));
  // By itself: an earlier try of this call closed it and its reply was lost, or its workflow was reset to before it.
  if (opened.kind === "decidedBefore" && opened.remediationId === remediationId)
    return closedBefore(deps, remediationId);
  if (opened.kind !== "opened") return opened;
  deps.faultPoint?.("assess.opened");
  const draft = new Draft(deps.record, remediationId);
  const drafting = { ...deps, record: draft.over() };
  const { runbook, probe, runbookHash, catalogueVersion } = opened;
  const about = { remediationId, target, alerts };
  const toConfirm = { ...about, runbook, probe, catalogueVersion };
  const confirmed = await inSpan(STAGE.confirm, () => confirmFault(drafting, toConfirm));
  deps.faultPoint?.("assess.confirmed");
  const { reading, collected, detail: collectDetail } = confirmed;
  if (reading.state !== "unhealthy" || collected === null) {
    await draft.save(null);
    return { kind: "assessed", opened, confirmed, decided: null };
  }
  // By the one that is active by now, not by the one that opened it.
  const toDecide = { ...about, reading, collected, collectDetail, runbookHash, catalogueVersion: null };
  const decided = await inSpan(STAGE.decide, () => decideRemediation(drafting, toDecide));
  deps.faultPoint?.("assess.decided");
  const ending = endingOf(request, decided);
  const closed = await draft.save(ending);
  if (ending === null || closed === null || decided.kind !== "decided") {
    return { kind: "assessed", opened, confirmed, decided };
  }
  const { outcome, needsHuman, detail } = ending;
  const { planHash, verdict } = decided;
  return { kind: "closed", outcome, needsHuman, detail, runbook, planHash, verdict, auditHead: closed.auditHead };
}

/** Only what nobody is told of and nothing was taken for: the rest is the workflow's. */
function endingOf({ remediationId, alerts }: AssessRequest, decided: DecideReply): CloseRequest | null {
  if (decided.kind !== "decided" || decided.verdict.outcome !== "observe") return null;
  const detail = whyNotPassed(decided.verdict.results);
  return { remediationId, outcome: "observed", needsHuman: false, detail, faults: alerts.map(faultKey) };
}

async function closedBefore(
  deps: ActivityDependencies,
  remediationId: string,
): Promise<{ kind: "closed" } & ClosedAlready> {
  const row = await deps.record.find(remediationId);
  if (row === null || row.outcome === null)
    throw new Error(`the record says that ${remediationId} is closed, and not how`);
  const { outcome, needsHuman, detail, runbook, planHash } = row;
  // Closed already: it answers what closed it.
  const { auditHead } = await deps.record.close({ remediationId, outcome, needsHuman, detail, faults: [] });
  return { kind: "closed", outcome, needsHuman, detail, runbook, planHash, verdict: null, auditHead };
}
