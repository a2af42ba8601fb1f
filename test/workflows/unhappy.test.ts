import { describe, expect, it } from "vitest";
import { type RunbookYaml, wideOpen } from "../support/rig-folder.ts";
import type { FaultName } from "../../src/lab/faults.ts";
import type { LabHost } from "../../src/lab/types.ts";
import { sharedServer } from "../support/rig-server.ts";
import { ALL_TAKEN_BACK, UNTOUCHED } from "../support/rig-state.ts";
import { HOUR_MS, withRig, type Rig } from "../support/rig.ts";

const env = await sharedServer();

/** After the point of no return: out of service, nothing else left over, a person is paged. */
const STAYS_OUT = { server: "drain 100 %", tickets: ["resolved"], silences: 0 };
const ASKS_A_PERSON = { outcome: "escalated", needsHuman: true, told: ["page sent"] };
/** Its leases are given back; while it is left out it goes on counting. */
const LEFT_OUT = { ...ASKS_A_PERSON, leases: [], leftOut: true };

/** The end of web-1's remediation, when that goes wrong. */
async function endWith(rig: Rig, fault: FaultName) {
  rig.lab.inject({ name: fault, host: "web-1" });
  await rig.alert();
  return rig.closed("web-1");
}

describe("the technician", () => {
  it("who does not come until the deadline: everything is taken back, and a person is paged", async () => {
    await withRig(env, {}, async (rig) => {
      const state = await endWith(rig, "technician-absent");
      expect(state).toMatchObject({ ...LEFT_OUT, leftOut: false });
      expect(state.detail).toMatch(/ticket\.awaitResolved.*all was taken back/);
      expect(state.effects).toEqual(ALL_TAKEN_BACK);
      expect(rig.world("web-1")).toEqual({ ...UNTOUCHED, tickets: ["rejected"] });
      expect(rig.harm()).toBe(0);
      // The same fault goes on firing: a person has it, it does not start again.
      await rig.alert();
      expect(await rig.isRunning("web-1")).toBe(false);
      expect(await rig.outcomes("web-1")).toEqual(["escalated"]);
    });
  });

  it("who only reseats the old disk: nothing is wiped, and the host stays drained", async () => {
    await withRig(env, {}, async (rig) => {
      const state = await endWith(rig, "wrong-disk");
      expect(state).toMatchObject(LEFT_OUT);
      expect(state.detail).toMatch(/the old drive \w+ is still there.*it stays out of service/);
      expect(state.effects).not.toHaveProperty("rebuild");
      expect(rig.world("web-1")).toEqual({ ...STAYS_OUT, rebuilds: 0 });
      expect(rig.harm()).toBe(0);
    });
  });

  it("who swaps another disk of the host: nothing is wiped, and the host stays drained", async () => {
    const twoDisks = {
      runbook: (runbook: RunbookYaml) => void (runbook.require = "target.diskCount == 2"),
      hosts: (hosts: LabHost[]) => {
        const disk = { slot: 1, device: "/dev/sdb", serial: "GOOD-DISK", model: "Contoso", failing: false };
        hosts.find(({ id }) => id === "web-1")?.disks.push(disk);
      },
    };
    await withRig(env, twoDisks, async (rig) => {
      const state = await endWith(rig, "wrong-disk");
      expect(state).toMatchObject({ outcome: "escalated", needsHuman: true });
      expect(rig.lab.world.host("web-1").disks.map(({ serial }) => serial)).not.toContain("GOOD-DISK");
      expect(rig.world("web-1")).toEqual({ ...STAYS_OUT, rebuilds: 0 });
    });
  });

  it("who brings a bad disk: nothing is installed on it, and the host stays drained", async () => {
    await withRig(env, {}, async (rig) => {
      const state = await endWith(rig, "bad-new-disk");
      expect(state).toMatchObject(ASKS_A_PERSON);
      expect(state.detail).toContain("is not healthy");
      expect(rig.world("web-1")).toEqual({ ...STAYS_OUT, rebuilds: 0 });
      expect(rig.harm()).toBe(0);
    });
  });
});

describe("a host that an earlier remediation left out of service", () => {
  it("gets no traffic by the undo of a later one: nobody has proven it healthy", async () => {
    const runbook = (content: RunbookYaml): void => {
      wideOpen(content);
      delete content.limits["cooldown"];
      delete content.limits["attempts"];
    };
    await withRig(env, { runbook }, async (rig) => {
      expect(await endWith(rig, "wrong-disk")).toMatchObject(LEFT_OUT);
      await rig.advance(25 * HOUR_MS);
      const startsAt = new Date(rig.lab.clock.now()).toISOString();
      rig.lab.inject({ name: "technician-absent", host: "web-1" });
      await rig.alert({}, ({ alerts }) => alerts.forEach((alert) => Object.assign(alert, { startsAt })));
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ ...LEFT_OUT, leftOut: false, effects: ALL_TAKEN_BACK });
      expect(await rig.outcomes("web-1")).toEqual(["escalated", "escalated"]);
      expect(rig.world("web-1")).toEqual({ ...STAYS_OUT, rebuilds: 0, tickets: ["resolved", "rejected"] });
      expect(await rig.record.leftOut()).toMatchObject([{ target: { id: "web-1" } }]);
    });
  });
});

describe("a host that a person has drained", () => {
  it("is not healed under his hands, and its traffic is his to give back", async () => {
    await withRig(env, { runbook: wideOpen }, async (rig) => {
      rig.setAdmin("web-1", "drain");
      await rig.alert();
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ ...ASKS_A_PERSON, leases: [], leftOut: false });
      expect(state.detail).toContain("and not by selfheal");
      expect(Object.keys(state.effects).filter((key) => key.endsWith(":drain"))).toEqual([]);
      expect(rig.world("web-1")).toMatchObject({ ...STAYS_OUT, rebuilds: 0, tickets: [] });
    });
  });
});

describe("verification", () => {
  it("fails on a disk that is bad after the reinstall: the host stays drained", async () => {
    const runbook = (content: RunbookYaml): void => {
      const rung = content.ladder[0];
      if (rung) rung.steps = rung.steps.filter(({ uses }) => uses !== "host.assertDiskReplaced");
    };
    await withRig(env, { runbook }, async (rig) => {
      const state = await endWith(rig, "bad-new-disk");
      expect(state).toMatchObject(LEFT_OUT);
      expect(state.detail).toMatch(/not healthy: probe is unhealthy.*it stays out of service/);
      expect(rig.world("web-1")).toEqual({ ...STAYS_OUT, rebuilds: 1 });
    });
  });

  it("that fails while traffic comes back takes the traffic away again", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.until("a quarter of the traffic", () => rig.world("web-1").server === "ready 25 %");
      rig.lab.world.failDisk("web-1");
      const state = await rig.closed("web-1");
      expect(state).toMatchObject(ASKS_A_PERSON);
      expect(state.detail).toContain("while traffic came back");
      expect(state.effects).toMatchObject({
        "drain@25/finishHealthy": "happened",
        "drain/finishOtherwise": "happened",
      });
      expect(rig.world("web-1")).toMatchObject({ server: "drain 25 %", silences: 0 });
    });
  });
});

describe("the installer", () => {
  it("that is stuck: past the point of no return the host stays drained, and its leases stay taken", async () => {
    await withRig(env, {}, async (rig) => {
      const state = await endWith(rig, "installer-stuck");
      expect(state).toMatchObject(ASKS_A_PERSON);
      expect(state.effects).toMatchObject({ rebuild: "pending", "dc/finishOtherwise": "happened" });
      expect(state.effects).not.toHaveProperty("drain/undo");
      expect(state.leases).toEqual(
        expect.arrayContaining(["group:web orphaned", "rack:r01 orphaned", "target:host:web-1 orphaned"]),
      );
      expect(rig.world("web-1")).toEqual({ ...STAYS_OUT, rebuilds: 1 });
      expect(rig.harm()).toBe(0);
    });
  });

  it("that fails: the host stays drained, the ticket says so, a person is paged", async () => {
    await withRig(env, {}, async (rig) => {
      const state = await endWith(rig, "installer-fails");
      expect(state).toMatchObject(LEFT_OUT);
      expect(state.effects).toMatchObject({
        rebuild: "failed",
        "dc/finishOtherwise": "happened",
        "silence/finishOtherwise": "happened",
      });
      expect(state.detail).toContain("deploy failed");
      expect(rig.world("web-1")).toEqual({ ...STAYS_OUT, rebuilds: 1 });
      const texts = rig.lab.world.tickets
        .all()
        .flatMap(({ transactions }) => transactions.map((one) => one.attachment?.content ?? ""));
      expect(texts.filter((text) => text.includes("selfheal gives up"))).toHaveLength(1);
    });
  });
});

describe("a second rung", () => {
  /** First only take the host out for a while, then replace the disk. */
  const withLightRung = (runbook: RunbookYaml): void => {
    wideOpen(runbook);
    runbook.ladder.unshift({
      rung: "rest",
      steps: [{ uses: "loadbalancer.drain", with: { pool: "${{ target.pool }}" } }],
      verify: { hold: "1m", within: "5m" },
    });
  };

  it("is tried after the first was taken back", async () => {
    await withRig(env, { runbook: withLightRung }, async (rig) => {
      await rig.alert();
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({
        outcome: "healed",
        effects: { "rest:drain": "happened", "rest:drain/undo": "happened" },
      });
      const admin = rig.lab.world.log
        .filter(({ system, host }) => system === "haproxy" && host === "web-1")
        .map(({ what }) => what);
      expect(admin.slice(0, 3)).toEqual(["drain", "ready", "drain"]);
      expect(rig.world("web-1")).toMatchObject({ server: "ready 100 %", rebuilds: 1 });
    });
  });

  it("is not tried when the first could not be taken back", async () => {
    await withRig(env, { runbook: withLightRung }, async (rig) => {
      const state = await endWith(rig, "undo-refused");
      expect(state).toMatchObject(ASKS_A_PERSON);
      expect(state.detail).toContain("could not be taken back");
      expect(Object.keys(state.effects)).toEqual(["rest:drain", "rest:drain/undo"]);
      expect(rig.world("web-1")).toEqual({ server: "drain 100 %", rebuilds: 0, tickets: [], silences: 0 });
    });
  });

  it("heals what the first could not, past the point of no return, and the traffic comes back once", async () => {
    const runbook = (content: RunbookYaml): void => {
      wideOpen(content);
      const [first] = content.ladder;
      if (!first) throw new Error("the runbook has no rung");
      for (const step of first.steps) if (step.uses === "host.assertDiskReplaced") step.onFail = "nextRung";
      content.ladder.push({ ...structuredClone(first), rung: "again" });
    };
    await withRig(env, { runbook }, async (rig) => {
      rig.lab.inject({ name: "wrong-disk", host: "web-1", count: 1 });
      await rig.alert();
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed", leases: [], needsHuman: false });
      expect(rig.world("web-1")).toEqual({
        server: "ready 100 %",
        rebuilds: 1,
        tickets: ["resolved", "resolved"],
        silences: 0,
      });
      expect(rig.lab.world.log.filter(({ what, host }) => what === "ready" && host === "web-1")).toHaveLength(1);
      expect(rig.harm()).toBe(0);
    });
  });
});
