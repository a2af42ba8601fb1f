import { describe, expect, it } from "vitest";
import { sharedServer } from "../support/rig-server.ts";
import { BACK, REFUSED, UNTOUCHED } from "../support/rig-state.ts";
import type { FaultSpec } from "../../src/lab/faults.ts";
import type { SystemName } from "../../src/lab/types.ts";
import type { RigOptions } from "../support/rig-parts.ts";
import { withRig } from "../support/rig.ts";

const env = await sharedServer();

describe("a lost or late reply", () => {
  const lost: [string, FaultSpec][] = [
    ["to ticket.open", { name: "reply-lost", system: "rt", count: 1 }],
    ["to ticket.open, which hangs", { name: "timeout-after-effect", system: "rt", count: 1 }],
    ["to the drain", { name: "reply-lost", system: "haproxy", count: 1 }],
    ["to the silence", { name: "reply-lost", system: "alertmanager", count: 1 }],
    ["to the rebuild", { name: "reply-lost", system: "ironic", count: 3 }],
    ["to everything that is written", { name: "reply-lost", count: 12 }],
  ];
  it.each(lost)("%s is settled by reading back: one ticket, one rebuild, healed", async (_what, fault) => {
    await withRig(env, {}, async (rig) => {
      const injected = rig.lab.inject(fault);
      await rig.alert();
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed", needsHuman: false, leases: [] });
      expect(injected.strikes).toBeGreaterThan(0);
      expect(rig.world("web-1")).toEqual(BACK);
      expect(rig.harm()).toBe(0);
    });
  });

  it("that never took effect is sent a second time, after the request's longest life", async () => {
    await withRig(env, {}, async (rig) => {
      rig.lab.inject({ name: "timeout", system: "rt", count: 1 });
      await rig.alert();
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed", needsHuman: false });
      expect(rig.world("web-1")).toEqual(BACK);
    });
  });

  it("is waited for from when it was sent, not from when that was asked for: one ticket", async () => {
    let calls = 0;
    let follow = (): Promise<void> => Promise.resolve();
    const slow: RigOptions = {
      activities: (real) => ({
        ...real,
        "ticket.open": async (...args) => {
          if (++calls === 1) await env.sleep(9_000).then(follow);
          return real["ticket.open"]?.(...args);
        },
      }),
    };
    await withRig(env, slow, async (rig) => {
      follow = () => rig.followServer();
      // Within the 60 s that such a request may live.
      const lost = rig.lab.inject({ name: "timeout", system: "rt", count: 1, lateMs: 58_000 });
      await rig.alert();
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed", needsHuman: false });
      expect(lost.strikes).toBe(1);
      expect(rig.world("web-1")).toEqual(BACK);
    });
  });

  it("costs the effect none of its time: the second request has the whole `within`", async () => {
    // As short as it may be: over before the second request is sent, which then has sessions to wait for.
    const drainWithin = "45s";
    const runbook: RigOptions["runbook"] = ({ ladder }) =>
      Object.assign(ladder[0]?.steps[1] ?? {}, { within: drainWithin });
    await withRig(env, { runbook }, async (rig) => {
      for (const pool of rig.lab.world.traffic.pools.values()) pool.sessionMeanMs = 5_000;
      const lost = rig.lab.inject({ name: "timeout", system: "haproxy", count: 1 });
      await rig.alert();
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed", needsHuman: false });
      expect(lost.strikes).toBe(1);
      expect(rig.world("web-1")).toEqual(BACK);
    });
  });
});

describe("a system that is out for a while", () => {
  const systems: SystemName[] = ["prometheus", "alertmanager", "haproxy", "rt", "ironic", "redfish"];
  it.each(systems)("%s answers 5xx, then asks for patience: healed all the same", async (system) => {
    await withRig(env, {}, async (rig) => {
      const burst = rig.lab.inject({ name: "error-burst", system, count: 1 });
      const limited = rig.lab.inject({ name: "rate-limited", system, count: 1, retryAfterS: 20 });
      await rig.alert();
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed", needsHuman: false, leases: [] });
      expect(burst.strikes + limited.strikes).toBe(2);
      expect(rig.world("web-1")).toEqual(BACK);
      expect(rig.harm()).toBe(0);
    });
  });

  it("asked again and again for hardly any patience, it tries ever more rarely, and then gives up", async () => {
    await withRig(env, {}, async (rig) => {
      const limited = rig.lab.inject({ name: "rate-limited", system: "rt", on: "write", retryAfterS: 1 });
      await rig.alert();
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "escalated", needsHuman: true, leases: [] });
      // The ticket's 5 minutes, and the undo's as many.
      expect(limited.strikes).toBeLessThan(40);
    });
  });

  it("the chat does not stop healing, and the record says who was not told", async () => {
    await withRig(env, { standingFor: [] }, async (rig) => {
      rig.lab.inject({ name: "notifier-down" });
      await rig.alert();
      await rig.soonIn("web-1", "approve");
      await rig.untilIn("web-1", "approve", /approval/);
      await rig.decide("approve", "web-1", "grace");
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "healed", told: ["message failed", "message failed"] });
      expect(rig.world("web-1")).toEqual(BACK);
      expect(rig.lab.world.messages).toEqual([]);
    });
  });
});

describe("what cannot be known", () => {
  it("a probe that is gone, stale, NaN or double is unknown: a person is told, nothing is touched", async () => {
    const faults = {
      "web-1": "probe-gone",
      "web-2": "probe-stale",
      "web-3": "probe-nan",
      "web-4": "probe-double",
    } as const;
    await withRig(env, { failing: Object.keys(faults) }, async (rig) => {
      for (const [host, name] of Object.entries(faults)) rig.lab.inject({ name, host });
      await rig.alert();
      for (const id of Object.keys(faults)) {
        const state = await rig.closed(id);
        expect(state).toMatchObject({ ...REFUSED, leases: [] });
        expect(state.detail).toContain("FACTS_UNAVAILABLE");
        expect(rig.world(id)).toEqual(UNTOUCHED);
      }
    });
  });

  it.each([{}, { cut: true }])("monitoring that is down is unknown: %j", async (how) => {
    await withRig(env, {}, async (rig) => {
      rig.lab.inject({ name: "metrics-down", ...how });
      await rig.alert();
      const state = await rig.closed("web-1");
      expect(state).toMatchObject(REFUSED);
      expect(state.detail).toContain("FACTS_UNAVAILABLE");
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("unknown after the reinstall is not healthy: the host stays drained", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "act", /deploy/);
      rig.lab.inject({ name: "probe-gone", host: "web-1" });
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "escalated", needsHuman: true });
      expect(state.detail).toContain("probe is unknown");
      expect(rig.world("web-1")).toMatchObject({ server: "drain 100 %", rebuilds: 1 });
    });
  });

  it("evidence that cannot be read refuses before anything is touched", async () => {
    await withRig(env, {}, async (rig) => {
      rig.lab.inject({ name: "error-burst", system: "redfish" });
      await rig.alert();
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({
        outcome: "refused",
        needsHuman: true,
        reasons: ["FACTS_UNAVAILABLE"],
        effects: {},
      });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });
});

describe("an effect that nobody can read back", () => {
  it("is a person's: the rest is taken back, and its leases stay taken until it is settled", async () => {
    await withRig(env, {}, async (rig) => {
      rig.lab.inject({ name: "reply-lost", system: "rt", count: 1 });
      rig.lab.on(({ what }) => {
        if (what === "ticket-created") rig.lab.inject({ name: "error-burst", system: "rt", on: "read" });
      });
      await rig.alert();
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "escalated", needsHuman: true, told: ["page sent"] });
      expect(state.detail).toContain("nobody knows whether ticket.open happened");
      expect(state.effects).toMatchObject({ dc: "unknown", "drain/undo": "happened", "silence/undo": "happened" });
      expect(state.effects["dc/undo"]).not.toBe("happened");
      expect(state.leases).toEqual(
        expect.arrayContaining(["group:web orphaned", "rack:r01 orphaned", "target:host:web-1 orphaned"]),
      );
      expect(rig.world("web-1")).toMatchObject({ server: "ready 100 %", rebuilds: 0, silences: 0 });
    });
  });
});

describe("harm", () => {
  it("right after the drain stops the plan, and the drain is taken back", async () => {
    await withRig(env, {}, async (rig) => {
      rig.lab.inject({ name: "harm", host: "web-1" });
      await rig.alert();
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "escalated", needsHuman: true, leases: [], told: ["page sent"] });
      expect(state.detail).toMatch(/harm: pool-availability went from .* all was taken back/);
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("that comes while it waits for hours is seen by the watcher, and stops the plan", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "act", /ticket/);
      rig.lab.inject({ name: "harm", host: "web-1" });
      await rig.advance(60_000);
      await rig.soon("closed", async () => !(await rig.isRunning("web-1")));
      const state = await rig.state("web-1");
      expect(state).toMatchObject({ outcome: "escalated", needsHuman: true });
      expect(state.detail).toMatch(/harm: pool-availability/);
      expect(rig.world("web-1")).toEqual({ ...UNTOUCHED, tickets: ["rejected"] });
    });
  });
});

describe("a refusal", () => {
  it("of the drain ends the plan before anything else, with nothing to take back but the silence", async () => {
    await withRig(env, {}, async (rig) => {
      rig.lab.inject({ name: "drain-refused", host: "web-1" });
      await rig.alert();
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "escalated", needsHuman: true, leases: [], told: ["page sent"] });
      expect(state.effects).toEqual({ silence: "happened", drain: "notHappened", "silence/undo": "happened" });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("of the undo is a page and needs a person; the rest is taken back all the same", async () => {
    await withRig(env, {}, async (rig) => {
      rig.lab.inject({ name: "technician-absent", host: "web-1" });
      rig.lab.inject({ name: "undo-refused", host: "web-1" });
      await rig.alert();
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "escalated", needsHuman: true, told: ["page sent"] });
      expect(state.detail).toMatch(/not all of it could be taken back.*undo of loadbalancer\.drain/);
      expect(state.effects).toMatchObject({
        "dc/undo": "happened",
        "drain/undo": "notHappened",
        "silence/undo": "happened",
      });
      expect(rig.world("web-1")).toEqual({ server: "drain 100 %", rebuilds: 0, tickets: ["rejected"], silences: 0 });
    });
  });
});
