import { proxyActivities } from "@temporalio/workflow";

interface WatchActivities {
  "watch.run"(request: { forMs: number; everyMs: number }): Promise<unknown>;
}

/** Deaths in one run; then the schedule starts the next. */
const ATTEMPTS = 5;

/**
 * One run of the bulk watcher, started by the Temporal Schedule `selfheal-watch`; overlapping runs are skipped. When its
 * worker dies, another goes on within the same run: hints pause for the heartbeat's time and a second. A shorter one would
 * be noticed sooner, and each heartbeat is a billable Action: 10 s make 450 an hour, 5 s make 900.
 */
export async function watch(request: { forMs: number; everyMs: number }): Promise<void> {
  const activities = proxyActivities<WatchActivities>({
    startToCloseTimeout: request.forMs + 60_000,
    heartbeatTimeout: "10s",
    retry: { initialInterval: "1s", backoffCoefficient: 1, maximumAttempts: ATTEMPTS },
    summary: "ask every watched system for what is waited for",
  });
  await activities["watch.run"](request);
}
