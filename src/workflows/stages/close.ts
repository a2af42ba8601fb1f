import { SEVERITIES, severityOf, type Severity } from "../../contracts/alert.ts";
import type { Ending, Episode } from "../episode.ts";
import { setAttributes } from "../attributes.ts";
import { people, record } from "../proxies.ts";

/**
 * Tells people, records the outcome, releases the leases. Never cancelled: the whole workflow runs non-cancellable. False:
 * it is open still, because the record has effects that this run has not begun (it was reset); `settled`: all were looked at.
 */
export async function close(episode: Episode, ending: Ending, how: "run" | "settled" = "run"): Promise<boolean> {
  const { remediationId, target, view } = episode;
  view.needsHuman = ending.needsHuman;
  episode.enter("close", `${ending.outcome}: ${ending.because}`);
  // A gone run may have told its own end, and what is told once is not told again.
  if (shouldTell(ending)) await tell(episode, ending, how === "run" ? "end" : "settled");
  const faults = episode.faults().map((fault) => fault.key);
  const { unsettled = [] } = await record(`close ${target.id}: ${ending.outcome}`)["remediation.close"]({
    remediationId,
    outcome: ending.outcome,
    needsHuman: ending.needsHuman,
    detail: ending.because,
    faults,
    ...(how === "run" ? { began: [...episode.begun] } : {}),
  });
  if (unsettled.length > 0) return false;
  view.outcome = ending.outcome;
  view.step = null;
  setAttributes({ SelfhealOutcome: ending.outcome });
  episode.enter("closed", ending.because);
  episode.inbox.settle(faults);
  return true;
}

/** Nothing was done and nothing is needed: nobody is told. */
function shouldTell(ending: Ending): boolean {
  return ending.escalate || !["recovered", "observed", "refused"].includes(ending.outcome);
}

/** Of the alerts themselves, where no plan was made. */
function worstSeverity(episode: Episode): Severity {
  const seen = episode.faults().map((fault) => severityOf(fault.alert.labels));
  return SEVERITIES.find((severity) => seen.includes(severity)) ?? "warning";
}

async function tell(episode: Episode, ending: Ending, key: "end" | "settled"): Promise<void> {
  const { remediationId, target, plan } = episode;
  const routes = plan?.finish.escalate;
  // Something was changed and is not well: somebody must look now, whatever the runbook says.
  const escalation = episode.acted() ? "page" : routes?.beforeEffect;
  const severity = plan?.severity ?? worstSeverity(episode);
  await people(`tell: ${target.id} ${ending.outcome}`)
    ["remediation.notify"]({
      remediationId,
      key,
      route: ending.escalate ? (escalation ?? "bySeverity") : "message",
      severity,
      title: `${target.id}: ${plan?.runbook ?? episode.view.runbook ?? "no runbook"} ${ending.outcome}${ending.needsHuman ? ", a person must look" : ""}`,
      text: `${ending.because}. selfheal remediation show ${remediationId}`,
    })
    .catch(() => undefined); // The record says that it was not sent; healing goes on.
}
