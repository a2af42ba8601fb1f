import { describe, expect, it } from "vitest";
import { sharedServer } from "../support/rig-server.ts";
import { UNTOUCHED } from "../support/rig-state.ts";
import { MINUTE_MS, withRig } from "../support/rig.ts";

const env = await sharedServer();

describe("before anything is touched", () => {
  it("closes as recovered when the host heals by itself within the flap window", async () => {
    await withRig(env, {}, async (rig) => {
      rig.lab.inject({ name: "self-heal", host: "web-1" });
      await rig.alert({ hosts: ["web-1"] });
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "recovered", needsHuman: false, effects: {}, leases: [], told: [] });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
      expect(rig.harm()).toBe(0);
    });
  });

  it("acts when the disk fails again within the flap window", async () => {
    await withRig(env, { failing: [] }, async (rig) => {
      await rig.alert({ hosts: ["web-1"] });
      await rig.soon("the first reading", async () => /healthy/.test((await rig.view("web-1")).doing));
      rig.lab.world.failDisk("web-1");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
    });
  });

  it("closes as recovered when the alert is resolved while it confirms", async () => {
    await withRig(env, {}, async (rig) => {
      rig.lab.inject({ name: "self-heal", host: "web-1" });
      await rig.alert({ hosts: ["web-1"] });
      await rig.soon("the first reading", async () => /healthy/.test((await rig.view("web-1")).doing));
      await rig.alert({ hosts: [], resolved: ["web-1"] });
      await rig.soon("closed", async () => !(await rig.isRunning("web-1")));
      expect(await rig.state("web-1")).toMatchObject({ outcome: "recovered", effects: {}, told: [] });
    });
  });

  it("closes as recovered when the alert is resolved while a person is asked", async () => {
    await withRig(env, { standingFor: [] }, async (rig) => {
      await rig.alert();
      await rig.soonIn("web-1", "approve", /approval/);
      await rig.alert({ hosts: [], resolved: ["web-1"] });
      await rig.soon("closed", async () => !(await rig.isRunning("web-1")));
      expect(await rig.state("web-1")).toMatchObject({ outcome: "recovered", needsHuman: false, effects: {} });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("closes as recovered, and leaves the queue, when the alert is resolved while it waits for a place", async () => {
    await withRig(env, { failing: ["web-1", "web-2"] }, async (rig) => {
      await rig.alert({ hosts: ["web-1"] });
      await rig.soonIn("web-1", "act");
      await rig.alert({ hosts: ["web-2"] });
      await rig.soonIn("web-2", "admit", /in work/);
      expect(await rig.record.queue()).toHaveLength(1);
      await rig.alert({ hosts: [], resolved: ["web-2"] });
      await rig.soon("closed", async () => !(await rig.isRunning("web-2")));
      expect(await rig.state("web-2")).toMatchObject({ outcome: "recovered", effects: {}, leases: [] });
      expect(await rig.record.queue()).toEqual([]);
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
    });
  });

  it("asks the probe again after the queue: a host that got well while it waited is left alone", async () => {
    await withRig(env, { failing: ["web-1", "web-2"] }, async (rig) => {
      await rig.alert({ hosts: ["web-1"] });
      await rig.soonIn("web-1", "act");
      await rig.alert({ hosts: ["web-2"] });
      await rig.soonIn("web-2", "admit", /in work/);
      rig.lab.world.healDisk("web-2");
      expect(await rig.closed("web-2")).toMatchObject({ outcome: "recovered", effects: {} });
      expect(await rig.state("web-1")).toMatchObject({ outcome: "healed" });
      expect(rig.world("web-2")).toEqual(UNTOUCHED);
    });
  });
});

describe("modes", () => {
  it("observe: says what it would do, touches nothing and tells nobody", async () => {
    await withRig(env, { runbook: (runbook) => void (runbook.mode = "observe") }, async (rig) => {
      await rig.alert();
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({
        outcome: "observed",
        needsHuman: false,
        reasons: ["MODE_OBSERVE"],
        effects: {},
        told: [],
      });
      expect((await rig.story("web-1")).plan?.rungs).toHaveLength(1);
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("review: asks a person even where a standing approval would do", async () => {
    await withRig(
      env,
      { config: (config) => void Object.assign(config.groups["web"] ?? {}, { mode: "review" }) },
      async (rig) => {
        await rig.alert();
        await rig.soonIn("web-1", "approve", /approval/);
        expect((await rig.view("web-1")).verdict?.reasons.map(({ code }) => code)).toContain("MODE_REVIEW");
        await rig.decide("approve", "web-1", "grace");
        expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
      },
    );
  });
});

describe("the kill switch", () => {
  it("holds new work back, and lets it go within a minute of being lifted", async () => {
    await withRig(env, {}, async (rig) => {
      const pause = await rig.record.pause({ scope: "global", reason: "change freeze", by: "ada", until: null });
      await rig.alert();
      await rig.soonIn("web-1", "admit", /global is paused by ada: change freeze/);
      await rig.advance(5 * MINUTE_MS);
      expect(await rig.view("web-1")).toMatchObject({ phase: "admit" });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
      await rig.record.resume(pause.id, "ada");
      await rig.advance(MINUTE_MS);
      await rig.soonIn("web-1", "act");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
    });
  });

  it("ends by itself at its time", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.followServer();
      const until = new Date(rig.lab.clock.now() + 30 * MINUTE_MS).toISOString();
      await rig.record.pause({ scope: "group:web", reason: "deploy", by: "ada", until });
      await rig.alert();
      await rig.soonIn("web-1", "admit", /group:web is paused/);
      await rig.until("it acts", async () => (await rig.view("web-1")).phase === "act", 40 * MINUTE_MS);
      expect(rig.lab.clock.now()).toBeGreaterThanOrEqual(Date.parse(until));
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
    });
  });

  it("stops the next step of what runs, and lets it be taken back", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.soonIn("web-1", "act", /sessions open/);
      await rig.record.pause({ scope: "global", reason: "stop", by: "ada", until: null });
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({
        outcome: "escalated",
        needsHuman: true,
        detail: expect.stringMatching(/PAUSED.*all was taken back/) as string,
        effects: { silence: "happened", drain: "happened", "drain/undo": "happened", "silence/undo": "happened" },
        leases: [],
        told: ["page sent"],
      });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });
});
