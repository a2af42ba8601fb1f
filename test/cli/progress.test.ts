import { expect, it } from "vitest";
import { progressOf } from "../../src/cli/progress.ts";

function shownOn(isTTY: boolean, ...steps: [ms: number, done: number][]): string[] {
  const written: string[] = [];
  let now = 1_000;
  const stream = { isTTY, write: (text: string) => written.push(text) > 0 };
  const progress = progressOf("alerts", stream, () => now);
  for (const [ms, done] of steps) {
    now = 1_000 + ms;
    progress.show(done);
  }
  progress.end();
  return written;
}

it("is one line of a terminal that is written over itself, now and then, and is empty at the end", () => {
  expect(shownOn(true, [1_000, 20_000], [1_001, 20_100], [2_000, 1_234_567])).toEqual([
    "\r\x1b[K20,000 alerts, 20,000/s",
    "\r\x1b[K1,234,567 alerts, 617,284/s",
    "\r\x1b[K",
  ]);
});

it("is nothing where nobody looks", () => {
  expect(shownOn(false, [1_000, 20_000])).toEqual([]);
});
