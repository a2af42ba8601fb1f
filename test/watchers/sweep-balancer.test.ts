/** Servers out of their pools: ours, somebody else's, or left alone. Reported, never touched. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WATCH_SCHEDULE } from "../../src/watchers/schedule.ts";
import { admitted, anIntent, aPlan, closing } from "../record/builders.ts";
import { codes, drained, ofFinding, SweepRig } from "./sweep-support.ts";

let rig: SweepRig;
beforeEach(async () => {
  rig = await SweepRig.create();
});
afterEach(() => rig.db.drop());

describe("a drained server", () => {
  const drain = async (target: string, state: "happened" | "pending" = "happened"): Promise<string> => {
    const id = await admitted(rig.record, aPlan({ target }));
    rig.temporal.runs(`heal:host:${target}`);
    const intent = anIntent(id, { request: {} });
    await rig.record.beginEffect(intent);
    const result = state === "happened" ? { pool: "web", server: target } : null;
    await rig.record.settleEffect(intent.key, state, result, "drained");
    return id;
  };
  const finish = async (id: string, target: string, direction: "undo" | "finishHealthy" | "finishOtherwise") => {
    const intent = anIntent(id, { direction, request: {} });
    await rig.record.beginEffect(intent);
    await rig.record.settleEffect(intent.key, "happened", { pool: "web", server: target }, "done");
  };
  const keepOut = async (id: string, target: string): Promise<void> => {
    const intent = anIntent(id, { direction: "undo", request: {} });
    await rig.record.beginEffect(intent);
    await rig.record.settleEffect(intent.key, "happened", { pool: "web", server: target, keptOut: true }, "stays");
  };
  const close = async (id: string, target: string, outcome: "healed" | "escalated" | "failed"): Promise<void> => {
    await rig.record.close(closing(id, { outcome }));
    rig.temporal.ended(`heal:host:${target}`, "COMPLETED");
  };
  const found = async (): Promise<string[]> => {
    await rig.at(10);
    return codes(await rig.sweep());
  };

  test.each(["happened", "pending"] as const)("of an open remediation (%s) is no finding", async (state) => {
    await drain("web-1", state);
    rig.servers = [drained("web", "web-1")];
    expect(await found()).toEqual([]);
  });

  test("of nobody is only reported: a person may have drained it", async () => {
    rig.servers = [drained("web", "web-9")];
    expect(await found()).toEqual(["DRAINED_ELSEWHERE"]);
    expect(rig.sent).toEqual([]);
  });

  test("that a closed remediation keeps on purpose is only reported", async () => {
    const id = await drain("web-1");
    await finish(id, "web-1", "finishOtherwise");
    await close(id, "web-1", "escalated");
    rig.servers = [drained("web", "web-1")];
    expect(await found()).toEqual(["DRAINED_KEPT"]);
    expect(rig.sent).toEqual([]);
  });

  test("that a closed remediation left without a word is paged, and stays drained", async () => {
    const id = await drain("web-1");
    await close(id, "web-1", "failed");
    rig.servers = [drained("web", "web-1")];
    expect(await found()).toEqual(["DRAINED_LEFT"]);
    expect(rig.pages()).toMatchObject([{ key: ofFinding(id, "DRAINED_LEFT") }]);
  });

  test("that got its traffic back from us is somebody else's", async () => {
    const id = await drain("web-1");
    await finish(id, "web-1", "finishHealthy");
    await close(id, "web-1", "healed");
    rig.servers = [drained("web", "web-1")];
    expect(await found()).toEqual(["DRAINED_ELSEWHERE"]);
  });

  test("that a later remediation found like that and left like that is still the first one's", async () => {
    const first = await drain("web-1");
    await finish(first, "web-1", "finishOtherwise");
    await close(first, "web-1", "escalated");
    await rig.at(5);
    const second = await drain("web-1");
    await keepOut(second, "web-1");
    await close(second, "web-1", "escalated");
    rig.servers = [drained("web", "web-1")];
    expect(await found()).toEqual(["DRAINED_KEPT"]);
  });

  test("of another pool with the same name is not taken for ours", async () => {
    const id = await drain("web-1");
    await close(id, "web-1", "failed");
    rig.servers = [drained("api", "web-1")];
    expect(await found()).toEqual(["DRAINED_ELSEWHERE"]);
  });

  test("a balancer that does not answer is said, and hides nothing else", async () => {
    rig.balancerAway = true;
    rig.temporal.schedules.set(WATCH_SCHEDULE, { state: "missing", note: "" });
    const report = await rig.sweep();
    expect([codes(report), report.failures]).toEqual([["SCHEDULE_MISSING"], ["loadbalancer: the balancer is away"]]);
  });
});
