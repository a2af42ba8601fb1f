/** Memory stays flat: what of the past no window can reach is dropped, however long the recording goes on. */
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { DEFAULT_ASSUMPTIONS } from "../../src/backtest/assumptions.ts";
import { World } from "../../src/backtest/world.ts";
import { CONFIG, INVENTORY, catalogueOf, edited } from "../catalogue/support.ts";
import { firing, resolved } from "./support.ts";

const DAY_MINUTES = 24 * 60;
/** Longer than each window of this catalogue, and than it takes the engine to settle. */
const WARM_DAYS = 24;
const MORE_DAYS = 36;
const NOBODYS = Array.from({ length: 500 }, (_, index) => ({ alertname: `Other${index}`, host: "web-1" }));
const OURS = Array.from({ length: 24 }, (_, index) => ({
  alertname: "DiskFailing",
  host: "web-1",
  device: `sd${index}`,
}));

it("keeps as much of two months as of three weeks", () => {
  const catalogue = catalogueOf({
    config: CONFIG.replace("values:", "limits: { storm: off }\ndefaults: { storm: off }\nvalues:"),
    inventory: INVENTORY,
    runbooks: [edited("limits:", "mode: auto\nlimits:")],
  });
  let fates = 0;
  const world = new World({ catalogue, assumptions: DEFAULT_ASSUMPTIONS, onFate: () => void fates++ });
  const days = (from: number, to: number): number => {
    for (let day = from; day < to; day++) live(world, day * DAY_MINUTES);
    return usedHeap();
  };
  const warm = days(0, WARM_DAYS);
  const faults = MORE_DAYS * (NOBODYS.length + OURS.length);
  const grown = days(WARM_DAYS, WARM_DAYS + MORE_DAYS) - warm;
  // All but those of the last day.
  expect(fates).toBeGreaterThanOrEqual((WARM_DAYS + MORE_DAYS - 1) * OURS.length);
  // Whatever is kept of a fault is more than its key.
  expect(grown / faults).toBeLessThan(32);
});

/** One day: each alert begins once, and is over after half an hour. */
function live(world: World, minute: number): void {
  const alerts = [...NOBODYS, ...OURS].flatMap((labels, index) => {
    const begins = minute + index * 2.5;
    return [firing(labels, begins), resolved(labels, begins + 30, begins)];
  });
  for (const alert of alerts.sort((a, b) => (a.receivedAt < b.receivedAt ? -1 : 1))) {
    world.advance(Date.parse(alert.receivedAt));
    world.receive(alert);
  }
}

/** Bytes, after a full collection. */
function usedHeap(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return getHeapStatistics().used_heap_size;
}
