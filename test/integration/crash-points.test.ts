/**
 * The crash-window matrix on the real server with PostgreSQL: a SIGKILL at the fault point of each row, all in one storm,
 * and then record, Temporal and world held against each other. `npm run crash` takes the whole table; without it those
 * rows run where one activity touches two systems. SELFHEAL_CRASH_ROWS: `all`, or a part of a row's name.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ends } from "../crash/ends.ts";
import { recoveries, recoveryTable } from "../crash/recovery.ts";
import { startStorm, type Storm } from "../crash/storm.ts";
import { isQuick, nameOf } from "../crash/table.ts";
import { weather } from "../crash/weather.ts";
import { reconcile } from "../support/reconcile.ts";

const chosen = process.env["SELFHEAL_CRASH_ROWS"];
/** Everything that was started ends within this, whatever died. */
const SETTLES_WITHIN_MS = 600_000;
/** From one death to the next thing done: heartbeats are missed for 10 s, and the next worker may die too. */
const GOES_ON_WITHIN_MS = 180_000;

let storm: Storm;
beforeAll(async () => {
  storm = await startStorm((row) =>
    chosen === undefined ? isQuick(row) : chosen === "all" || nameOf(row).includes(chosen),
  );
});
afterAll(async () => {
  await storm.stop();
});

describe("after a SIGKILL at every fault point", () => {
  it("every point has struck and everything has settled", { timeout: SETTLES_WITHIN_MS + 60_000 }, async () => {
    const from = performance.now();
    await weather(storm, SETTLES_WITHIN_MS);
    const seconds = Math.round((performance.now() - from) / 1_000);
    console.log(`${(await storm.struck()).size} deaths on ${storm.victims.length} hosts, settled after ${seconds} s`);
  });

  it("every remediation has ended as its row says", async () => {
    const { odd, unlucky } = await ends(storm);
    if (unlucky.length > 0) console.log(["told that an effect did not happen:", ...unlucky].join("\n  "));
    expect(odd).toEqual([]);
  });

  it("nothing was lost, doubled or left behind", async () => {
    expect(
      await reconcile(
        storm.live,
        storm.victims.map(({ host }) => host),
      ),
    ).toEqual([]);
  });

  it("each went on soon", async () => {
    const all = await recoveries(storm);
    console.log(recoveryTable(all));
    const late = all.filter(({ ms }) => ms > GOES_ON_WITHIN_MS).map(({ victim, ms }) => `${victim.file}: ${ms} ms`);
    expect(late).toEqual([]);
  });
});
