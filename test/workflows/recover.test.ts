/** A workflow that was terminated at any point: what it had started is settled by the next run, whoever starts that. */
import { describe, expect, it } from "vitest";
import { sharedServer } from "../support/rig-server.ts";
import { ALL_TAKEN_BACK, UNTOUCHED } from "../support/rig-state.ts";
import { recover, terminate } from "../support/termination.ts";
import { MINUTE_MS, withRig, type Rig, type RigOptions } from "../support/rig.ts";

const env = await sharedServer();

interface Scenario {
  options?: RigOptions;
  /** Time passes until it stands where it is terminated. */
  until: (rig: Rig) => Promise<unknown>;
  /** Between the end of the workflow and its recovery. */
  meanwhile?: (rig: Rig) => Promise<unknown> | void;
  state: object;
  detail: RegExp;
  world: object;
}

const SCENARIOS: Record<string, Scenario> = {
  "while it confirms": {
    options: { lab: { faults: [{ name: "probe-gone", host: "web-1" }] } },
    until: (rig) => rig.soon("a reading", async () => /unknown/.test((await rig.view("web-1")).doing)),
    state: { effects: {}, told: ["page sent"] },
    detail: /before it had started anything; nothing was done/,
    world: UNTOUCHED,
  },
  "while a person is asked": {
    options: { standingFor: [] },
    until: (rig) => rig.soonIn("web-1", "approve", /approval/),
    state: { effects: {}, told: ["message sent", "page sent"] },
    detail: /at "approve: .*nothing was done/,
    world: UNTOUCHED,
  },
  "while it waits for a place": {
    until: (rig) => rig.soonIn("web-1", "admit", /paused/),
    options: {},
    state: { effects: {}, told: ["page sent"] },
    detail: /nothing was done/,
    world: UNTOUCHED,
  },
  "while it drains": {
    until: (rig) => rig.soonIn("web-1", "act", /sessions open/),
    state: {
      effects: { silence: "happened", drain: "notHappened", "drain/undo": "happened", "silence/undo": "happened" },
    },
    detail: /monitoring\.silence \(happened\), loadbalancer\.drain .*all was taken back/,
    world: UNTOUCHED,
  },
  "while the technician is on his way": {
    until: (rig) => rig.untilIn("web-1", "act", /ticket/),
    state: { effects: ALL_TAKEN_BACK },
    detail: /ticket\.open \(happened\); all was taken back/,
    world: { ...UNTOUCHED, tickets: ["rejected"] },
  },
  "and the technician is done before anybody looks": {
    until: (rig) => rig.untilIn("web-1", "act", /ticket/),
    meanwhile: (rig) => technicianDone(rig),
    state: {
      effects: {
        silence: "happened",
        drain: "happened",
        dc: "happened",
        "dc/finishOtherwise": "happened",
        "drain/finishOtherwise": "happened",
        "silence/finishOtherwise": "happened",
      },
    },
    detail: /it stays out of service/,
    world: { server: "drain 100 %", rebuilds: 0, tickets: ["resolved"], silences: 0 },
  },
  // Its comment on the ticket cannot be seen either: that keeps the leases until a person has looked.
  "and the ticket cannot be read": {
    until: (rig) => rig.untilIn("web-1", "act", /ticket/),
    meanwhile: (rig) => {
      rig.lab.inject({ name: "error-burst", system: "rt", on: "read", forMs: 20 * MINUTE_MS });
    },
    state: {
      effects: {
        silence: "happened",
        drain: "happened",
        dc: "happened",
        "dc/finishOtherwise": "unknown",
        "drain/finishOtherwise": "happened",
        "silence/finishOtherwise": "happened",
      },
      leases: ["global", "group:web", "rack:r01", "region:eu-1", "service:shop", "target:host:web-1"].map(
        (scope) => `${scope} orphaned`,
      ),
    },
    detail: /it stays out of service.*finishOtherwise of ticket\.open .* failed/,
    world: { server: "drain 100 %", rebuilds: 0, silences: 0 },
  },
  "while it reinstalls": {
    until: (rig) => rig.untilIn("web-1", "act", /deploy/),
    state: {
      effects: {
        silence: "happened",
        drain: "happened",
        dc: "happened",
        rebuild: "happened",
        "dc/finishOtherwise": "happened",
        "drain/finishOtherwise": "happened",
        "silence/finishOtherwise": "happened",
      },
    },
    detail: /provisioner\.rebuild \(happened\); it stays out of service/,
    world: { server: "drain 100 %", rebuilds: 1, tickets: ["resolved"], silences: 0 },
  },
  "while it verifies": {
    until: (rig) => rig.untilIn("web-1", "verify"),
    state: {},
    detail: /it stays out of service/,
    world: { server: "drain 100 %", rebuilds: 1, tickets: ["resolved"], silences: 0 },
  },
};

async function technicianDone(rig: Rig): Promise<void> {
  await rig.until("the technician is done", () => rig.world("web-1").tickets[0] === "resolved");
}

describe("a workflow that was terminated", () => {
  it.each(Object.entries(SCENARIOS))("%s is settled, and a person is told", async (name, scenario) => {
    await withRig(env, scenario.options ?? {}, async (rig) => {
      if (name === "while it waits for a place") {
        await rig.record.pause({ scope: "global", reason: "freeze", by: "ada", until: null });
      }
      await rig.alert();
      await scenario.until(rig);
      await terminate(rig);
      await scenario.meanwhile?.(rig);
      await recover(rig);
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({
        outcome: "escalated",
        needsHuman: true,
        leases: [],
        told: ["page sent"],
        ...scenario.state,
      });
      expect(state.detail).toMatch(/^its workflow ended \(TERMINATED\)/);
      expect(state.detail).toMatch(scenario.detail);
      expect(rig.world("web-1")).toMatchObject(scenario.world);
      expect(await rig.record.queue()).toEqual([]);
      expect(rig.harm()).toBe(0);
    });
  });
});

/** The steps of the ramp that were taken, in order. */
const inRamp = async (rig: Rig): Promise<boolean> =>
  (await rig.state("web-1")).effects["drain@25/finishHealthy"] === "happened";

describe("a workflow that was terminated while the traffic came back", () => {
  it("goes on with that when the probe is healthy, from where it was, and heals", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "verify");
      const half = async (): Promise<boolean> =>
        (await rig.state("web-1")).effects["drain@50/finishHealthy"] === "happened";
      while (!(await half())) await rig.advance(MINUTE_MS);
      await terminate(rig);
      await recover(rig);
      const weights: (string | null)[] = [];
      await rig.until("closed", async () => {
        weights.push(rig.world("web-1").server);
        return !(await rig.isRunning("web-1"));
      });
      expect(await rig.state("web-1")).toMatchObject({
        outcome: "healed",
        needsHuman: false,
        leases: [],
        told: ["message sent"],
      });
      expect(weights).not.toContain("ready 25 %");
      expect(rig.world("web-1")).toEqual({ server: "ready 100 %", rebuilds: 1, tickets: ["resolved"], silences: 0 });
      expect(rig.harm()).toBe(0);
    });
  });

  it("drains it again when the probe is not healthy", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "verify");
      await rig.until("some of it is back", () => inRamp(rig));
      await terminate(rig);
      rig.lab.world.failDisk("web-1");
      await recover(rig);
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "escalated", needsHuman: true, leases: [] });
      expect(rig.world("web-1")).toMatchObject({ server: expect.stringContaining("drain"), rebuilds: 1, silences: 0 });
    });
  });
});

describe("a workflow that was terminated when it had told its end, and not closed", () => {
  it("is not the last word: what came of it is told too", async () => {
    let away = true;
    const activities: RigOptions["activities"] = (real) => ({
      ...real,
      "remediation.close": (...args) =>
        (away ? null : real["remediation.close"]?.(...args)) ?? Promise.reject(new Error("the record is full")),
    });
    await withRig(env, { activities }, async (rig) => {
      await rig.alert();
      const told = async (): Promise<string[]> => (await rig.state("web-1")).told;
      await rig.untilIn("web-1", "verify");
      await rig.until("it was told", async () => (await told()).includes("message sent"));
      await rig.handle("web-1").terminate("it does not get on");
      away = false;
      rig.lab.world.failDisk("web-1");
      await recover(rig);
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "escalated", needsHuman: true, told: ["message sent", "page sent"] });
      expect(rig.world("web-1")).toMatchObject({ server: "drain 100 %" });
    });
  });
});

describe("the next alert of the target", () => {
  it("has it recovered first, and gets a remediation of its own", async () => {
    await withRig(env, { standingFor: [] }, async (rig) => {
      await rig.alert();
      await rig.soonIn("web-1", "approve", /approval/);
      await terminate(rig);
      rig.lab.world.healDisk("web-1");
      await rig.advance(MINUTE_MS);
      rig.lab.world.failDisk("web-1");
      await rig.alert();
      await rig.soonIn("web-1", "approve", /approval/);
      expect(await rig.outcomes("web-1")).toEqual([null, "escalated"]);
      await rig.decide("reject", "web-1", "ada");
      await rig.closed("web-1");
      expect(await rig.outcomes("web-1")).toEqual(["rejected", "escalated"]);
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("is recovered in the record too when it was resolved meanwhile", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "act", /deploy/);
      await terminate(rig);
      const startsAt = new Date(rig.lab.clock.now()).toISOString();
      const again = (change: object): Promise<unknown> =>
        rig.alert({ hosts: ["web-1"] }, (body) =>
          body.alerts.forEach((alert) => Object.assign(alert, { startsAt, ...change })),
        );
      await again({});
      await rig.soonIn("web-1", "recover");
      await again({ status: "resolved", endsAt: startsAt });
      await rig.closed("web-1");
      expect(await rig.outcomes("web-1")).toEqual(["recovered", "escalated"]);
    });
  });
});

describe("a recovery", () => {
  it("that is terminated itself is recovered by the next one, and each effect happens once", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "act", /deploy/);
      for (let times = 0; times < 3; times++) {
        await terminate(rig);
        await recover(rig);
        await rig.soonIn("web-1", "recover", /node web-1/);
      }
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "escalated", needsHuman: true, leases: [], told: ["page sent"] });
      expect(state.detail).toContain('at "act: ');
      expect(rig.world("web-1")).toEqual({ server: "drain 100 %", rebuilds: 1, tickets: ["resolved"], silences: 0 });
      expect((await rig.story("web-1")).audit.filter((row) => row.kind === "closed")).toHaveLength(1);
    });
  });

  it("of what is closed or was never there does nothing", async () => {
    await withRig(env, { runbook: (runbook) => void (runbook.mode = "observe") }, async (rig) => {
      await rig.alert();
      await rig.closed("web-1");
      const before = await rig.story("web-1");
      await recover(rig);
      await rig.soon("it ended", async () => !(await rig.isRunning("web-1")));
      expect(await rig.story("web-1")).toEqual(before);
    });
  });

  it("refuses a cancel: the target is on its way to its safe state already", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "act", /deploy/);
      await terminate(rig);
      await recover(rig);
      await rig.soonIn("web-1", "recover", /node web-1/);
      await expect(rig.cancel("web-1")).rejects.toThrow(/safe state already/);
      await rig.closed("web-1");
    });
  });
});

describe("a request of a workflow that is gone", () => {
  it("which was not there when it was last looked for may take effect late: it is taken back all the same", async () => {
    const late = { name: "timeout", system: "alertmanager", count: 1, lateMs: 40_000 } as const;
    await withRig(env, { lab: { faults: [late] } }, async (rig) => {
      await rig.alert();
      await rig.soon("it was looked for", async () => {
        const row = await rig.record.find("host/web-1");
        return row !== null && (await rig.state("web-1")).effects["silence"] === "notHappened";
      });
      await terminate(rig);
      await recover(rig);
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "escalated", leases: [] });
      expect(state.effects).toEqual({ silence: "happened", "silence/undo": "happened" });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });
});

describe("a remediation whose run Temporal does not know", () => {
  const lost: RigOptions = {
    standingFor: [],
    remediations: (real) => ({ ...real, run: async () => ({ state: "notFound" }) }),
  };

  it("is not touched: a person is told once, and the alerts that come end", async () => {
    await withRig(env, lost, async (rig) => {
      await rig.alert();
      await rig.soonIn("web-1", "approve", /approval/);
      await terminate(rig);
      for (let times = 0; times < 2; times++) {
        rig.lab.world.healDisk("web-1");
        await rig.advance(MINUTE_MS);
        rig.lab.world.failDisk("web-1");
        await rig.alert();
        await rig.until("it ended", async () => !(await rig.isRunning("web-1")));
      }
      expect(await rig.outcomes("web-1")).toEqual([null]);
      expect((await rig.state("web-1")).told).toEqual(["message sent", "page sent"]);
      expect(rig.lab.world.messages.filter(({ text }) => text.includes("no proof that it has ended"))).toHaveLength(1);
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("is settled on a person's word, which is recorded", async () => {
    await withRig(env, lost, async (rig) => {
      await rig.alert();
      await rig.soonIn("web-1", "approve", /approval/);
      await terminate(rig);
      await recover(rig, "ada");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "escalated", leases: [] });
      const { audit, remediation } = await rig.story("web-1");
      expect(audit.find((row) => row.kind === "recovering")?.body).toMatchObject({
        by: "ada",
        ended: "by the word of ada",
      });
      expect(remediation.detail).toContain("by the word of ada");
    });
  });
});
