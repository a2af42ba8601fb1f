import { describe, expect, it } from "vitest";
import { sharedServer } from "../support/rig-server.ts";
import { UNTOUCHED } from "../support/rig-state.ts";
import { MINUTE_MS, withRig } from "../support/rig.ts";

const env = await sharedServer();

const CANCELLED_BEFORE = { outcome: "cancelled", needsHuman: false, effects: {}, leases: [], told: ["message sent"] };

describe("a person's cancel", () => {
  it("while it confirms ends it with nothing touched", async () => {
    await withRig(env, {}, async (rig) => {
      rig.lab.inject({ name: "self-heal", host: "web-1" });
      await rig.alert({ hosts: ["web-1"] });
      await rig.soon("the first reading", async () => /healthy/.test((await rig.view("web-1")).doing));
      await rig.cancel("web-1");
      await rig.soon("closed", async () => !(await rig.isRunning("web-1")));
      expect(await rig.state("web-1")).toMatchObject(CANCELLED_BEFORE);
    });
  });

  it("while a person is asked ends it with nothing touched", async () => {
    await withRig(env, { standingFor: [] }, async (rig) => {
      await rig.alert();
      await rig.soonIn("web-1", "approve", /approval/);
      await rig.cancel("web-1");
      await rig.soon("closed", async () => !(await rig.isRunning("web-1")));
      expect(await rig.state("web-1")).toMatchObject({ ...CANCELLED_BEFORE, told: ["message sent", "message sent"] });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("while it waits for a place ends it, and it leaves the queue", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.record.pause({ scope: "global", reason: "freeze", by: "ada", until: null });
      await rig.alert();
      await rig.soonIn("web-1", "admit", /paused/);
      await rig.cancel("web-1");
      await rig.soon("closed", async () => !(await rig.isRunning("web-1")));
      expect(await rig.state("web-1")).toMatchObject(CANCELLED_BEFORE);
      expect(await rig.record.queue()).toEqual([]);
    });
  });

  it("while it drains takes the drain back", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.soonIn("web-1", "act", /sessions open/);
      await rig.cancel("web-1");
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "cancelled", needsHuman: false, leases: [], told: ["message sent"] });
      expect(state.effects).toEqual({
        silence: "happened",
        drain: "notHappened",
        "drain/undo": "happened",
        "silence/undo": "happened",
      });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("while the technician is on his way withdraws the ticket and takes everything back", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "act", /ticket/);
      await rig.cancel("web-1");
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "cancelled", needsHuman: false, leases: [] });
      expect(state.effects).toMatchObject({
        "dc/undo": "happened",
        "drain/undo": "happened",
        "silence/undo": "happened",
      });
      expect(rig.world("web-1")).toEqual({ ...UNTOUCHED, tickets: ["rejected"] });
      await rig.advance(5 * 60 * MINUTE_MS);
      expect(rig.lab.world.host("web-1").swaps).toBe(0);
      expect(rig.harm()).toBe(0);
    });
  });

  it("while it reinstalls waits for the end of that, and leaves the host drained for a person", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "act", /deploy/);
      await rig.cancel("web-1");
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "cancelled", needsHuman: true, leases: [], told: ["page sent"] });
      expect(state.effects).toMatchObject({ rebuild: "happened", "drain/finishOtherwise": "happened" });
      expect(rig.world("web-1")).toEqual({ server: "drain 100 %", rebuilds: 1, tickets: ["resolved"], silences: 0 });
    });
  });

  it("while it verifies leaves the host drained for a person", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "verify");
      await rig.cancel("web-1");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "cancelled", needsHuman: true, told: ["page sent"] });
      expect(rig.world("web-1")).toMatchObject({ server: "drain 100 %", rebuilds: 1, silences: 0 });
    });
  });

  it("through Temporal's own cancel ends in the safe state too", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "act", /ticket/);
      await rig.handle("web-1").cancel();
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "cancelled", leases: [] });
      expect(rig.world("web-1")).toEqual({ ...UNTOUCHED, tickets: ["rejected"] });
    });
  });

  it("of what is closed already finds nothing running", async () => {
    await withRig(env, { runbook: (runbook) => void (runbook.mode = "observe") }, async (rig) => {
      await rig.alert();
      await rig.closed("web-1");
      const message = { by: "ada" };
      const answer = await rig.remediations.decide("heal:host:web-1", { kind: "cancel", message });
      expect(answer).toBe("notRunning");
    });
  });
});
