/**
 * Finds the episode that a gone run of a target left open, and hands it over to be settled. Nothing is touched before it
 * is certain that the run has ended (design §3 law 2); then it is fenced first, so that an activity of it which is still
 * alive can begin no effect any more. Safe to repeat.
 */
import type { PastEffect, PastEpisode, UnclosedReply, UnclosedRequest } from "../../contracts/activities.ts";
import type { Alert } from "../../contracts/alert.ts";
import { faultKey } from "../../contracts/ids.ts";
import type { EffectRow } from "../../record/api-effects.ts";
import type { RemediationRow, RemediationStory } from "../../record/api.ts";
import type { ActivityDependencies } from "../dependencies.ts";
import { notifyOnce } from "./close.ts";

export async function findUnclosed(deps: ActivityDependencies, request: UnclosedRequest): Promise<UnclosedReply> {
  const { open } = await deps.record.target(request.target);
  if (open === null) return { kind: "nothing" };
  const seen = await runOf(deps, request, open);
  if (seen.ended === null) {
    await tellLost(deps, open, seen.detail);
    return { kind: "untouchable", remediationId: open.remediationId, detail: seen.detail };
  }
  const { remediationId, phase, doing } = open;
  await deps.record.orphanLeases(remediationId, `its workflow has ended: ${seen.ended}`);
  await deps.record.leaveQueue(remediationId);
  const { workflowId, runId, order } = request;
  const by = order?.remediationId === remediationId ? (order.by ?? null) : null;
  const body = { phase, doing, ended: seen.ended, workflowId, runId, by };
  // The first one says what it was at; a recovery may itself be recovered.
  await deps.record.append(remediationId, "recovering", "recovering", body);
  await deps.record.progress(remediationId, "recover", "settling what a workflow that is gone had started", null);
  const story = await deps.record.story(remediationId);
  if (story === null) throw new Error(`the record lists ${remediationId} and has no story of it`);
  return { kind: "unclosed", past: pastOf(story, seen.ended) };
}

/** A run that calls this stands between two episodes, so what it has open itself is gone too. */
async function runOf(
  deps: ActivityDependencies,
  request: UnclosedRequest,
  open: RemediationRow,
): Promise<{ ended: string } | { ended: null; detail: string }> {
  const { workflowId, runId, remediationId } = open;
  if (workflowId === request.workflowId && runId === request.runId) return { ended: "left open by this run" };
  const seen = await deps.run(workflowId, runId);
  if (seen.state === "closed") return { ended: seen.how };
  const order = request.order?.remediationId === remediationId ? request.order : null;
  if (seen.state === "notFound" && order?.by !== undefined) return { ended: `by the word of ${order.by}` };
  const detail =
    seen.state === "running"
      ? `its workflow ${workflowId} (run ${runId}) runs`
      : `Temporal does not know its workflow ${workflowId} (run ${runId}), which is no proof that it has ended`;
  return { ended: null, detail };
}

/** Its effects may not be settled: a person must find out. */
async function tellLost(deps: ActivityDependencies, open: RemediationRow, detail: string): Promise<void> {
  const { remediationId, target, severity } = open;
  const title = `${target.id}: remediation ${remediationId} is open in the record, and nobody works on it`;
  const text =
    `${detail}. Nothing was touched, and alerts of this target wait. ` +
    `Once it has ended for certain: selfheal remediation recover ${remediationId}`;
  const notice = { remediationId, key: "lost", route: "bySeverity", severity, title, text } as const;
  await notifyOnce(deps, notice).catch((error: unknown) => deps.log.error({ remediationId, err: error }, title));
}

function pastOf(story: RemediationStory, ended: string): PastEpisode {
  const { remediation, plan, effects, audit } = story;
  const first = audit.find((row) => row.kind === "recovering")?.body ?? {};
  const at = (name: "phase" | "doing"): string => {
    const said = first[name];
    return typeof said === "string" ? said : remediation[name];
  };
  return {
    remediationId: remediation.remediationId,
    runbook: remediation.runbook,
    group: remediation.group,
    doing: `${at("phase")}: ${at("doing")}`,
    ended,
    alerts: alertsOf(story),
    plan,
    planHash: remediation.planHash,
    catalogueVersion: remediation.catalogueVersion,
    effects: effects.map((effect) => toPast(effect, story)),
  };
}

/** One for each fault; the end of an alert is a row of its own. */
function alertsOf({ alerts }: RemediationStory): Alert[] {
  const found = new Map<string, Alert>();
  for (const { fingerprint, labels, startsAt, source, receivedAt } of alerts) {
    const few = Object.entries(labels).filter(([name]) => name === "alertname" || name === "severity");
    const what = { fingerprint, labels: Object.fromEntries(few), annotations: {}, startsAt, source, receivedAt };
    found.set(faultKey(what), { ...what, status: "firing", endsAt: null });
  }
  return [...found.values()];
}

function toPast(effect: EffectRow, { audit }: RemediationStory): PastEffect {
  const { key, rung, step, action, direction, state, request, result, detail, intentAt } = effect;
  const intents = audit.filter((row) => row.kind === "effectIntended" && row.body["key"] === key);
  const sentAt = intents.at(-1)?.at ?? intentAt;
  return { rung, step, action, direction, state, input: request, result, detail, intentAt, sentAt };
}
