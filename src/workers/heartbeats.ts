/** A worker that dies is noticed by its missing heartbeats, seconds later, not by the time-out of what it was doing. */
import { Context } from "@temporalio/activity";

type Activity = (...args: never[]) => Promise<unknown>;

/** Well inside the workflow's `heartbeatTimeout` of 10 s (workflows/proxies.ts). */
const BEAT_MS = 2_000;

/** Every activity beats while it runs. */
export function heartbeating<T extends Record<string, Activity>>(activities: T): T {
  return Object.fromEntries(Object.entries(activities).map(([name, run]) => [name, beating(run)])) as T;
}

function beating(run: Activity): Activity {
  return async (...args) => {
    const context = Context.current();
    const timer = setInterval(() => context.heartbeat(), BEAT_MS);
    try {
      return await run(...args);
    } finally {
      clearInterval(timer);
    }
  };
}
