/**
 * What a history holds and what it would cost. Temporal Cloud's rules for Actions, as published at
 * https://docs.temporal.io/cloud/actions: a start or signal-with-start, each other signal, timer, upsert of search
 * attributes (one whatever the number), update and try of an activity is one; all local activities of one workflow task
 * are one; a heartbeat that reaches the server is one; replay and workflow tasks are none.
 */
import type { Client } from "@temporalio/client";

export type History = Awaited<ReturnType<ReturnType<Client["workflow"]["getHandle"]>["fetchHistory"]>>;
export type HistoryEvent = NonNullable<History["events"]>[number];

export function eventsOf(history: History): HistoryEvent[] {
  return history.events ?? [];
}

/** ms since the epoch. */
export function timeOf({ eventTime }: HistoryEvent): number {
  // A Long from the server, a number from JSON.
  return Number(String(eventTime?.seconds ?? 0)) * 1_000 + (eventTime?.nanos ?? 0) / 1e6;
}

/** Every activity beats each 2 s (src/workers/heartbeats.ts); of those the SDK sends one in 80 % of the time-out. */
const FIRST_BEAT_MS = 2_000;
const THROTTLED_BEAT_MS = 8_000;

/** Billable Actions by what they are for: `activity remediation.open`, `timer`, `signal remediation.hint`, … */
export function actionsOf(history: History): Map<string, number> {
  const events = eventsOf(history);
  const counts = new Map<string, number>();
  const add = (what: string, n = 1): void => void counts.set(what, (counts.get(what) ?? 0) + n);
  // The first signal came with the start: both together are one.
  let startSignals = events[0]?.workflowExecutionStartedEventAttributes ? 1 : 0;
  if (startSignals === 1) add("start, with its signal");
  let markersOf: string | null = null;
  for (const event of events) {
    if (event.workflowExecutionSignaledEventAttributes) {
      if (startSignals-- > 0) continue;
      add(`signal ${event.workflowExecutionSignaledEventAttributes.signalName ?? ""}`);
    }
    if (event.timerStartedEventAttributes) add("timer");
    if (event.upsertWorkflowSearchAttributesEventAttributes) add("upsert of search attributes");
    if (event.workflowExecutionUpdateAcceptedEventAttributes) add("update");
    if (event.workflowExecutionContinuedAsNewEventAttributes) add("continue-as-new");
    const task = String(event.markerRecordedEventAttributes?.workflowTaskCompletedEventId ?? "");
    if (task !== "" && task !== markersOf) add("local activities of one workflow task");
    if (task !== "") markersOf = task;
  }
  for (const { type, attempts, ranMs } of activitiesOf(history)) {
    add(`activity ${type}`, attempts);
    if (ranMs >= FIRST_BEAT_MS) add("heartbeat", 1 + Math.floor((ranMs - FIRST_BEAT_MS) / THROTTLED_BEAT_MS));
  }
  return counts;
}

export interface ActivityRun {
  type: string;
  attempts: number;
  /** From scheduling to the last start. */
  waitedMs: number;
  /** From the last start to the end. */
  ranMs: number;
}

export function activitiesOf(history: History): ActivityRun[] {
  const events = eventsOf(history);
  const scheduled = new Map(events.map((event) => [String(event.eventId), event]));
  const startedOf = new Map<string, HistoryEvent>();
  for (const event of events) {
    const at = event.activityTaskStartedEventAttributes;
    if (at) startedOf.set(String(at.scheduledEventId), event);
  }
  return events.flatMap((event): ActivityRun[] => {
    const end =
      event.activityTaskCompletedEventAttributes ??
      event.activityTaskFailedEventAttributes ??
      event.activityTaskTimedOutEventAttributes;
    const id = String(end?.scheduledEventId ?? "");
    const [from, started] = [scheduled.get(id), startedOf.get(id)];
    if (from === undefined || started === undefined) return [];
    return [
      {
        type: from.activityTaskScheduledEventAttributes?.activityType?.name ?? "",
        attempts: started.activityTaskStartedEventAttributes?.attempt ?? 1,
        waitedMs: timeOf(started) - timeOf(from),
        ranMs: timeOf(event) - timeOf(started),
      },
    ];
  });
}

/** Workflow tasks that were completed: how long each waited for a worker and ran there, ms. */
export function workflowTasksOf(history: History): { waitedMs: number; ranMs: number }[] {
  const times = new Map(eventsOf(history).map((event) => [String(event.eventId), timeOf(event)]));
  const startedAt = new Map<string, number>();
  return eventsOf(history).flatMap((event) => {
    const scheduled = (at: { scheduledEventId?: unknown } | null | undefined): string => String(at?.scheduledEventId);
    const start = event.workflowTaskStartedEventAttributes;
    if (start) startedAt.set(scheduled(start), timeOf(event));
    const id = scheduled(event.workflowTaskCompletedEventAttributes);
    const [from, started] = [times.get(id), startedAt.get(id)];
    return from === undefined || started === undefined
      ? []
      : [{ waitedMs: started - from, ranMs: timeOf(event) - started }];
  });
}

export async function firstEvents(client: Client, workflowId: string, count: number): Promise<HistoryEvent[]> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId },
    maximumPageSize: count,
  });
  return history?.events ?? [];
}
