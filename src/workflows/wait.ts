import { CancellationScope, condition, sleep } from "@temporalio/workflow";
import { writeAttributes } from "./attributes.ts";

/**
 * One durable timer and a condition: a wait costs nothing while it lasts. True when `wake` came true, false at the
 * deadline. `ms` null waits without a timer.
 */
export async function waitUntil(wake: () => boolean, ms: number | null, summary: string): Promise<boolean> {
  if (wake()) return true;
  writeAttributes();
  if (ms === null) {
    await condition(wake);
    return true;
  }
  if (ms <= 0) return false;
  return CancellationScope.cancellable(async () => {
    const scope = CancellationScope.current();
    try {
      return await Promise.race([sleep(ms, { summary }).then(() => false), condition(wake).then(() => true)]);
    } finally {
      scope.cancel();
    }
  });
}

/** The workflow's wall clock, ISO; the episode's own clock (Episode.now) stands still while a person holds it. */
export function wallTime(): string {
  return new Date(Date.now()).toISOString();
}
