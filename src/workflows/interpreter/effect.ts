/**
 * One effect from intent to a settled answer (design §3 law 6). The workflow owns the order: apply submits once; what
 * is not certain is read back; `not happened` counts only when a lost request can no longer take effect; a second apply
 * uses the same key; what stays unknown goes to a person.
 */
import { ActivityFailure } from "@temporalio/workflow";
import type { EffectRequest } from "../../contracts/activities.ts";
import type { EffectReport } from "../../contracts/effect.ts";
import type { EffectDirection } from "../../contracts/ids.ts";
import { effectKey } from "../../contracts/ids.ts";
import { assertNever, type JsonObject } from "../../contracts/json.ts";
import type { PlanStep } from "../../contracts/plan.ts";
import type { Episode } from "../episode.ts";
import { effect, readBack, WRAPPER_MS } from "../proxies.ts";
import { pauseFor, waitUntil } from "../wait.ts";
import { harmHint, readHarm } from "./harm.ts";

export type EffectEnd =
  { state: "happened"; result: JsonObject; detail: string } | { state: EffectStop; detail: string };

/**
 * `fenced`: nothing was sent, the record forbids it. `refused`: certainly nothing was done. `failed`: it did not work,
 * and something may have come of it. `stopped`: a person or harm ended the wait.
 */
export type EffectStop = "fenced" | "refused" | "failed" | "unknown" | "deadline" | "stopped";

export interface EffectCall {
  rung: string;
  step: PlanStep;
  /** Distinguishes several effects of one step, e.g. the levels of a ramp. */
  suffix?: string;
  direction: EffectDirection;
  input: JsonObject;
  /** May a person's cancel, harm or the end of the alert end its waiting? Never once it cannot be taken back. */
  stoppable: boolean;
  /** A run that is gone sent it, if anybody did: it is only read back, never sent. */
  past?: PastApply;
}
export interface PastApply {
  /** Milliseconds; no earlier than the intent of its last apply. */
  sentAt: number;
  /** Wait for its end when it is on the way; else it counts as `stopped`. */
  wait: boolean;
}

/** A second apply after "it did not happen", no third. */
const MAX_APPLIES = 2;
/** Least number of tries of a request that certainly was not taken (connection refused, 429, breaker open). */
const MIN_SENDS = 6;
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 5 * 60_000;
/** Between two looks at an effect that nobody can read: doubling, so that a long outage costs little history. */
const FIRST_LOOK_MS = 5_000;
const LONGEST_LOOK_MS = 30 * 60_000;
const MIN_LOOKS = 3;
/** A system that is away for a moment must not send what a gone run had started to a person. */
const LEAST_PATIENCE_MS = 10 * 60_000;

export async function performEffect(episode: Episode, call: EffectCall): Promise<EffectEnd> {
  const step = call.suffix === undefined ? call.step.id : `${call.step.id}@${call.suffix}`;
  const { past } = call;
  const deadline =
    past === undefined
      ? Date.now() + call.step.withinMs
      : Math.max(past.sentAt + call.step.withinMs, Date.now() + LEAST_PATIENCE_MS);
  const appliedAt = past === undefined ? Date.now() : sentUntil(call.step, past.sentAt);
  const progress = { applies: 0, sends: 0, appliedAt, looks: 0 };
  const request = (): EffectRequest => ({
    remediationId: episode.remediationId,
    target: episode.requirePlan().target,
    rung: call.rung,
    step,
    action: call.step.uses,
    actionVersion: call.step.actionVersion,
    direction: call.direction,
    input: call.input,
    attempt: Math.max(1, progress.applies),
    until: new Date(deadline).toISOString(),
  });
  const key = effectKey({ remediationId: episode.remediationId, rung: call.rung, step }, call.direction);
  const readOnly = call.step.risk === "read";
  const readsFirst = readOnly || past !== undefined;
  let report = readsFirst ? await observe(request()) : await apply(call, request, progress);
  for (;;) {
    const next = await settle(episode, call, { report, deadline, key, readOnly, progress });
    if (next.kind === "end") return next.end;
    report = next.kind === "look" ? await observe(request()) : await apply(call, request, progress);
  }
}

/** Milliseconds; an activity of a gone run that began at `sentAt` may send its request until then. */
export function sentUntil(step: PlanStep, sentAt: number): number {
  return sentAt + step.applyTimeoutMs + WRAPPER_MS;
}

interface Progress {
  applies: number;
  sends: number;
  appliedAt: number;
  looks: number;
}
type Next = { kind: "end"; end: EffectEnd } | { kind: "look" } | { kind: "apply" };

async function settle(
  episode: Episode,
  call: EffectCall,
  now: { report: EffectReport; deadline: number; key: string; readOnly: boolean; progress: Progress },
): Promise<Next> {
  const { report, progress } = now;
  switch (report.state) {
    case "happened":
      return { kind: "end", end: report };
    case "failed":
    case "refused":
      return end(report.state, report.detail);
    case "fenced":
      return end("fenced", `${report.code}: ${report.detail}`);
    case "pending":
      if (call.past?.wait === false) return end("stopped", report.detail);
      return waitForEffect(episode, call, report.detail, now.deadline, now.key, progress);
    case "notSent":
      return sendAgain(episode, call, report, now.deadline, progress);
    case "notHappened":
      return afterNotHappened(call, report.detail, now.readOnly, progress);
    case "unknown":
      return lookAgain(episode, call, report.detail, now.deadline, progress);
    default:
      return assertNever(report, "effect report");
  }
}

/** It certainly was not taken, so trying again is safe: until its time is over, and a few times in any case. */
async function sendAgain(
  episode: Episode,
  call: EffectCall,
  report: { detail: string; retryAfterMs: number | null },
  deadline: number,
  progress: Progress,
): Promise<Next> {
  if (progress.sends >= MIN_SENDS && Date.now() >= deadline) {
    return end("refused", `not sent after ${progress.sends} tries: ${report.detail}`);
  }
  progress.applies -= 1;
  const wake = (): boolean => call.stoppable && episode.desk.stop !== null;
  await waitUntil(
    wake,
    report.retryAfterMs ?? backoff(progress.sends),
    `try ${call.step.uses} again: ${report.detail}`,
  );
  return stopped(episode, call) ?? { kind: "apply" };
}

/** Not there: it counts once the longest life of a lost request is over. */
async function afterNotHappened(
  call: EffectCall,
  detail: string,
  readOnly: boolean,
  progress: Progress,
): Promise<Next> {
  if (readOnly) return end("failed", detail);
  const mayStillHappen = progress.appliedAt + call.step.lifeMs - Date.now();
  if (mayStillHappen > 0) {
    await pauseFor(mayStillHappen, `a lost request may still take effect: ${call.step.uses}`);
    return { kind: "look" };
  }
  if (call.past !== undefined) return end("refused", detail);
  if (progress.applies >= MAX_APPLIES)
    return end("refused", `did not happen after ${progress.applies} applies: ${detail}`);
  return { kind: "apply" };
}

/** Nobody can read it: look again, ever more rarely, until its time is over; then a person must. */
async function lookAgain(
  episode: Episode,
  call: EffectCall,
  detail: string,
  deadline: number,
  progress: Progress,
): Promise<Next> {
  progress.looks += 1;
  const settledAt = progress.appliedAt + call.step.lifeMs;
  const lastLook = Math.max(deadline, settledAt);
  if (Date.now() >= lastLook && progress.looks >= MIN_LOOKS) return end("unknown", detail);
  const gap = Math.min(FIRST_LOOK_MS * 2 ** (progress.looks - 1), LONGEST_LOOK_MS, lastLook - Date.now());
  // Not stopped while a lost request may still take effect: it would do so after it was taken back.
  const stoppable = call.stoppable && Date.now() >= settledAt;
  const wake = (): boolean => stoppable && episode.desk.stop !== null;
  await waitUntil(wake, Math.max(gap, FIRST_LOOK_MS), `read back ${call.step.uses}: ${detail}`);
  return (stoppable ? stopped(episode, call) : null) ?? { kind: "look" };
}

/** It is on the way: one timer for the deadline and the watcher's hint. */
async function waitForEffect(
  episode: Episode,
  call: EffectCall,
  detail: string,
  deadline: number,
  key: string,
  progress: Progress,
): Promise<Next> {
  if (Date.now() >= deadline) return end("deadline", detail);
  const about = `${call.step.uses}: ${detail}`;
  episode.say(about, { for: detail, since: now(), until: new Date(deadline).toISOString() });
  const harm = harmHint(episode);
  const wake = (): boolean =>
    episode.desk.hasHint(key) || (call.stoppable && (episode.desk.stop !== null || episode.desk.hasHint(harm)));
  await waitUntil(wake, deadline - Date.now(), `${about}, until ${new Date(deadline).toISOString()}`);
  episode.desk.takeHint(key);
  progress.looks = 0;
  if (call.stoppable && episode.desk.takeHint(harm)) {
    const harmed = await readHarm(episode);
    if (harmed !== null) return end("stopped", harmed);
  }
  return stopped(episode, call) ?? { kind: "look" };
}

function stopped(episode: Episode, call: EffectCall): Next | null {
  const stop = episode.desk.stop;
  return call.stoppable && stop !== null ? end("stopped", `cancelled by ${stop.by}: ${stop.reason}`) : null;
}

async function apply(call: EffectCall, request: () => EffectRequest, progress: Progress): Promise<EffectReport> {
  progress.applies += 1;
  progress.sends += 1;
  progress.appliedAt = Date.now();
  const sent = request();
  const verb = call.direction === "apply" ? "" : ` ${call.direction}`;
  const summary = `${call.step.uses}${verb} on ${sent.target.id}`;
  try {
    return await effect(call.step.uses, call.direction, call.step.applyTimeoutMs, summary)(sent);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    // The worker died or ran out of time in the middle: it may have happened.
    return { state: "unknown", detail: `no answer from the activity: ${rootMessage(error)}` };
  }
}

async function observe(request: EffectRequest): Promise<EffectReport> {
  try {
    return await readBack(`read back ${request.action} on ${request.target.id}`)["effect.observe"](request);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return { state: "unknown", detail: `cannot be read back: ${rootMessage(error)}` };
  }
}

function rootMessage(error: ActivityFailure): string {
  return error.cause?.message ?? error.message;
}

function backoff(sends: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (sends - 1));
}

function end(state: Exclude<EffectEnd["state"], "happened">, detail: string): Next {
  return { kind: "end", end: { state, detail } };
}

function now(): string {
  return new Date(Date.now()).toISOString();
}
