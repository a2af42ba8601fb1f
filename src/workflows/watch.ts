import { proxyActivities } from "@temporalio/workflow";

interface WatchActivities {
  "watch.run"(request: { forMs: number; everyMs: number }): Promise<unknown>;
}

/** One run of the bulk watcher, started by the Temporal Schedule `selfheal-watch`; overlapping runs are skipped. */
export async function watch(request: { forMs: number; everyMs: number }): Promise<void> {
  const activities = proxyActivities<WatchActivities>({
    startToCloseTimeout: request.forMs + 60_000,
    heartbeatTimeout: "10s",
    retry: { maximumAttempts: 1 },
    summary: "ask every watched system for what is waited for",
  });
  await activities["watch.run"](request);
}
