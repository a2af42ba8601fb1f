import { setTimeout as sleep } from "node:timers/promises";

/** Waits; false, at once, when `signal` cuts it short. Never rejects. */
export function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return sleep(ms, true, { signal }).catch(() => false);
}
