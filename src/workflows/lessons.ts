import { proxyActivities } from "@temporalio/workflow";

interface LessonActivities {
  "lessons.run"(): Promise<unknown>;
}

/** One round, started by the Temporal Schedule `selfheal-lessons`; the next one makes good what this one could not do. */
export async function lessons(): Promise<void> {
  const activities = proxyActivities<LessonActivities>({
    startToCloseTimeout: "4 minutes",
    // No worker takes it: the schedule must not wait for this run for ever.
    scheduleToCloseTimeout: "10 minutes",
    heartbeatTimeout: "10s",
    retry: { maximumAttempts: 1 },
    summary: "postmortems, problem tickets, reports",
  });
  await activities["lessons.run"]();
}
