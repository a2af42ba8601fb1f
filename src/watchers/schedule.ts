/** The Temporal Schedule `selfheal-watch`: Temporal elects the one run of the watcher, we elect nobody. */
import { ScheduleAlreadyRunning, type Client, type ScheduleOptions } from "@temporalio/client";
import { TASK_QUEUE } from "../contracts/messages.ts";
import type { WatchRequest } from "./activity.ts";

export const WATCH_SCHEDULE = "selfheal-watch";
export const WATCH_WORKFLOW = "watch";

export interface WatchScheduleOptions extends Partial<WatchRequest> {
  taskQueue?: string;
}

const FIVE_MINUTES_MS = 5 * 60_000;
/** A try to start this often: the longest gap between two runs of the watcher. */
const START_EVERY_MS = 5_000;

/**
 * Creates the schedule, or brings an existing one up to date; a pause that a person set stays. Every worker may call it
 * at start-up. Default: a round every 2 s, runs of 5 minutes.
 */
export async function ensureWatchSchedule(client: Client, options: WatchScheduleOptions = {}): Promise<void> {
  const { taskQueue = TASK_QUEUE, everyMs = 2_000, forMs = FIVE_MINUTES_MS } = options;
  const wanted = scheduleOf(taskQueue, { everyMs, forMs });
  try {
    await client.schedule.create({ scheduleId: WATCH_SCHEDULE, ...wanted });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.schedule.getHandle(WATCH_SCHEDULE).update(({ state }) => ({ ...wanted, state }));
  }
  // The first run now, not after the first interval; SKIP drops it when one runs already.
  await client.schedule.getHandle(WATCH_SCHEDULE).trigger("SKIP");
}

function scheduleOf(taskQueue: string, request: WatchRequest) {
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
  } satisfies Omit<ScheduleOptions, "scheduleId">;
}
