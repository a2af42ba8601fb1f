/** The counting of the benches: a figure that is counted wrong is worse than none. */
import { describe, expect, it } from "vitest";
import {
  actionsOf,
  activitiesOf,
  eventsOf,
  workflowTasksOf,
  type History,
  type HistoryEvent,
} from "../../bench/support/history.ts";
import { mapLimit, openLoop } from "../../bench/support/load.ts";
import { percentile } from "../../bench/support/stats.ts";
import { load } from "../replay/corpus.ts";

const sum = (counts: Map<string, number>): number => [...counts.values()].reduce((total, n) => total + n, 0);

describe("billable Actions", () => {
  it("counts every start, signal, timer, upsert and activity of the flagship once, and no workflow task", async () => {
    const history = await load("healed");
    const counts = actionsOf(history);
    const number = (key: keyof HistoryEvent): number =>
      eventsOf(history).filter((event) => event[key] !== null && event[key] !== undefined).length;
    expect(counts.get("timer")).toBe(number("timerStartedEventAttributes"));
    expect(counts.get("upsert of search attributes")).toBe(number("upsertWorkflowSearchAttributesEventAttributes"));
    const activities = [...counts].filter(([what]) => what.startsWith("activity "));
    expect(sum(new Map(activities))).toBe(number("activityTaskScheduledEventAttributes"));
    // The start and the signal that came with it are one.
    const signals = [...counts].filter(([what]) => what.startsWith("signal "));
    expect(sum(new Map(signals))).toBe(number("workflowExecutionSignaledEventAttributes") - 1);
    expect(counts.get("start, with its signal")).toBe(1);
    expect(workflowTasksOf(history)).toHaveLength(number("workflowTaskCompletedEventAttributes"));
  });

  it("counts each try of an activity, its heartbeats, and the local activities of a task once", () => {
    const at = (seconds: number) => ({ eventTime: { seconds, nanos: 0 } });
    const events = [
      { eventId: 1, ...at(0), workflowExecutionStartedEventAttributes: {} },
      { eventId: 2, ...at(0), activityTaskScheduledEventAttributes: { activityType: { name: "slow" } } },
      { eventId: 3, ...at(1), activityTaskStartedEventAttributes: { scheduledEventId: 2, attempt: 3 } },
      { eventId: 4, ...at(12), activityTaskCompletedEventAttributes: { scheduledEventId: 2, startedEventId: 3 } },
      { eventId: 5, ...at(12), markerRecordedEventAttributes: { workflowTaskCompletedEventId: 7 } },
      { eventId: 6, ...at(12), markerRecordedEventAttributes: { workflowTaskCompletedEventId: 7 } },
      { eventId: 8, ...at(12), markerRecordedEventAttributes: { workflowTaskCompletedEventId: 9 } },
    ];
    const history = { events } as unknown as History;
    expect(activitiesOf(history)).toEqual([{ type: "slow", attempts: 3, waitedMs: 1_000, ranMs: 11_000 }]);
    expect(Object.fromEntries(actionsOf(history))).toEqual({
      "start, with its signal": 1,
      "activity slow": 3,
      // At 2 s and, as the SDK throttles, at 10 s.
      heartbeat: 2,
      "local activities of one workflow task": 2,
    });
  });
});

describe("load", () => {
  it("open loop: a slow answer does not hold up the next, and its wait is counted from when it was due", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const sent: number[] = [];
    const running = openLoop(3, 1_000, (index) => {
      sent.push(index);
      if (index === 2) resolve();
      return promise;
    });
    const arrivals = await running;
    expect(sent).toEqual([0, 1, 2]);
    expect(arrivals.map(({ dueAt }) => dueAt - (arrivals[0]?.dueAt ?? 0))).toEqual([0, 1, 2]);
    expect(arrivals.every(({ dueAt, doneAt }) => doneAt >= Math.floor(dueAt))).toBe(true);
  });

  it("open loop: one that failed fails the whole, so no figure comes from half the load", async () => {
    const send = (index: number) => (index === 1 ? Promise.reject(new Error("503")) : Promise.resolve());
    await expect(openLoop(3, 1_000, send)).rejects.toThrow("503");
  });

  it("never has more at once than it may, and keeps the order of the answers", async () => {
    let [now, most] = [0, 0];
    const doubled = await mapLimit([1, 2, 3, 4, 5], 2, async (item) => {
      most = Math.max(most, ++now);
      await Promise.resolve();
      now -= 1;
      return item * 2;
    });
    expect(doubled).toEqual([2, 4, 6, 8, 10]);
    expect(most).toBe(2);
  });
});

it("a percentile is a value that was measured", () => {
  const values = [5, 1, 4, 2, 3];
  expect([1, 50, 99, 100].map((percent) => percentile(values, percent))).toEqual([1, 3, 5, 5]);
  expect(percentile([], 50)).toBeNaN();
});
