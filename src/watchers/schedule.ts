/** The Temporal Schedules of watcher, sweeper, lessons and manifests: Temporal elects the one run of each, we elect nobody. */
import { isGrpcServiceError, ScheduleAlreadyRunning, type Client, type ScheduleOptions } from "@temporalio/client";
import { TASK_QUEUE } from "../contracts/messages.ts";
import type { WatchRequest } from "./activity.ts";

export const WATCH_SCHEDULE = "selfheal-watch";
export const WATCH_WORKFLOW = "watch";
export const SWEEP_SCHEDULE = "selfheal-sweep";
export const SWEEP_WORKFLOW = "sweep";
export const LESSONS_SCHEDULE = "selfheal-lessons";
export const LESSONS_WORKFLOW = "lessons";
export const MANIFEST_SCHEDULE = "selfheal-manifest";
export const MANIFEST_WORKFLOW = "manifest";

export interface WatchScheduleOptions extends Partial<WatchRequest> {
  taskQueue?: string;
}
export interface SweepScheduleOptions {
  /** From one sweep to the next; default 60,000. */
  everyMs?: number;
  taskQueue?: string;
}

/** grpc.status.DEADLINE_EXCEEDED */
const DEADLINE_EXCEEDED = 4;
const ATTEMPTS = 6;
const FIVE_MINUTES_MS = 5 * 60_000;
/** A try to start this often: the longest gap between two runs of the watcher. */
const START_EVERY_MS = 5_000;
/** What has just started has not had the time to leave anything behind. */
const FIRST_SWEEP_AFTER_MS = 60_000;

/**
 * Creates the schedule, or brings an existing one up to date; a pause that a person set stays. Every worker may call it
 * at start-up. Default: a round every 2 s, runs of 5 minutes.
 */
export async function ensureWatchSchedule(client: Client, options: WatchScheduleOptions = {}): Promise<void> {
  const { taskQueue = TASK_QUEUE, everyMs = 2_000, forMs = FIVE_MINUTES_MS } = options;
  await ensure(client, WATCH_SCHEDULE, watchSchedule(taskQueue, { everyMs, forMs }));
  // The first run now, not after the first interval; SKIP drops it when one runs already.
  await client.schedule.getHandle(WATCH_SCHEDULE).trigger("SKIP");
}

/** As ensureWatchSchedule; the first sweep comes a minute after the schedule was made. */
export async function ensureSweepSchedule(client: Client, options: SweepScheduleOptions = {}): Promise<void> {
  const { taskQueue = TASK_QUEUE, everyMs = 60_000 } = options;
  const startAt = new Date(Date.now() + FIRST_SWEEP_AFTER_MS);
  await ensure(client, SWEEP_SCHEDULE, sweepSchedule(taskQueue, everyMs), startAt);
}

/** Every 5 minutes: nobody waits for a postmortem, and each round is three billable Actions. */
export async function ensureLessonsSchedule(client: Client, taskQueue: string = TASK_QUEUE): Promise<void> {
  await ensure(client, LESSONS_SCHEDULE, lessonsSchedule(taskQueue));
}

const DAY_MS = 24 * 3_600_000;

/** As ensureWatchSchedule: a manifest a day, at midnight UTC; one that was missed is made within the day. */
export async function ensureManifestSchedule(client: Client, taskQueue: string = TASK_QUEUE): Promise<void> {
  await ensure(client, MANIFEST_SCHEDULE, {
    spec: { intervals: [{ every: DAY_MS }] },
    action: {
      type: "startWorkflow",
      workflowType: MANIFEST_WORKFLOW,
      workflowId: MANIFEST_SCHEDULE,
      taskQueue,
      args: [],
      staticSummary: "writes the audit's manifest of the day",
    },
    policies: { overlap: "SKIP", catchupWindow: "23h" },
  });
}

type Wanted = Omit<ScheduleOptions, "scheduleId">;

/** `startAt` counts only where it is made: later starts of workers must not put it off. */
async function ensure(client: Client, scheduleId: string, wanted: Wanted, startAt?: Date): Promise<void> {
  const spec = startAt === undefined ? wanted.spec : { ...wanted.spec, startAt };
  try {
    await client.schedule.create({ scheduleId, ...wanted, spec });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const handle = client.schedule.getHandle(scheduleId);
    await patiently(() =>
      handle.update(({ state, spec: old }) => ({ ...wanted, spec: { ...wanted.spec, ...startOf(old) }, state })),
    );
  }
}

/**
 * A schedule is a workflow of Temporal's own workers, and an update reads it first. A Temporal that has just come up, or
 * that took over from another server, has those workers some seconds later, on a busy machine more: until then the call
 * ends at its deadline of 10 s.
 */
async function patiently(update: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await update();
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !isDeadline(error)) throw error;
    }
  }
}

function isDeadline(error: unknown): boolean {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return isGrpcServiceError(cause) && (cause.code as number) === DEADLINE_EXCEEDED;
}

function startOf({ startAt }: { startAt?: Date }): { startAt?: Date } {
  return startAt === undefined ? {} : { startAt };
}

function watchSchedule(taskQueue: string, request: WatchRequest) {
  return {
    spec: { intervals: [{ every: START_EVERY_MS }] },
    action: {
      type: "startWorkflow",
      workflowType: WATCH_WORKFLOW,
      workflowId: WATCH_SCHEDULE,
      taskQueue,
      args: [request],
      staticSummary: "asks every watched system for what is waited for",
    },
    // A missed start is not made up for: the next one looks at everything anyway.
    policies: { overlap: "SKIP", catchupWindow: "10s" },
  } satisfies Wanted;
}

function sweepSchedule(taskQueue: string, everyMs: number) {
  return {
    spec: { intervals: [{ every: everyMs }] },
    action: {
      type: "startWorkflow",
      workflowType: SWEEP_WORKFLOW,
      workflowId: SWEEP_SCHEDULE,
      taskQueue,
      args: [],
      staticSummary: "compares record, Temporal and world",
    },
    policies: { overlap: "SKIP", catchupWindow: "10s" },
  } satisfies Wanted;
}

function lessonsSchedule(taskQueue: string) {
  return {
    spec: { intervals: [{ every: FIVE_MINUTES_MS }] },
    action: {
      type: "startWorkflow",
      workflowType: LESSONS_WORKFLOW,
      workflowId: LESSONS_SCHEDULE,
      taskQueue,
      args: [],
      staticSummary: "postmortems, problem tickets and reports of what was closed",
    },
    policies: { overlap: "SKIP", catchupWindow: "10s" },
  } satisfies Wanted;
}
