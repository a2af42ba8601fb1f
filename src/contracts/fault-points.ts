/**
 * The boundaries between PostgreSQL, Temporal and the world at which a process may die: the crash-window matrix. A call
 * site names its point; test/crash/table.ts has a row for each, and a test compares both with this list.
 */
import type { RemediationActivities } from "./activities.ts";
import type { EffectDirection } from "./ids.ts";

/** Around a whole activity: Temporal has given it out, and the record has its work before Temporal learns of it. */
const AROUND = ["before", "after"] as const;
const ACTIVITIES: Record<keyof RemediationActivities, true> = {
  "remediation.unclosed": true,
  "remediation.assess": true,
  "remediation.confirm": true,
  "remediation.decide": true,
  "remediation.decision": true,
  "remediation.admit": true,
  "remediation.read": true,
  "remediation.progress": true,
  "remediation.notify": true,
  "remediation.close": true,
  "remediation.command": true,
  "remediation.held": true,
  "effect.observe": true,
};

/** In the effect wrapper: before the intent, before `apply`, before reading back, before recording, before Temporal learns. */
const OF_EFFECT = ["begun", "intended", "applied", "seen", "settled"] as const;
const DIRECTIONS: Record<EffectDirection, true> = {
  apply: true,
  undo: true,
  finishHealthy: true,
  finishOtherwise: true,
};

/** Where one piece of work touches two systems, one after the other. */
const WITHIN = [
  "ingest.received",
  "ingest.signalled",
  "ingest.delivered",
  "decision.issued",
  "decision.sent",
  "open.rerouted",
  "assess.opened",
  "assess.confirmed",
  "assess.decided",
  "notify.recorded",
  "notify.sent",
  "close.closed",
  "watch.hinted",
  "watch.marked",
  "sweep.looked",
  "sweep.repaired",
  "sweep.saved",
] as const;

type Activity = keyof RemediationActivities;
export type FaultPoint =
  | `${Activity}.${(typeof AROUND)[number]}`
  | `effect.${EffectDirection}.${(typeof OF_EFFECT)[number]}`
  | (typeof WITHIN)[number];

export const FAULT_POINTS: readonly FaultPoint[] = [
  ...WITHIN,
  ...(Object.keys(ACTIVITIES) as Activity[]).flatMap((name) => AROUND.map((at) => `${name}.${at}` as const)),
  ...(Object.keys(DIRECTIONS) as EffectDirection[]).flatMap((direction) =>
    OF_EFFECT.map((at) => `effect.${direction}.${at}` as const),
  ),
];

/**
 * Called at each point; in production there is none. `about` tells places apart that share a point: the workflow id
 * outside an activity, the action of an effect. Does not return when the process is to die there.
 */
export type FaultHook = (point: FaultPoint, about?: string) => void;
