import type { Ending, Episode } from "../episode.ts";
import { people, record } from "../proxies.ts";
import { waitUntil } from "../wait.ts";
import { overBeforeAct } from "./confirm.ts";

/**
 * Asks a person about the exact plan. Null: approved, so everything is confirmed and decided again (law 4: an approval
 * allows, it does not overrule).
 */
export async function approve(episode: Episode): Promise<Ending | null> {
  const plan = episode.requirePlan();
  const planHash = episode.planHash ?? "";
  const { roles, expiresMs, onTimeout } = plan.approval;
  const since = new Date(Date.now()).toISOString();
  const deadline = Date.now() + expiresMs;
  const expiresAt = new Date(deadline).toISOString();
  episode.view.approval = { needed: true, roles, expiresAt };
  const waitingFor = `approval by ${roles.join(" or ")} of plan ${planHash.slice(0, 12)}`;
  episode.enter("approve", `waiting for ${waitingFor}`);
  await tellApprovers(episode, waitingFor, expiresAt);
  try {
    for (;;) {
      episode.say(`waiting for ${waitingFor}`, { for: waitingFor, since, until: expiresAt });
      const { desk } = episode;
      const wake = (): boolean => desk.hasDecision() || desk.takeover.claimed() || overBeforeAct(episode) !== null;
      const woken = await waitUntil(wake, deadline - Date.now(), `${waitingFor}, until ${expiresAt}`);
      const over = overBeforeAct(episode);
      if (over !== null) return over;
      // A person took it over: whatever he does, it is confirmed and decided again afterwards.
      if (desk.takeover.claimed() && !desk.hasDecision()) return null;
      if (!woken) return expired(onTimeout, expiresAt);
      const ending = await takeDecision(episode, planHash);
      if (ending !== "more") return ending;
    }
  } finally {
    episode.view.approval = null;
  }
}

async function takeDecision(episode: Episode, planHash: string): Promise<Ending | null | "more"> {
  const decision = episode.desk.takeDecision();
  if (decision === null) return "more";
  const reason = decision.reason ?? "";
  const reply = await record(`${decision.decision} by ${decision.by}`)["remediation.decision"]({
    remediationId: episode.remediationId,
    planHash: decision.planHash,
    decision: decision.decision,
    by: decision.by,
    via: decision.via,
    reason,
    token: decision.token ?? null,
  });
  if (decision.planHash !== planHash) return "more";
  if (reply.status === "approved") return null;
  if (reply.status !== "rejected") return "more";
  const because = `rejected by ${decision.by}${reason === "" ? "" : `: ${reason}`}`;
  return { outcome: "rejected", because, needsHuman: false, escalate: false };
}

function expired(onTimeout: "escalate" | "refuse", at: string): Ending {
  const because = `the approval expired at ${at} and nobody decided`;
  return onTimeout === "escalate"
    ? { outcome: "escalated", because, needsHuman: true, escalate: true }
    : { outcome: "refused", because, needsHuman: false, escalate: false };
}

async function tellApprovers(episode: Episode, waitingFor: string, expiresAt: string): Promise<void> {
  const { id } = episode.target;
  const plan = episode.requirePlan();
  const key = `approval-${(episode.planHash ?? "").slice(0, 12)}`;
  await people(`ask for approval of ${id}`)
    ["remediation.notify"]({
      remediationId: episode.remediationId,
      key,
      route: "message",
      severity: plan.severity,
      title: `${id}: ${plan.runbook} needs an approval`,
      text: `Waits for ${waitingFor} until ${expiresAt}. selfheal remediation approve ${episode.remediationId}`,
    })
    .catch(() => undefined); // A notifier that is down must not stop the wait; the record says that it was not sent.
  await record(`${id} waits for approval`)["remediation.progress"]({
    remediationId: episode.remediationId,
    phase: "approve",
    doing: `waiting for ${waitingFor}`,
    until: expiresAt,
  });
}
