import { proxyActivities } from "@temporalio/workflow";

interface SweepActivities {
  "sweep.run"(): Promise<unknown>;
}

/** One sweep, started by the Temporal Schedule `selfheal-sweep`; the next one makes good what this one could not do. */
export async function sweep(): Promise<void> {
  const activities = proxyActivities<SweepActivities>({
    startToCloseTimeout: "5 minutes",
    // No worker takes it: the schedule must not wait for this run for ever.
    scheduleToCloseTimeout: "10 minutes",
    heartbeatTimeout: "10s",
    retry: { maximumAttempts: 1 },
    summary: "compare record, Temporal and world",
  });
  await activities["sweep.run"]();
}
