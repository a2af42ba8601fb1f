/**
 * The effect wrapper, the only way to act (design §3): intent and undo are recorded, the fence is looked at, `apply`
 * submits once, the world is read back, the answer is recorded. Never throws for what an adapter says: the report
 * carries it. A throw means that the record is away or the process is dying, and the workflow then reads back.
 */
import type { EffectActivity, EffectRequest } from "../contracts/activities.ts";
import { effectActivityName } from "../contracts/activities.ts";
import { WRAPPER_MS, type EffectReport, type EffectState } from "../contracts/effect.ts";
import type { EffectDirection } from "../contracts/ids.ts";
import { effectKey } from "../contracts/ids.ts";
import { assertNever, type JsonObject } from "../contracts/json.ts";
import { whyStrange } from "../contracts/plan.ts";
import type { TargetRef } from "../contracts/target.ts";
import type { AnyAction, EffectContext, Observation, Operation } from "../ports/action.ts";
import { AdapterError } from "../ports/failure.ts";
import type { EffectRow, SettleTimes } from "../record/api-effects.ts";
import type { ActivityDependencies } from "./dependencies.ts";

const DIRECTIONS: readonly EffectDirection[] = ["apply", "undo", "finishHealthy", "finishOtherwise"];

/** All effect activities: one an action and direction that the action has. */
export function effectActivities(deps: ActivityDependencies): Record<string, EffectActivity> {
  const activities: Record<string, EffectActivity> = {};
  for (const action of Object.values(deps.actions)) {
    for (const direction of DIRECTIONS) {
      if (operationOf(action, direction)?.apply === undefined) continue;
      activities[effectActivityName(action.name, direction)] = (request) => performEffect(deps, request);
    }
  }
  return activities;
}

export async function performEffect(deps: ActivityDependencies, request: EffectRequest): Promise<EffectReport> {
  const passed = stopwatch();
  const prepared = prepare(deps, request);
  if (!prepared.ok) return prepared.report;
  const stranger = request.direction === "apply" ? await strangePlan(deps, request.remediationId) : null;
  if (stranger !== null) return unknownHere(stranger);
  const { operation, input } = prepared;
  const another = await doneByAnother(deps, request, prepared);
  if (another !== null) return another;
  const key = keyOf(request);
  const { remediationId, rung, step, action, direction, attempt } = request;
  deps.faultPoint?.(`effect.${direction}.begun`, action);
  const fence = await deps.record.beginEffect({
    key,
    remediationId,
    rung,
    step,
    action,
    direction,
    attempt,
    request: request.input,
  });
  if (!fence.ok) return { state: "fenced", code: fence.code, detail: fence.detail };
  const context = contextOf(deps, request, fence.row, await deps.record.now());
  const lookedAt = context.now;
  const sinceNow = stopwatch();
  // The intent stood there already (a reset, a second apply), or the record was restored to an older state and has
  // forgotten it: what is done is not done again.
  if (!fence.fresh || request.attempt > 1) {
    const seen = await look(operation, context, input);
    if (seen.state !== "notHappened") return settle(deps, request, seen, { lookedAt });
  }
  // Sent now it could be under way when its workflow has given it up: sent anew, or taken back.
  if (passed() > WRAPPER_MS) {
    const detail = `not sent: it took ${Math.round(passed() / 1_000)} s to get as far as that`;
    return { state: "notSent", detail, retryAfterMs: null };
  }
  deps.faultPoint?.(`effect.${direction}.intended`, action);
  try {
    await operation.apply?.(context, input);
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    const refused = reportOf(error);
    if (refused !== null) return settle(deps, request, refused, { lookedAt });
  }
  const actedAt = new Date(Date.parse(context.now) + sinceNow()).toISOString();
  deps.faultPoint?.(`effect.${direction}.applied`, action);
  const seen = await look(operation, context, input);
  deps.faultPoint?.(`effect.${direction}.seen`, action);
  const report = await settle(deps, request, seen, { actedAt, lookedAt });
  deps.faultPoint?.(`effect.${direction}.settled`, action);
  return report;
}

/** Reads one effect back and records what was seen. Rejects when it cannot be read: the caller tries again. */
export async function observeEffect(deps: ActivityDependencies, request: EffectRequest): Promise<EffectReport> {
  const prepared = prepare(deps, request);
  if (!prepared.ok) throw deps.notByMe(prepared.report.detail);
  const { operation, input } = prepared;
  const row = await deps.record.effect(keyOf(request));
  // Nothing is sent without an intent, so whatever is there to see is not ours.
  if (row === null && isAttempt(deps, request)) {
    return { state: "notHappened", detail: "its intent was never recorded: nothing was sent", unsent: true };
  }
  const now = await deps.record.now();
  const observation = await operation.observe(contextOf(deps, request, row, now), input);
  return settle(deps, request, observation, { lookedAt: now });
}

type NothingDone = Extract<EffectReport, { state: "notSent" | "refused" }>;
type Prepared = { ok: true; operation: Operation<JsonObject>; input: JsonObject } | { ok: false; report: NothingDone };

/** Not ok: this worker cannot do it, so nothing was done. What another worker may know is not refused for good. */
function prepare(deps: ActivityDependencies, request: EffectRequest): Prepared {
  const action = deps.actions[request.action];
  if (action === undefined) {
    return { ok: false, report: unknownHere(`this worker does not know the action ${request.action}`) };
  }
  if (action.version !== request.actionVersion) {
    const why = `the plan wants ${request.action} version ${request.actionVersion}, this worker has version ${action.version}`;
    return { ok: false, report: unknownHere(why) };
  }
  const refused = (detail: string): Prepared => ({ ok: false, report: { state: "refused", detail } });
  const operation = operationOf(action, request.direction);
  if (operation === undefined) return refused(`${request.action} has no ${request.direction}`);
  const { percent, ...rest } = request.input;
  const parsed = action.input.safeParse(rest);
  if (!parsed.success) return refused(`${request.action}: the input is not valid: ${parsed.error.message}`);
  const input = parsed.data as JsonObject;
  return { ok: true, operation, input: percent === undefined ? input : { ...input, percent } };
}

/**
 * Before the intent: once that is written, what is seen may be a request of ours whose answer was lost. Null: go on. What an
 * earlier remediation left so, or another step of this one brought there, is selfheal's own.
 */
async function doneByAnother(
  deps: ActivityDependencies,
  request: EffectRequest,
  { operation, input }: { operation: Operation<JsonObject>; input: JsonObject },
): Promise<NothingDone | null> {
  const { remediationId, action, direction, target } = request;
  if (direction !== "apply" || deps.actions[action]?.refusedWhenThere !== true) return null;
  const row = await deps.record.effect(keyOf(request));
  if (row !== null && row.state !== "notHappened") return null;
  const seen = await look(operation, contextOf(deps, request, row, await deps.record.now()), input);
  if (seen.state === "unknown") return { state: "notSent", detail: seen.detail, retryAfterMs: null };
  if (seen.state !== "happened" && seen.state !== "pending") return null;
  if ((await deps.record.mayHaveDone(remediationId, action)) || (await isLeftOut(deps, target))) return null;
  const detail = `${seen.detail}, and not by selfheal, as far as the record knows: somebody else works on it`;
  return { state: "refused", detail };
}

/**
 * A worker of another version may know it: the workflow sends it again, ever more rarely, until the step's time is over
 * (at least six times, about a minute), and only then it counts as refused (ADR 0034).
 */
function unknownHere(detail: string): NothingDone {
  return { state: "notSent", detail, retryAfterMs: null };
}

async function strangePlan(deps: ActivityDependencies, remediationId: string): Promise<string | null> {
  const saved = await deps.record.plan(remediationId);
  return saved === null ? null : whyStrange(saved.plan);
}

/**
 * For effects of actions that are not registered on this worker (an older one, after a rollback), and for any other
 * activity that only a newer one has.
 */
export function unknownActivity(deps: Pick<ActivityDependencies, "notByMe">) {
  return (request: unknown, name: string): EffectReport => {
    const why = `this worker does not know the activity ${name}`;
    if (isEffectRequest(request)) return unknownHere(why);
    throw deps.notByMe(why);
  };
}

function isEffectRequest(request: unknown): boolean {
  return typeof request === "object" && request !== null && "actionVersion" in request && "direction" in request;
}

function operationOf(action: AnyAction, direction: EffectDirection): Operation<JsonObject> | undefined {
  switch (direction) {
    case "apply":
      return action.perform;
    case "undo":
      return action.undo;
    case "finishHealthy":
      return action.finishHealthy;
    case "finishOtherwise":
      return action.finishOtherwise;
    default:
      return assertNever(direction, "direction");
  }
}

function contextOf(
  deps: ActivityDependencies,
  request: EffectRequest,
  row: EffectRow | null,
  now: string,
): EffectContext {
  const { remediationId, target } = request;
  return {
    key: keyOf(request),
    applyKey: applyKeyOf(request),
    remediationId,
    target,
    ports: deps.ports,
    now,
    intendedAt: row?.intentAt ?? now,
    leftOut: () => isLeftOut(deps, target),
  };
}

export async function isLeftOut({ record }: ActivityDependencies, { kind, id }: TargetRef): Promise<boolean> {
  return (await record.leftOut()).some(({ target }) => target.kind === kind && target.id === id);
}

/** Of the effect that this one takes back or finishes. */
export function applyKeyOf({ remediationId, rung, step }: EffectRequest): string {
  return effectKey({ remediationId, rung, step: step.split("@")[0] ?? step });
}

export function keyOf(request: EffectRequest): string {
  const { remediationId, rung, step, direction } = request;
  return effectKey({ remediationId, rung, step }, direction);
}

/** Reading back right after the apply: what cannot be read now is unknown, and the workflow looks again. */
async function look(
  operation: Operation<JsonObject>,
  context: EffectContext,
  input: JsonObject,
): Promise<EffectReport | Observation> {
  try {
    return await operation.observe(context, input);
  } catch (error) {
    if (error instanceof AdapterError) return { state: "unknown", detail: error.message };
    throw error;
  }
}

/** What a failed apply certainly means; null when it may have happened, so that it is read back. */
function reportOf(error: AdapterError): EffectReport | null {
  if (error.failure === "permanent") return { state: "refused", detail: error.message };
  if (error.failure === "ambiguous") return null;
  return { state: "notSent", detail: error.message, retryAfterMs: error.retryAfterMs ?? null };
}

/** Milliseconds since it was made. */
function stopwatch(): () => number {
  const from = performance.now();
  return () => performance.now() - from;
}

/** Records what is known and says it; a pending effect becomes a wait that the bulk watcher looks after. */
async function settle(
  deps: ActivityDependencies,
  request: EffectRequest,
  seen: EffectReport | Observation,
  times: SettleTimes,
): Promise<EffectReport> {
  const key = keyOf(request);
  const result = seen.state === "happened" ? seen.result : null;
  const current =
    !isAttempt(deps, request) || (await deps.record.settleEffect(key, stateOf(seen), result, seen.detail, times));
  // Whoever asked has heard more by now; what he waits for is not this.
  if (!current) return reportOnly(seen);
  if (request.direction === "undo" && seen.state === "happened") await settleUndone(deps, request);
  if (seen.state === "pending" && "wait" in seen) {
    const { remediationId, until, direction } = request;
    await deps.record.wait({ key, remediationId, ...seen.wait, until });
    await deps.record.progress(remediationId, direction === "apply" ? "act" : "close", `waits: ${seen.detail}`, until);
  } else {
    await deps.record.endWait(key);
  }
  return reportOnly(seen);
}

/** What the bulk watcher looks at is the record's. */
function reportOnly(seen: EffectReport | Observation): EffectReport {
  if (seen.state !== "pending" || !("wait" in seen)) return seen;
  const { wait: _, ...report } = seen;
  return report;
}

const UNSETTLED: readonly EffectState[] = ["intent", "pending", "unknown"];

/** Nobody knows yet what became of it (law 2: leases wait for it). */
export function isUnsettled({ state }: EffectRow): boolean {
  return UNSETTLED.includes(state);
}

/** What was taken back before anybody knew whether it happened is settled by that. */
async function settleUndone(deps: ActivityDependencies, request: EffectRequest): Promise<void> {
  const row = await deps.record.effect(applyKeyOf(request));
  if (row === null || !isUnsettled(row)) return;
  await deps.record.settleEffect(row.key, "notHappened", null, `taken back before it was settled (${row.detail})`);
}

/** A step that only reads has no intent and no effect row. */
export function isAttempt(deps: ActivityDependencies, request: EffectRequest): boolean {
  return deps.actions[request.action]?.risk !== "read";
}

function stateOf(seen: EffectReport | Observation): EffectState {
  const { state } = seen;
  return state === "refused" || state === "notSent" || state === "fenced" ? "notHappened" : state;
}
