/** Temporal is not the record's own, or of an older state: people are paged once, and nothing is reaped. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ForeignTemporal, onlyOwn, ownTemporal } from "../../src/starters/own-temporal.ts";
import { Unavailable } from "../../src/starters/problems.ts";
import { verifyChain } from "../../src/record/audit.ts";
import { reportForeign } from "../../src/watchers/foreign-temporal.ts";
import { admitted, anAlert, aPlan, received } from "../record/builders.ts";
import { codes, log, SweepRig } from "./sweep-support.ts";

let rig: SweepRig;
beforeEach(async () => {
  rig = await SweepRig.create();
});
afterEach(() => rig.db.drop());

const OURS = { namespaceId: "ours", namespace: "default", address: "127.0.0.1:7233" };
const states = async (): Promise<string[]> => (await rig.record.leases()).map((lease) => lease.state);
const fault = async (): Promise<ForeignTemporal> => {
  const home = await rig.record.temporalHome();
  if (home === null) throw new Error("nothing is pinned");
  return new ForeignTemporal(home, { ...OURS, namespaceId: "theirs" });
};

describe("another namespace than the record's own", () => {
  beforeEach(async () => {
    await rig.record.pinTemporal(OURS);
    rig.temporal.namespaceId = "theirs";
  });

  test("is paged once, and nothing of what it says or lacks is repaired or told", async () => {
    const acting = await Promise.all(["web-1", "web-2"].map((target) => admitted(rig.record, aPlan({ target }))));
    await rig.record.receive([received({ fingerprint: "f9" })]);
    rig.temporal.ended("heal:host:web-1");
    for (const minutes of [5, 6, 30, 120]) {
      await rig.at(minutes);
      const report = await rig.sweep();
      expect(codes(report)).toEqual(["TEMPORAL_FOREIGN"]);
      expect(report.failures.map((failure) => failure.split(":")[0])).toEqual([
        "pulse",
        "workflows",
        "alerts",
        "inboxes",
        "schedules",
        "attributes",
      ]);
    }
    expect(rig.pages()).toHaveLength(1);
    expect(rig.pages()[0]?.text).toMatch(/ours.*theirs.*selfheal temporal accept --namespace-id theirs/);
    expect(rig.remediations.starts).toEqual([]);
    expect(new Set(await states())).toEqual(new Set(["held"]));
    for (const id of acting) expect(await rig.record.find(id)).toMatchObject({ closedAt: null, needsHuman: false });
  });

  test("is over when ours is back, and then what it left behind is seen to", async () => {
    await admitted(rig.record, aPlan({ target: "web-1" }));
    await rig.at(5);
    await rig.sweep();
    rig.temporal.namespaceId = "ours";
    rig.temporal.runs("heal:host:web-1");
    expect(await rig.sweep()).toEqual({ found: [], failures: [] });
    expect(await rig.record.findings()).toEqual([]);
  });

  test("is reported by several workers that start again and again, and people are told once", async () => {
    const { notify } = rig.deps();
    const report = async (): Promise<void> => reportForeign({ record: rig.record, notify, log }, await fault());
    await Promise.all([report(), report(), report()]);
    for (const minutes of [1, 10, 60]) {
      await rig.at(minutes);
      await report();
    }
    expect(rig.pages()).toHaveLength(1);
    expect(await rig.record.findings()).toMatchObject([{ code: "TEMPORAL_FOREIGN", toldAt: expect.any(String) }]);
    expect(await rig.record.lastSweep()).toBeNull();
  });

  test("is told as soon as the pager is back", async () => {
    rig.pagerAway = true;
    const { notify } = rig.deps();
    await reportForeign({ record: rig.record, notify, log }, await fault());
    rig.pagerAway = false;
    await reportForeign({ record: rig.record, notify, log }, await fault());
    expect(rig.pages()).toEqual([]);
    await rig.at(3);
    await reportForeign({ record: rig.record, notify, log }, await fault());
    expect(rig.pages()).toHaveLength(1);
  });

  test("gets no alert, hint or decision; the record keeps them", async () => {
    const own = ownTemporal(rig.record, () => rig.temporal.identity());
    const guarded = onlyOwn(rig.remediations, own);
    const message = { alert: anAlert(), remediationId: "r", joinKey: "" };
    const target = { kind: "host", id: "web-1" };
    const start = guarded.start({ target, message, runbook: null, group: "", severity: "warning" });
    await expect(start).rejects.toThrow(Unavailable);
    await expect(guarded.ping()).rejects.toThrow(/belongs to Temporal namespace default \(ours\)/);
    await expect(guarded.hint("heal:host:web-1", "x")).rejects.toThrow(Unavailable);
    expect(rig.remediations.starts).toEqual([]);
    rig.temporal.namespaceId = "ours";
    await guarded.start({ target, message, runbook: null, group: "", severity: "warning" });
    expect(rig.remediations.starts).toHaveLength(1);
  });

  test("becomes the record's own by a person's word only, and the audit chain says whose", async () => {
    expect(await rig.record.pinTemporal({ ...OURS, namespaceId: "theirs" })).toMatchObject({ namespaceId: "ours" });
    await rig.record.moveTemporal({ ...OURS, namespaceId: "theirs" }, "anna", "the old cluster burnt down");
    expect(await rig.record.temporalHome()).toMatchObject({ namespaceId: "theirs", by: "anna" });
    expect(codes(await rig.sweep())).toEqual([]);
    const chain = await rig.record.audit("control");
    expect(chain.map((row) => [row.kind, row.body["namespaceId"], row.body["by"] ?? null])).toEqual([
      ["temporalPinned", "ours", null],
      ["temporalMoved", "theirs", "anna"],
    ]);
    expect(verifyChain(chain)).toMatchObject({ ok: true });
  });
});

describe("Temporal restored to an older state", () => {
  test.each([1, 2])("that knows none of %i open remediations reaps nothing, and each is paged once", async (count) => {
    const targets = Array.from({ length: count }, (_, index) => `web-${index}`);
    for (const target of targets) await admitted(rig.record, aPlan({ target }));
    for (const minutes of [5, 6, 120]) {
      await rig.at(minutes);
      expect(codes(await rig.sweep())).toEqual(targets.map(() => "WORKFLOW_NOT_FOUND"));
    }
    expect(rig.pages()).toHaveLength(count);
    expect(new Set(await states())).toEqual(new Set(["held"]));
  });

  test("in which the next alert made a new run of the workflow, which has ended, reaps nothing either", async () => {
    const id = await admitted(rig.record, aPlan({ target: "web-1" }));
    const runId = (await rig.record.find(id))?.runId ?? "";
    rig.temporal.ended("heal:host:web-1", "COMPLETED");
    rig.temporal.unknownRuns.add(`heal:host:web-1/${runId}`);
    await rig.at(5);
    expect((await rig.sweep()).found).toMatchObject([
      { code: "WORKFLOW_NOT_FOUND", safe: false, sentence: expect.stringContaining(runId) as string },
    ]);
    expect(new Set(await states())).toEqual(new Set(["held"]));
    expect(await rig.record.find(id)).toMatchObject({ needsHuman: false, closedAt: null });
  });
});

test("the first namespace that is seen becomes the record's own, once for all who look at the same time", async () => {
  const seen = ["a", "b", "c"].map((namespaceId) => rig.record.pinTemporal({ ...OURS, namespaceId }));
  const homes = await Promise.all(seen);
  expect(new Set(homes.map((home) => home.namespaceId)).size).toBe(1);
  expect((await rig.record.audit("control")).map((row) => row.kind)).toEqual(["temporalPinned"]);
});
