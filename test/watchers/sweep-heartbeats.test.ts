/** A source that should send one alert again and again. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { received } from "../record/builders.ts";
import { SweepRig } from "./sweep-support.ts";

let rig: SweepRig;
beforeEach(async () => {
  rig = await SweepRig.create();
  rig.heartbeats = [{ source: "alertmanager", alertname: "Watchdog", withinMs: 10 * 60_000 }];
});
afterEach(() => rig.db.drop());

const comes = (alertname = "Watchdog", source = "alertmanager") =>
  rig.record.receive([
    received(
      { fingerprint: alertname + source, labels: { alertname }, source },
      { target: null, runbook: null, disposition: "unmatched", reason: "no runbook" },
    ),
  ]);

async function sweepAt(minutes: number): Promise<string[]> {
  await rig.at(minutes);
  return (await rig.sweep()).found.map(({ code, sentence }) => `${code} ${sentence}`);
}

test("as long as it comes nobody hears of it; when it stops people are paged once, and it is over when it comes", async () => {
  await comes();
  expect(await sweepAt(9)).toEqual([]);
  await comes();
  expect(await sweepAt(18)).toEqual([]);
  const [silent] = await sweepAt(20);
  expect(silent).toContain("ALERTS_SILENT Watchdog of alertmanager should come every 600 s and came last at");
  // After a stop of selfheal itself the senders get some minutes.
  expect(rig.pages()).toEqual([]);
  await sweepAt(24);
  await sweepAt(25);
  expect(rig.pages()).toHaveLength(1);
  await comes();
  expect(await sweepAt(26)).toEqual([]);
});

test("another alert, and the same of another source, is none; one that never came is told only later", async () => {
  await comes("Other");
  await comes("Watchdog", "people");
  expect(await sweepAt(0)).toEqual([expect.stringContaining("never came in the last 30 days")]);
  await sweepAt(9);
  expect(rig.pages()).toEqual([]);
  await sweepAt(11);
  expect(rig.pages()).toHaveLength(1);
});

test("nobody is told where no heartbeat is asked for", async () => {
  rig.heartbeats = [];
  expect(await sweepAt(60)).toEqual([]);
});
