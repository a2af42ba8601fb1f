/** The first pass of an episode is one activity (ADR 42): what comes meanwhile counts, and a lost reply changes nothing. */
import type { TestWorkflowEnvironment } from "@temporalio/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gateAt } from "../support/gate.ts";
import { timeSkippingServer } from "../support/rig-server.ts";
import { withRig, type Rig, type RigOptions } from "../support/rig.ts";

let env: TestWorkflowEnvironment;
beforeAll(async () => {
  env = await timeSkippingServer();
});
afterAll(async () => {
  await env.teardown();
});

/** Nothing in the world was touched. */
const UNTOUCHED = { server: "ready 100 %", rebuilds: 0, tickets: [], silences: 0 };
const OBSERVE: RigOptions = { runbook: (runbook) => void (runbook.mode = "observe") };
const AUDIT = ["opened", "progress", "confirmed", "collected", "verdict", "closed"];

async function auditOf(rig: Rig, id: string): Promise<string[]> {
  return (await rig.story(id)).audit.map(({ kind }) => kind);
}

describe("a fault that is only observed", () => {
  it("costs one activity and one upsert, and its story has every part", async () => {
    await withRig(env, OBSERVE, async (rig) => {
      await rig.alert();
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "observed", reasons: ["MODE_OBSERVE"], told: [] });
      expect(await auditOf(rig, "web-1")).toEqual(AUDIT);
      const { events } = await rig.handle("web-1").fetchHistory();
      const count = (of: "activityTaskScheduledEventAttributes" | "upsertWorkflowSearchAttributesEventAttributes") =>
        (events ?? []).filter((event) => (event[of] ?? null) !== null).length;
      expect(count("activityTaskScheduledEventAttributes")).toBe(1);
      expect(count("upsertWorkflowSearchAttributesEventAttributes")).toBe(1);
      const { typedSearchAttributes } = await rig.handle("web-1").describe();
      const attributes = typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]);
      expect(Object.fromEntries(attributes)).toMatchObject({ SelfhealPhase: "closed", SelfhealOutcome: "observed" });
      expect(await rig.view("web-1")).toMatchObject({
        phase: "closed",
        outcome: "observed",
        runbook: "disk-replacement",
      });
    });
  });

  it("is closed once when the reply of its close is lost", async () => {
    let tries = 0;
    const activities: RigOptions["activities"] = (real) => ({
      ...real,
      "remediation.assess": async (...args) => {
        const reply = await real["remediation.assess"]?.(...args);
        if (++tries === 1) throw new Error("the worker died");
        return reply;
      },
    });
    await withRig(env, { ...OBSERVE, activities }, async (rig) => {
      await rig.alert();
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "observed" });
      expect(tries).toBe(2);
      expect(await auditOf(rig, "web-1")).toEqual(AUDIT);
      expect(await rig.outcomes("web-1")).toEqual(["observed"]);
      expect(await rig.view("web-1")).toMatchObject({ outcome: "observed" });
    });
  });

  it("closes before a cancel that comes meanwhile: nothing was done, and the person is told", async () => {
    const gate = gateAt("remediation.assess", "after");
    await withRig(env, { ...OBSERVE, ...gate.options }, async (rig) => {
      await rig.alert();
      await gate.entered;
      await rig.cancel("web-1", "ada");
      gate.open();
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "observed", effects: {} });
      expect((await rig.view("web-1")).notTaken).toBe("cancelled by ada: not now: it was closed already: observed");
    });
  });

  it("leaves a fault that comes meanwhile to the next remediation", async () => {
    const gate = gateAt("remediation.assess", "after");
    await withRig(env, { ...OBSERVE, ...gate.options }, async (rig) => {
      await rig.alert();
      await gate.entered;
      await rig.alert({}, (body) => {
        for (const alert of body.alerts) Object.assign(alert, { startsAt: "2020-01-01T00:00:00.000Z" });
      });
      gate.open();
      await rig.closed("web-1");
      expect(await rig.outcomes("web-1")).toEqual(["observed", "observed"]);
      expect(await rig.record.undelivered(0, 10)).toEqual([]);
    });
  });
});

describe("a fault that would be healed", () => {
  it("is left alone when a person cancels during the first look", async () => {
    const gate = gateAt("remediation.assess", "after");
    await withRig(env, gate.options, async (rig) => {
      await rig.alert();
      await gate.entered;
      await rig.cancel("web-1", "ada");
      gate.open();
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "cancelled", effects: {}, leases: [] });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("is left alone when its alert is resolved during the first look", async () => {
    const gate = gateAt("remediation.assess", "after");
    await withRig(env, gate.options, async (rig) => {
      await rig.alert();
      await gate.entered;
      await rig.alert({ hosts: [], resolved: ["web-1"] });
      gate.open();
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "recovered", effects: {}, leases: [] });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("is decided again, and acted on once, when the reply of the first look is lost", async () => {
    let tries = 0;
    const activities: RigOptions["activities"] = (real) => ({
      ...real,
      "remediation.assess": async (...args) => {
        const reply = await real["remediation.assess"]?.(...args);
        if (++tries === 1) throw new Error("the worker died");
        return reply;
      },
    });
    await withRig(env, { activities }, async (rig) => {
      await rig.alert();
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed", leases: [] });
      expect((await auditOf(rig, "web-1")).filter((kind) => kind === "opened")).toEqual(["opened"]);
      expect(rig.world("web-1")).toEqual({ server: "ready 100 %", rebuilds: 1, tickets: ["resolved"], silences: 0 });
    });
  });
});
