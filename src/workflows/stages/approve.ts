import { approvalsText, awaitedApproval, quorumOf } from "../../contracts/ballot.ts";
import type { DecisionReply } from "../../contracts/activities.ts";
import type { PendingDecision } from "../desk.ts";
import type { Ending, Episode } from "../episode.ts";
import { people, record } from "../proxies.ts";
import { waitUntil } from "../wait.ts";
import { overBeforeAct } from "./confirm.ts";

/** When people are reminded, as parts of the time that a decision may take. Each is one message. */
const REMINDERS = [1 / 2, 7 / 8];

/**
 * Asks people about the exact plan. Null: approved, so everything is confirmed and decided again (law 4: an approval
 * allows, it does not overrule).
 */
export async function approve(episode: Episode): Promise<Ending | null> {
  const { roles, expiresMs, onTimeout } = episode.requirePlan().approval;
  const quorum = quorumOf(episode.requirePlan().approval);
  const since = Date.now();
  const asked = { since, deadline: since + expiresMs, expiresAt: new Date(since + expiresMs).toISOString() };
  episode.view.approval = { needed: true, roles, quorum, approvedBy: episode.approvedBy, expiresAt: asked.expiresAt };
  episode.enter("approve", `waiting for ${waitedFor(episode)}`);
  await tellApprovers(episode, "", waitedFor(episode), asked.expiresAt);
  await record(`${episode.target.id} waits for approval`)["remediation.progress"]({
    remediationId: episode.remediationId,
    phase: "approve",
    doing: `waiting for ${waitedFor(episode)}`,
    until: asked.expiresAt,
  });
  try {
    return await untilDecided(episode, asked, onTimeout);
  } finally {
    // Whoever spoke meanwhile hears that it came too late, and nothing of it counts for what is asked next.
    await takeAll(episode);
    episode.view.approval = null;
  }
}

interface Asked {
  since: number;
  deadline: number;
  expiresAt: string;
}

async function untilDecided(
  episode: Episode,
  { since, deadline, expiresAt }: Asked,
  onTimeout: "escalate" | "refuse",
): Promise<Ending | null> {
  const { desk } = episode;
  let reminders = REMINDERS.map((part) => Math.round(since + (deadline - since) * part));
  for (;;) {
    const waitingFor = waitedFor(episode);
    episode.say(`waiting for ${waitingFor}`, {
      for: waitingFor,
      since: new Date(since).toISOString(),
      until: expiresAt,
    });
    const wake = (): boolean => desk.hasDecision() || desk.takeover.claimed() || overBeforeAct(episode) !== null;
    const next = reminders[0] ?? deadline;
    const woken = await waitUntil(wake, next - Date.now(), `${waitingFor}, until ${expiresAt}`);
    const over = overBeforeAct(episode);
    if (over !== null) return over;
    if (woken && !desk.hasDecision()) return null; // A person took it over: it is confirmed and decided again afterwards.
    if (desk.hasDecision()) {
      const ending = await takeAll(episode);
      if (ending !== "more") return ending;
    } else if (reminders.length === 0 || Date.now() >= deadline) {
      return expired(episode, onTimeout, expiresAt);
    } else {
      // While no worker ran more than one may have come due: people are told once.
      reminders = reminders.filter((at) => at > Math.max(Date.now(), next));
      await tellApprovers(episode, `-reminder-${REMINDERS.length - reminders.length}`, waitingFor, expiresAt);
    }
  }
}

function waitedFor({ view, planHash }: Episode): string {
  return awaitedApproval({ ...(view.approval ?? { roles: [], quorum: 1, approvedBy: [] }), planHash });
}

/**
 * Everything on the desk, in its order. The first word that decides is the ending; the record answers all later ones
 * that they came too late.
 */
async function takeAll(episode: Episode): Promise<Ending | null | "more"> {
  let ending: Ending | null | "more" = "more";
  for (let said = episode.desk.takeDecision(); said !== null; said = episode.desk.takeDecision()) {
    const reply = await recordDecision(episode, said);
    if (ending === "more" && said.planHash === episode.planHash) ending = endingOf(episode, said, reply);
  }
  return ending;
}

function recordDecision(episode: Episode, said: PendingDecision): Promise<DecisionReply> {
  const { decision, by, via, planHash, reason = "", token = null } = said;
  const { remediationId } = episode;
  const request = { remediationId, planHash, decision, by, via, reason, token };
  return record(`${decision} by ${by}`)["remediation.decision"](request);
}

function endingOf({ view }: Episode, said: PendingDecision, reply: DecisionReply): Ending | null | "more" {
  if (view.approval !== null) view.approval.approvedBy = reply.approvedBy ?? [];
  if (reply.status === "approved") return null;
  if (reply.status !== "rejected") return "more";
  const because = `rejected by ${said.by}${said.reason === undefined || said.reason === "" ? "" : `: ${said.reason}`}`;
  return { outcome: "rejected", because, needsHuman: false, escalate: false };
}

function expired({ view }: Episode, onTimeout: "escalate" | "refuse", at: string): Ending {
  const { approvedBy, quorum } = view.approval ?? { approvedBy: [], quorum: 1 };
  const how = approvedBy.length === 0 ? "and nobody decided" : `with ${approvalsText(approvedBy, quorum)}`;
  const because = `the approval expired at ${at} ${how}`;
  return onTimeout === "escalate"
    ? { outcome: "escalated", because, needsHuman: true, escalate: true }
    : { outcome: "refused", because, needsHuman: false, escalate: false };
}

/** `which` distinguishes reminders. A notifier that is down must not stop the wait; the record says what was not sent. */
async function tellApprovers(episode: Episode, which: string, waitingFor: string, expiresAt: string): Promise<void> {
  const { id } = episode.target;
  const { runbook, severity } = episode.requirePlan();
  const what = which === "" ? "ask for" : "remind of the";
  await people(`${what} approval of ${id}`)
    ["remediation.notify"]({
      remediationId: episode.remediationId,
      // Told once for each time that people are asked: the same plan may be asked about again, after a takeover.
      key: `approval-${(episode.planHash ?? "").slice(0, 12)}-${expiresAt}${which}`,
      route: "message",
      severity,
      title: `${id}: ${runbook} ${which === "" ? "needs" : "still needs"} an approval`,
      text: `Waits for ${waitingFor} until ${expiresAt}. selfheal remediation approve ${episode.remediationId}`,
    })
    .catch(() => undefined);
}
