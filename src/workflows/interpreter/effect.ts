/**
 * One effect from intent to a settled answer (design §3 law 6). The workflow owns the order: apply submits once; what
 * is not certain is read back; `not happened` counts only when a lost request can no longer take effect; a second apply
 * uses the same key; what stays unknown goes to a person.
 */
import { patched } from "@temporalio/workflow";
import type { EffectRequest } from "../../contracts/activities.ts";
import { WRAPPER_MS, type EffectReport } from "../../contracts/effect.ts";
import type { EffectDirection } from "../../contracts/ids.ts";
import { effectKey } from "../../contracts/ids.ts";
import { assertNever, type JsonObject } from "../../contracts/json.ts";
import type { PlanStep } from "../../contracts/plan.ts";
import type { Episode } from "../episode.ts";
import { heldUntil, type Word } from "../held.ts";
import { waitUntil, wallTime } from "../wait.ts";
import { observe, send } from "./ask.ts";
import { effectPoint } from "./freeze.ts";
import { harmHint, readHarm } from "./harm.ts";

export type EffectEnd =
  | { state: "happened"; result: JsonObject; detail: string }
  /** A person goes on without it. */
  | { state: "skipped"; left: Left; detail: string }
  | { state: EffectStop; detail: string };

/**
 * `fenced`: nothing was sent, the record forbids it. `refused`: certainly nothing was done. `failed`: it did not work,
 * and something may have come of it. `stopped`: a person or harm ended the wait.
 */
export type EffectStop = "fenced" | "refused" | "failed" | "unknown" | "deadline" | "stopped";

/** What a skipped effect may have left in the world; `unsure`: nobody looked. */
type Left = "nothing" | "something" | "unsure";

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
      ? episode.now() + call.step.withinMs
      : Math.max(past.sentAt + call.step.withinMs, episode.now() + LEAST_PATIENCE_MS);
  const appliedAt = past === undefined ? Date.now() : sentUntil(call.step, past.sentAt);
  const counts = { applies: 0, mayApply: MAX_APPLIES, sends: 0, looks: 0 };
  const progress: Progress = { ...counts, deadline, sendBy: deadline, appliedAt, answeredAt: appliedAt, askedAt: 0 };
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
    until: episode.timeOf(progress.deadline),
  });
  const key = effectKey({ remediationId: episode.remediationId, rung: call.rung, step }, call.direction);
  const readOnly = call.step.risk === "read";
  const readsFirst = readOnly || past !== undefined;
  const ask = async (look: boolean): Promise<EffectReport> => {
    progress.askedAt = episode.now();
    if (look) return observe(request());
    progress.applies += 1;
    progress.sends += 1;
    progress.appliedAt = Date.now();
    const report = await send(call.step, request());
    progress.answeredAt = Date.now();
    // What was lost, or stood about while no worker was there, took its time with it: the effect has its whole time.
    progress.deadline = episode.now() + call.step.withinMs;
    return report;
  };
  let report = await ask(readsFirst);
  for (;;) {
    let next = await settle(episode, call, { report, key, readOnly, progress });
    if (next.kind === "end") next = await heldAtEnd(episode, call, next.end, progress);
    if (next.kind === "end") return next.end;
    report = await ask(next.kind === "look");
  }
}

/** Milliseconds; an activity of a gone run that began at `sentAt` may send its request until then. */
export function sentUntil(step: PlanStep, sentAt: number): number {
  return sentAt + step.applyTimeoutMs + WRAPPER_MS;
}

interface Progress {
  /** Until when the effect must show; by the episode's clock, from the answer to the last request on. */
  deadline: number;
  /** Until when what was not taken is sent again; by the episode's clock. */
  sendBy: number;
  applies: number;
  /** Applies that law 6 allows; each retry of a person allows one more. */
  mayApply: number;
  sends: number;
  /** Milliseconds by the real clock; its last request was sent no earlier. */
  appliedAt: number;
  /** The same; no later. */
  answeredAt: number;
  /** By the episode's clock; when the last report was asked for. */
  askedAt: number;
  looks: number;
}
type Next = { kind: "end"; end: EffectEnd } | { kind: "look" } | { kind: "apply" };

async function settle(
  episode: Episode,
  call: EffectCall,
  now: { report: EffectReport; key: string; readOnly: boolean; progress: Progress },
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
      return waitForEffect(episode, call, report.detail, now.key, progress);
    case "notSent":
      return sendAgain(episode, call, report, progress);
    case "notHappened":
      return afterNotHappened(episode, call, report, now.readOnly, progress);
    case "unknown":
      return lookAgain(episode, call, report.detail, progress);
    default:
      return assertNever(report, "effect report");
  }
}

/** It certainly was not taken, so trying again is safe: until its time is over, and a few times in any case. */
async function sendAgain(
  episode: Episode,
  call: EffectCall,
  report: { detail: string; retryAfterMs: number | null },
  progress: Progress,
): Promise<Next> {
  if (progress.sends >= MIN_SENDS && episode.now() >= progress.sendBy) {
    return end("refused", `not sent after ${progress.sends} tries: ${report.detail}`);
  }
  progress.applies -= 1;
  const wake = (): boolean => call.stoppable && episode.desk.stop !== null;
  // What the vendor asks for is the least: at `Retry-After: 1` the tries of hours would fill the history.
  const ms = Math.max(report.retryAfterMs ?? 0, backoff(progress.sends));
  const summary = `try ${call.step.uses} again: ${report.detail}`;
  const next = await wait(episode, call, { wake, ms, summary, left: "nothing" });
  return next.kind === "look" ? { kind: "apply" } : next;
}

/** Not there: it counts once the longest life of a lost request is over. */
async function afterNotHappened(
  episode: Episode,
  call: EffectCall,
  { detail, unsent = false }: { detail: string; unsent?: boolean },
  readOnly: boolean,
  progress: Progress,
): Promise<Next> {
  if (readOnly) return end("failed", detail);
  const mayStillHappen = lastSentAt(progress) + call.step.lifeMs - Date.now();
  if (mayStillHappen > 0) {
    const summary = `a lost request may still take effect: ${call.step.uses}`;
    // Not stopped: it would take effect after it was taken back.
    return wait(
      episode,
      { ...call, stoppable: false },
      { wake: () => false, ms: mayStillHappen, summary, left: "unsure" },
    );
  }
  if (call.past !== undefined) return end("refused", detail);
  // The record was away, or the worker died before it: no apply of law 6, and tried again like what was not sent.
  if (unsent && (progress.sends < MIN_SENDS || episode.now() < progress.sendBy)) {
    progress.mayApply += 1;
    return { kind: "apply" };
  }
  if (progress.applies >= progress.mayApply)
    return end("refused", `did not happen after ${progress.applies} applies: ${detail}`);
  return { kind: "apply" };
}

/** An activity may stand in line, wait for the record, and send at its very end. */
function lastSentAt({ appliedAt, answeredAt }: Progress): number {
  return answeredAt > appliedAt && patched("life-from-the-answer") ? answeredAt : appliedAt;
}

/** Nobody can read it: look again, ever more rarely, until its time is over; then a person must. */
async function lookAgain(episode: Episode, call: EffectCall, detail: string, progress: Progress): Promise<Next> {
  progress.looks += 1;
  const mayStillHappen = lastSentAt(progress) + call.step.lifeMs - Date.now();
  const left = Math.max(progress.deadline - episode.now(), mayStillHappen);
  if (left <= 0 && progress.looks >= MIN_LOOKS) return end("unknown", detail);
  const gap = Math.min(FIRST_LOOK_MS * 2 ** (progress.looks - 1), LONGEST_LOOK_MS, left);
  // Not stopped while a lost request may still take effect: it would do so after it was taken back.
  const stoppable = call.stoppable && mayStillHappen <= 0;
  const wake = (): boolean => stoppable && episode.desk.stop !== null;
  const summary = `read back ${call.step.uses}: ${detail}`;
  return wait(episode, { ...call, stoppable }, { wake, ms: Math.max(gap, FIRST_LOOK_MS), summary, left: "unsure" });
}

/** It is on the way: one timer for the deadline and the watcher's hint. */
async function waitForEffect(
  episode: Episode,
  call: EffectCall,
  detail: string,
  key: string,
  progress: Progress,
): Promise<Next> {
  const ms = progress.deadline - episode.now();
  // What was read before the deadline says nothing about the deadline: a process may have been away in between.
  if (ms <= 0) return progress.askedAt >= progress.deadline ? end("deadline", detail) : { kind: "look" };
  const until = episode.timeOf(progress.deadline);
  const about = `${call.step.uses}: ${detail}`;
  episode.say(about, { for: detail, since: wallTime(), until });
  const harm = harmHint(episode);
  const wake = (): boolean =>
    episode.desk.hasHint(key) || (call.stoppable && (episode.desk.stop !== null || episode.desk.hasHint(harm)));
  const next = await wait(episode, call, { wake, ms, summary: `${about}, until ${until}`, left: "unsure" });
  if (next.kind === "end" && next.end.state !== "stopped") return next;
  episode.desk.takeHint(key);
  progress.looks = 0;
  if (call.stoppable && episode.desk.takeHint(harm)) {
    const harmed = await readHarm(episode);
    if (harmed !== null) return end("stopped", harmed);
  }
  return next;
}

/** Every wait of an effect: `look` when it is over, or what a person made of it. */
async function wait(
  episode: Episode,
  call: EffectCall,
  { wake, ms, summary, left }: { wake: () => boolean; ms: number; summary: string; left: Left },
): Promise<Next> {
  const { desk, view } = episode;
  await waitUntil(() => wake() || desk.takeover.claimed(), ms, summary);
  if (desk.takeover.claimed()) episode.say(summary, view.waiting);
  const word = await heldUntil(episode, effectPoint(episode, call, "begun"));
  const settled = word === null ? null : settledBy(word, left);
  return settled ?? stopped(episode, call) ?? { kind: "look" };
}

/** Who holds it sees an effect that did not work before anything is taken back, and may try it again. */
async function heldAtEnd(episode: Episode, call: EffectCall, end: EffectEnd, progress: Progress): Promise<Next> {
  const over: Next = { kind: "end", end };
  if (end.state === "happened" || end.state === "skipped" || end.state === "stopped") return over;
  if (episode.desk.takeover.claimed()) episode.say(`${call.step.uses}: ${end.state}: ${end.detail}`);
  const word = await heldUntil(episode, effectPoint(episode, call, "begun"));
  if (word === null) return over;
  if (word.command !== "retry") return settledBy(word, LEFT[end.state]) ?? over;
  const deadline = episode.now() + call.step.withinMs;
  Object.assign(progress, { deadline, sendBy: deadline, mayApply: progress.applies + 1, sends: 0, looks: 0 });
  // Where certainly nothing was done there is nothing to read back, and no lost request to wait for.
  const again = LEFT[end.state] === "nothing" && call.step.risk !== "read";
  return { kind: again ? "apply" : "look" };
}

const LEFT: Record<Exclude<EffectStop, "stopped">, Left> = {
  fenced: "nothing",
  refused: "nothing",
  failed: "something",
  unknown: "unsure",
  deadline: "unsure",
};

function settledBy({ command, said, result }: Word, left: Left): Next | null {
  if (command === "markDone") return { kind: "end", end: { state: "happened", result, detail: said } };
  return command === "skip" ? { kind: "end", end: { state: "skipped", left, detail: said } } : null;
}

function stopped(episode: Episode, call: EffectCall): Next | null {
  const stop = episode.desk.stop;
  return call.stoppable && stop !== null ? end("stopped", stop.because) : null;
}

function backoff(sends: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (sends - 1));
}

function end(state: EffectStop, detail: string): Next {
  return { kind: "end", end: { state, detail } };
}
