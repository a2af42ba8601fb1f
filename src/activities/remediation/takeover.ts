import type { CommandReply, CommandRequest, EffectRequest, HeldRequest } from "../../contracts/activities.ts";
import type { Command } from "../../contracts/remediation.ts";
import { whyUnknown } from "../../catalogue/people.ts";
import { mayBeUnsigned } from "./people.ts";
import type { ActivityDependencies } from "../dependencies.ts";
import { applyKeyOf, isAttempt, isUnsettled, keyOf } from "../effects.ts";

/** These change what the plan does or proves. Anybody whom selfheal.yaml names may stop it, and let it go on as planned. */
const NEEDS_ROLE: readonly Command[] = ["retry", "skip", "markDone"];

/** Law 14: who it is and whether he may is verified here, before the command counts. Safe to repeat. */
export async function recordCommand(deps: ActivityDependencies, request: CommandRequest): Promise<CommandReply> {
  const { remediationId, command, by, via, token, reason, at, stoodAt, effect, result } = request;
  const saved = await deps.record.plan(remediationId);
  const { catalogues } = deps;
  const catalogue = saved === null ? await catalogues.active() : await catalogues.version(saved.catalogueVersion);
  const roles = NEEDS_ROLE.includes(command) ? (saved?.plan.approval.roles ?? []) : null;
  const detail = await deps.record.command({
    remediationId,
    key: `command:${at}:${by}:${command}`,
    command,
    by,
    via,
    reason,
    token,
    unsigned: mayBeUnsigned(catalogue.approvals.unsigned, saved?.plan ?? null),
    ignoredBecause: request.ignoredBecause ?? whyUnknown(catalogue, by, roles),
    about: command === "markDone" ? { stoodAt, result } : { stoodAt },
  });
  if (detail !== null) return { status: "ignored", detail };
  if (effect !== null && (command === "skip" || command === "markDone")) await settleByWord(deps, request, effect);
  return { status: "counted", detail: "" };
}

/** The watcher need not look any more; what the person says is done stands in the record as done, by his word. */
async function settleByWord(deps: ActivityDependencies, request: CommandRequest, effect: EffectRequest): Promise<void> {
  const key = keyOf(effect);
  await deps.record.endWait(key);
  if (request.command !== "markDone" || !isAttempt(deps, effect)) return;
  const { remediationId, rung, step, action, direction, attempt } = effect;
  const intent = { key, remediationId, rung, step, action, direction, attempt, request: effect.input };
  const detail = `done by the word of ${request.by}${request.reason === "" ? "" : `: ${request.reason}`}`;
  await deps.record.vouchEffect(intent, request.result, detail);
  if (direction !== "undo") return;
  const undone = await deps.record.effect(applyKeyOf(effect));
  if (undone !== null && isUnsettled(undone)) {
    await deps.record.settleEffect(undone.key, "notHappened", null, `taken back ${detail} (${undone.detail})`);
  }
}

/** No deadline while it is held: nobody is paged for a person's time. */
export async function recordHeld(deps: ActivityDependencies, request: HeldRequest): Promise<void> {
  const { remediationId, phase, doing, by, since, reason, at, about, commands } = request;
  await deps.record.progress(remediationId, phase, doing, null);
  await deps.record.keepPlace(remediationId);
  const now = await deps.record.now();
  const body = { phase, by, since, reason, at, about, commands: [...commands] };
  await deps.record.append(remediationId, `held:${at}:${now}`, "held", body);
}
