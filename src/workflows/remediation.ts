/**
 * The remediation of one target: one workflow a target, one episode after the other (design §3). Alerts, decisions and
 * hints are pushed by synchronous handlers; this loop is the only one that acts.
 */
import {
  ApplicationFailure,
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import { WORDS } from "../contracts/ballot.ts";
import type { RemediationInput } from "../contracts/messages.ts";
import * as messages from "../contracts/messages.ts";
import type { RemediationView } from "../contracts/remediation.ts";
import type { TargetRef } from "../contracts/target.ts";
import { isClean } from "../contracts/text.ts";
import { writeAttributes } from "./attributes.ts";
import { Desk, isRecovery } from "./desk.ts";
import type { Ending } from "./episode.ts";
import { Episode, freshView, showNotTaken } from "./episode.ts";
import { messageOf } from "./failure.ts";
import { heldUntil, listenForCommands } from "./held.ts";
import { Inbox, type InboxState } from "./inbox.ts";
import { faultOfDecision, faultOfMeant, faultOfPerson } from "./person.ts";
import { people } from "./proxies.ts";
import { act, toSafeState } from "./stages/act.ts";
import { admit } from "./stages/admit.ts";
import { approve } from "./stages/approve.ts";
import { assess, type FirstLook } from "./stages/assess.ts";
import { close } from "./stages/close.ts";
import { confirm } from "./stages/confirm.ts";
import { decide } from "./stages/decide.ts";
import { recover } from "./stages/recover.ts";
import { waitUntil } from "./wait.ts";

/** A start whose signal has not come yet waits this long for it. */
const FIRST_SIGNAL_MS = 60_000;

export async function remediation(input: RemediationInput, carried?: InboxState): Promise<void> {
  // A start that names no target can do nothing, and would fail its workflow task for ever.
  if (!isTarget(input)) throw ApplicationFailure.nonRetryable("the start input names no target: {target: {kind, id}}");
  const inbox = new Inbox(carried);
  const desk = new Desk();
  const view = freshView(input.target);
  listen(inbox, desk, view);
  // A cancel from the Temporal CLI or Web UI is a person's cancel: it ends in a safe state, not in the middle.
  CancellationScope.current().cancelRequested.catch(() =>
    desk.cancel({ by: "temporal", reason: "workflow cancelled" }),
  );
  await CancellationScope.nonCancellable(async () => {
    const hasWork = (): boolean => inbox.hasWork() || inbox.hasNameless() || desk.hasRecovery();
    if (!hasWork()) await waitUntil(hasWork, FIRST_SIGNAL_MS, "the first alert");
    for (;;) {
      const order = desk.takeRecovery();
      if (order !== null) {
        await recover(input.target, desk, view, order);
        desk.clear();
        continue;
      }
      const fault = inbox.takeNameless();
      if (fault !== null) await tellNameless(input.target, fault);
      const first = inbox.first();
      if (first === null) {
        // They are synchronous: a condition would be promises for nothing, and the SDK keeps the stack of each.
        if (!allHandlersFinished()) await condition(allHandlersFinished);
        // Law 1: no await between this last look and the return.
        if (hasWork()) continue;
        writeAttributes();
        return;
      }
      await serve(() => new Episode(first, input.target, inbox, desk, view));
      desk.clear();
      if (inbox.hasWork() && workflowInfo().continueAsNewSuggested) {
        if (!allHandlersFinished()) await condition(allHandlersFinished);
        // What it carries has no place for an order: that is done first.
        if (desk.hasRecovery()) continue;
        writeAttributes();
        await continueAsNew<typeof remediation>(input, inbox.state());
      }
    }
  });
}

function isTarget(input: unknown): input is RemediationInput {
  const { target } = (input ?? {}) as Record<string, unknown>;
  const { kind, id } = (target ?? {}) as Record<string, unknown>;
  return [kind, id].every((name) => typeof name === "string" && name !== "" && isClean(name));
}

function listen(inbox: Inbox, desk: Desk, view: RemediationView): void {
  setHandler(messages.alertSignal, (message: unknown) => inbox.push(message));
  setHandler(messages.recoverSignal, (message) => {
    if (isRecovery(message)) desk.recover(message);
  });
  setHandler(messages.hintSignal, (message: unknown) => desk.hint(message));
  listenForDecisions(desk, view);
  setHandler(messages.cancelSignal, (message) => {
    const fault = faultOfCancel(desk, view, message);
    if (fault === null) desk.cancel(message);
    else showNotTaken(view, "cancel", fault);
  });
  setHandler(
    messages.cancelUpdate,
    (message) => {
      desk.cancel(message);
      return { accepted: true };
    },
    { validator: (message: messages.CancelMessage) => checkCancel(desk, view, message) },
  );
  listenForCommands(desk, view);
  setHandler(messages.stateQuery, () => view);
}

function listenForDecisions(desk: Desk, view: RemediationView): void {
  const { approveSignal, rejectSignal, withdrawSignal, approveUpdate, rejectUpdate, withdrawUpdate } = messages;
  const signals = { approve: approveSignal, reject: rejectSignal, withdraw: withdrawSignal };
  const updates = { approve: approveUpdate, reject: rejectUpdate, withdraw: withdrawUpdate };
  const validator = (message: messages.DecisionMessage): void => checkDecision(view, message);
  for (const word of WORDS) {
    setHandler(signals[word], (message) => {
      const fault = faultOfDecision(message) ?? faultOfMeant(view, message.remediationId);
      if (fault === null) desk.decide(word, message, "signal");
      else showNotTaken(view, word, fault);
    });
    const taken = (message: messages.DecisionMessage): { accepted: true } => {
      desk.decide(word, message, "update");
      return { accepted: true };
    };
    setHandler(updates[word], taken, { validator });
  }
}

/** Only shape, phase, hash and expiry (law 14): who it is, an activity verifies before the decision counts. */
function checkDecision(view: RemediationView, message: messages.DecisionMessage): void {
  const fault = faultOfDecision(message) ?? faultOfMeant(view, message.remediationId);
  if (fault !== null) throw new Error(fault);
  if (view.approval === null) {
    throw new Error(`${view.target.id} does not wait for an approval: it is in phase ${view.phase} (${view.doing})`);
  }
  if (message.planHash !== view.planHash) {
    throw new Error(
      `planHash: got ${message.planHash}, but the plan that waits for approval is ${view.planHash ?? "none"}`,
    );
  }
  if (view.approval.expiresAt !== null && Date.parse(view.approval.expiresAt) <= Date.now()) {
    throw new Error(`the approval expired at ${view.approval.expiresAt}`);
  }
}

function checkCancel(desk: Desk, view: RemediationView, message: messages.CancelMessage): void {
  const fault = faultOfCancel(desk, view, message);
  if (fault !== null) throw new Error(fault);
}

function faultOfCancel(desk: Desk, view: RemediationView, message: messages.CancelMessage): string | null {
  const { id } = view.target;
  const fault = faultOfPerson(message) ?? faultOfMeant(view, message.remediationId);
  if (fault !== null) return fault;
  if (view.outcome !== null) return `${id} is closed already: ${view.outcome}`;
  if (view.phase === "recover") return `${id} is on its way to its safe state already`;
  return desk.takeover.isShut() ? `${id} is being closed (${view.doing}): nothing is left to cancel` : null;
}

/** A signal that is no alert opens nothing; whoever sent it must hear of it, and the record knows no remediation for it. */
async function tellNameless(target: TargetRef, fault: string): Promise<void> {
  const { workflowId, runId } = workflowInfo();
  await people(`tell: a signal to ${target.id} is no alert`)
    ["remediation.notify"]({
      remediationId: runId,
      key: "nameless",
      route: "bySeverity",
      severity: "warning",
      title: `${target.id}: a signal that is no alert was left out`,
      text: `${fault}. Alerts come through selfheal's API; look who signals ${workflowId} himself`,
    })
    .catch(() => undefined); // Nothing else waits for it, and the worker's log has it.
}

/** Brings the target to its end for these alerts; an episode that stands in the way is recovered first. */
async function serve(makeEpisode: () => Episode): Promise<void> {
  for (;;) {
    const episode = makeEpisode();
    if ((await runEpisode(episode)) === "over") return;
    if (await recover(episode.target, episode.desk, episode.view, null)) continue;
    // Nobody may touch the target: a person knows, and the sweeper sends the alerts again once that is cleared.
    episode.inbox.settle(episode.faults().map((fault) => fault.key));
    return;
  }
}

/**
 * `blocked`: an earlier episode of the target is open still, or this very one has effects from before a reset, which must
 * be settled first.
 */
async function runEpisode(episode: Episode): Promise<"over" | "blocked"> {
  try {
    const ending = await stages(episode);
    if (ending === "blocked") return "blocked";
    return ending === null ? "over" : await closeUnlessHeld(episode, ending);
  } catch (error) {
    return closeUnlessHeld(episode, await endAfterBug(episode, error));
  }
}

/** The last freeze point; with it passed, and no await between, nobody can take the episode over any more. */
async function closeUnlessHeld(episode: Episode, ending: Ending): Promise<"over" | "blocked"> {
  const { takeover } = episode.desk;
  let because = ending.because;
  try {
    while (takeover.claimed()) {
      episode.say(`about to close as ${ending.outcome}: ${because}`);
      await heldUntil(episode, { at: "close", offers: ["release"], effect: null });
    }
  } catch (error) {
    // Law 12: what goes wrong while it is held must not keep it from being closed.
    because += `; a bug in selfheal: ${messageOf(error)}`;
  }
  takeover.shut();
  return (await close(episode, { ...ending, because })) ? "over" : "blocked";
}

/** Null: nothing is left to do (decided before, sent elsewhere, or closed with the first look). */
async function stages(episode: Episode): Promise<Ending | "blocked" | null> {
  const assessed = await assess(episode);
  if (assessed.kind === "nothing") return null;
  if (assessed.kind === "blocked") return "blocked";
  if (assessed.kind === "ending") return assessed.ending;
  for (let first: FirstLook | null = assessed; ; first = null) {
    const next = await towardsAct(episode, first);
    if (next === "act") return act(episode);
    // Who took it over meanwhile holds it before it ends, and it is confirmed again; a person's no stays a no.
    const held = episode.desk.takeover.claimed() && next !== "again" && next.outcome !== "rejected";
    if (next !== "again" && !held) return next;
  }
}

/** `again`: after a wait everything is confirmed again (law 4). */
async function towardsAct(episode: Episode, first: FirstLook | null): Promise<Ending | "again" | "act"> {
  const over = await confirm(episode, first?.confirmed ?? null);
  if (over !== null) return over;
  const decided = await decide(episode, first?.decided ?? null);
  if (decided.next === "end") return decided.ending;
  if (decided.next === "again" || episode.desk.takeover.claimed()) return "again";
  if (decided.next === "approve") return (await approve(episode)) ?? "again";
  const admitted = await admit(episode);
  return admitted.next === "end" ? admitted.ending : admitted.next;
}

/** Law 12: every bug ends in a safe state, a close and an escalation. */
async function endAfterBug(episode: Episode, error: unknown): Promise<Ending> {
  const message = messageOf(error);
  episode.problem(`a bug in selfheal: ${message}`);
  try {
    if (episode.touched()) return { ...(await toSafeState(episode, false, `a bug: ${message}`)), outcome: "failed" };
  } catch (again) {
    episode.problem(`the safe state was not reached: ${messageOf(again)}`);
  }
  return { outcome: "failed", because: episode.problems.join("; "), needsHuman: true, escalate: true };
}
