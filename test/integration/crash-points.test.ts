/**
 * The crash-window matrix on the real server with PostgreSQL: a SIGKILL at the fault point of each row, all in one storm,
 * and then record, Temporal and world held against each other. `npm run crash` takes the whole table; without it those
 * rows run where one activity touches two systems. SELFHEAL_CRASH_ROWS: `all`, or a part of a row's name.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RemediationStory } from "../../src/record/api.ts";
import { recoveries, recoveryTable } from "../crash/recovery.ts";
import { startStorm, weather, type Storm, type Victim } from "../crash/storm.ts";
import { ENDS, isQuick, nameOf } from "../crash/table.ts";
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
    await weather(storm, SETTLES_WITHIN_MS);
  });

  it("every remediation has ended as its row says", async () => {
    const stories = await Promise.all(storm.victims.map(({ host }) => storm.live.api.story(host)));
    const odd = storm.victims.flatMap((victim, index) => oddityOf(victim, stories[index]));
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

/**
 * Two deaths may hit the same effect before it was sent: after the second a person is told that it did not happen
 * (design §3 law 6: a second apply, no third). That end is right for every row.
 */
function oddityOf({ host, file, scenario }: Victim, story: RemediationStory | undefined): string[] {
  const { outcome, needsHuman, detail } = story?.remediation ?? {};
  const { outcome: expected, needsHuman: asks } = ENDS[scenario];
  if (outcome === expected && needsHuman === asks) return [];
  const reported =
    outcome === "escalated" && needsHuman === true && /did not happen after 2 applies/.test(detail ?? "");
  return reported ? [] : [`${host} (${file}): ${outcome ?? "open"}, expected ${expected}: ${detail ?? ""}`];
}
