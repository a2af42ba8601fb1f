/** Workflows that run and do not get on: by what Temporal says of their tasks, and of what they need of the namespace. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { admitted, aPlan } from "../record/builders.ts";
import { codes, ofFinding, SweepRig } from "./sweep-support.ts";

let rig: SweepRig;
beforeEach(async () => {
  rig = await SweepRig.create();
});
afterEach(() => rig.db.drop());

/** An admitted remediation, opened now; its leases are on its target. */
const acting = (target: string): Promise<string> => admitted(rig.record, aPlan({ target }));

describe("workflow tasks", () => {
  test("that fail again and again are paged", async () => {
    const id = await acting("web-1");
    rig.temporal.runs("heal:host:web-1", 4);
    await rig.at(5);
    await rig.sweep();
    await rig.at(6);
    await rig.sweep();
    expect(rig.pages()).toMatchObject([{ key: ofFinding(id, "STUCK") }]);
  });

  test("an activity of theirs that is tried again and again is named with what it throws, and paged when that lasts", async () => {
    const id = await acting("web-1");
    const tried = (attempt: number): void => {
      const activity = { type: "remediation.decide", attempt, failure: "a bug in selfheal: x is undefined" };
      rig.temporal.workflows.set("heal:host:web-1", { state: "running", taskAttempt: 0, activity });
    };
    tried(8);
    await rig.at(5);
    expect(codes(await rig.sweep())).toEqual([]);
    tried(9);
    await rig.at(6);
    expect((await rig.sweep()).found).toMatchObject([
      {
        code: "STUCK",
        sentence: expect.stringContaining("remediation.decide is at try 9: a bug in selfheal: x is undefined"),
      },
    ]);
    expect(rig.pages()).toEqual([]);
    await rig.at(12);
    await rig.sweep();
    expect(rig.pages()).toMatchObject([{ key: ofFinding(id, "STUCK") }]);
  });

  test("cannot get on without a search attribute: that is paged with the command that brings it back", async () => {
    rig.temporal.attributes = ["SelfhealPhase"];
    const { found } = await rig.sweep();
    const next = "temporal operator search-attribute create --namespace default --name SelfhealPhase --type Keyword";
    expect(found).toMatchObject([{ code: "ATTRIBUTES_MISSING", severity: "page", next }]);
    expect(rig.pages()).toMatchObject([{ title: "selfheal: ATTRIBUTES_MISSING" }]);
    rig.temporal.attributes = [];
    expect((await rig.sweep()).found).toEqual([]);
  });

  test("of those that wait for a deadline are not even looked at", async () => {
    const id = await acting("web-1");
    await rig.record.progress(id, "approve", "waiting for ada", new Date(Date.now() + 3_600_000).toISOString());
    rig.temporal.runs("heal:host:web-1");
    await rig.at(5);
    await rig.sweep();
    expect(rig.temporal.described).toEqual([]);
  });

  test("at most 50 are described in a sweep, and every one has its turn", async () => {
    await Promise.all(Array.from({ length: 120 }, (_, index) => acting(`web-${index}`)));
    for (let index = 0; index < 120; index++) rig.temporal.runs(`heal:host:web-${index}`);
    const seen = new Set<string>();
    for (let minutes = 5; minutes < 12; minutes++) {
      rig.temporal.described = [];
      await rig.at(minutes);
      await rig.sweep();
      expect(rig.temporal.described.length).toBeLessThanOrEqual(50);
      for (const id of rig.temporal.described) seen.add(id);
    }
    expect(seen.size).toBe(120);
  });

  test("a workflow that the record knows nothing of is paged when it is still there after five minutes", async () => {
    const start = new Date(Date.now() - 3_600_000).toISOString();
    rig.temporal.runs("heal:host:ghost", 0, start);
    await rig.sweep();
    expect(rig.sent).toEqual([]);
    await rig.at(6);
    await rig.sweep();
    expect(rig.pages()).toMatchObject([{ title: "selfheal: UNRECORDED" }]);
  });
});
