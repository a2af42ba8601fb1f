/** Two threads, one result: what a folder's world does does not depend on where it lives. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACTIONS } from "../../src/activities/actions.ts";
import { backtest, type BacktestReport } from "../../src/backtest/backtest.ts";
import { recordedAlerts } from "../../src/backtest/recorded.ts";
import { sideOf } from "../../src/backtest/side.ts";
import { assumptionsOf } from "../../src/cli/assumptions.ts";
import { backtestFolders, type FoldersOptions } from "../../src/cli/backtest.ts";
import { requireCatalogue } from "../../src/starters/active-catalogue.ts";
import { writeFleet } from "../../bench/support/fleet.ts";
import { writeRecording } from "../../bench/support/recording.ts";

const ASSUME = { approve: 600_000, reset: 3_600_000 };
const HOSTS = 200;
let folder: string;
let [before, after, file] = ["", "", ""];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "selfheal-backtest-"));
  file = join(folder, "recorded.jsonl");
  before = await writeFleet(join(folder, "before"), { mode: "observe", cap: "10%", hosts: HOSTS });
  after = await writeFleet(join(folder, "after"), { mode: "auto", cap: "5%", hosts: HOSTS });
  await writeRecording(file, 0.002, HOSTS);
});
afterAll(() => rm(folder, { recursive: true }));

function apart(change: Partial<FoldersOptions> = {}): Promise<BacktestReport> {
  const never = new AbortController().signal;
  const what = { before, after, recorded: { files: [file] }, assume: ASSUME, onProgress: () => undefined };
  return backtestFolders({ ...what, signal: never, ...change });
}

describe("a folder's world in a thread of its own", () => {
  it("comes to what it comes to in this one, and so does the comparison", async () => {
    const [one, other] = await Promise.all([requireCatalogue(before, ACTIONS), requireCatalogue(after, ACTIONS)]);
    const assumptions = assumptionsOf(ASSUME);
    const here = await backtest({
      alerts: recordedAlerts({ files: [file] }),
      before: sideOf({ catalogue: one, assumptions }),
      after: sideOf({ catalogue: other, assumptions }),
    });
    const seen: number[] = [];
    expect(await apart({ onProgress: (alerts) => seen.push(alerts) })).toEqual(here);
    expect(here.comparison?.changed).toBeGreaterThan(0);
    expect(here.after.fates.acted).toBeGreaterThan(0);
    expect(seen.at(-1)).toBe(here.alerts);
  });

  it("that cannot be loaded is named with every mistake, before anything is read", async () => {
    await writeFile(join(folder, "before", "slos.yaml"), "kind: Nothing\n");
    await expect(apart({ recorded: { files: [join(folder, "none.jsonl")] } })).rejects.toThrow(
      /the catalogue in .*before does not load:[\s\S]*slos\.yaml:1/,
    );
    await rm(join(folder, "before", "slos.yaml"));
  });

  it("ends when it is told to", async () => {
    const stop = new AbortController();
    const files = Array.from({ length: 20 }, () => file);
    const stopped = apart({ recorded: { files }, onProgress: () => stop.abort(), signal: stop.signal });
    await expect(stopped).rejects.toThrow(/abort/i);
  });
});
