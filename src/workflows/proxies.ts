/** One proxy for each kind of risk. Each takes the summary that the Web UI shows beside the activity; ask for it to call it. */
import { proxyActivities, type ActivityOptions } from "@temporalio/workflow";
import type { EffectActivity, RemediationActivities } from "../contracts/activities.ts";
import { effectActivityName } from "../contracts/activities.ts";
import type { EffectDirection } from "../contracts/ids.ts";
import { WRAPPER_MS } from "../contracts/effect.ts";
import { writeAttributes } from "./attributes.ts";

/** Every activity beats (workers/heartbeats.ts): a worker that died is noticed after this. */
const HEARTBEAT = "10s";

/** A call may take long: what is shown outside is true meanwhile. */
function calling<T>(options: ActivityOptions): T {
  writeAttributes();
  return proxyActivities<Record<string, EffectActivity>>({ heartbeatTimeout: HEARTBEAT, ...options }) as T;
}

const RECORD_RETRY = { initialInterval: "1s", backoffCoefficient: 2, maximumInterval: "30s" } as const;

/**
 * The record, and reads of the world that end in an answer whatever they saw. Safe to repeat, and nothing may go on
 * without them, so they are tried for ever; one try takes at most 60 s.
 */
export function record(summary: string): RemediationActivities {
  return calling<RemediationActivities>({
    startToCloseTimeout: "60s",
    retry: RECORD_RETRY,
    summary,
  });
}

/**
 * The first look at a fault: all that `open`, `confirm` and `decide` read, one after the other. As `record`, with the time
 * of both.
 */
export function firstLook(summary: string): Pick<RemediationActivities, "remediation.assess"> {
  return calling<Pick<RemediationActivities, "remediation.assess">>({
    startToCloseTimeout: "120s",
    retry: RECORD_RETRY,
    summary,
  });
}

/** Reading one effect back: some tries; what cannot be read stays unknown, and the caller decides. */
export function readBack(summary: string): Pick<RemediationActivities, "effect.observe"> {
  return calling<Pick<RemediationActivities, "effect.observe">>({
    startToCloseTimeout: "60s",
    retry: { initialInterval: "1s", backoffCoefficient: 2, maximumInterval: "20s", maximumAttempts: 6 },
    summary,
  });
}

/** Telling people: must not stop healing, so it gives up; what was not sent stands in the record. */
export function people(summary: string): Pick<RemediationActivities, "remediation.notify"> {
  return calling<Pick<RemediationActivities, "remediation.notify">>({
    startToCloseTimeout: "30s",
    retry: { initialInterval: "2s", backoffCoefficient: 2, maximumInterval: "30s", maximumAttempts: 4 },
    summary,
  });
}

/** Changing the world: one try, ever. A second apply is the workflow's own decision (design §3 law 6). */
export function effect(action: string, direction: EffectDirection, timeoutMs: number, summary: string): EffectActivity {
  const name = effectActivityName(action, direction);
  const activity = calling<Record<string, EffectActivity>>({
    startToCloseTimeout: timeoutMs + WRAPPER_MS,
    retry: { maximumAttempts: 1 },
    summary,
  })[name];
  if (activity === undefined) throw new Error(`no activity for ${name}`);
  return activity;
}
