import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { LoopDelay } from "../../src/starters/http/shed.ts";

test("the delay of the event loop is what most of its turns come late, and goes when the load goes", async () => {
  const delay = new LoopDelay(50);
  try {
    await expect
      .poll(
        async () => {
          for (let turn = 0; turn < 3; turn++) {
            block(150);
            await nextTurn();
          }
          return delay.ms;
        },
        { interval: 0 },
      )
      .toBeGreaterThan(100);
    await expect.poll(() => delay.ms, { interval: 50 }).toBeLessThan(100);
  } finally {
    delay.stop();
  }
});

function block(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until;);
}
