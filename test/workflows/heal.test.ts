import { describe, expect, it } from "vitest";
import { wideOpen } from "../support/rig-folder.ts";
import { sharedServer } from "../support/rig-server.ts";
import { HOUR_MS, withRig, type RigOptions } from "../support/rig.ts";

const env = await sharedServer();

describe("a failing disk", () => {
  it("is replaced: drained, ticket, technician, reinstall, verified, back in the pool, and nothing is left over", async () => {
    await withRig(env, {}, async (rig) => {
      const oldSerial = rig.lab.world.host("web-1").disks[0]?.serial ?? "";
      await rig.alert();
      const state = await rig.closed("web-1");
      expect(state).toEqual({
        outcome: "healed",
        needsHuman: false,
        detail: expect.stringContaining("held healthy") as string,
        reasons: [],
        effects: {
          silence: "happened",
          drain: "happened",
          dc: "happened",
          rebuild: "happened",
          "dc/finishHealthy": "happened",
          "drain@25/finishHealthy": "happened",
          "drain@50/finishHealthy": "happened",
          "drain@100/finishHealthy": "happened",
          "silence/finishHealthy": "happened",
        },
        leases: [],
        leftOut: false,
        told: ["message sent"],
      });
      expect(rig.world("web-1")).toEqual({ server: "ready 100 %", rebuilds: 1, tickets: ["resolved"], silences: 0 });
      const disks = [...rig.lab.world.hosts.values()].flatMap((host) => host.disks.map((disk) => disk.serial));
      expect(disks).not.toContain(oldSerial);
      expect(rig.harm()).toBe(0);
    });
  });

  it("is healed once, whatever became of the alert after the act began: the plan goes on to the safe state", async () => {
    const options: RigOptions = { failing: ["web-1", "api-1", "web-2"], runbook: wideOpen };
    await withRig(env, options, async (rig) => {
      await rig.alert();
      // Resolved while it drains, while the technician is on his way, and while it is verified.
      await rig.soonIn("web-1", "act", /sessions open/);
      await rig.alert({ hosts: [], resolved: ["web-1"] });
      await rig.untilIn("api-1", "act", /ticket/);
      await rig.alert({ hosts: [], resolved: ["api-1"] });
      await rig.untilIn("web-2", "verify");
      await rig.alert({ hosts: [], resolved: ["web-2"] });
      for (const id of ["web-1", "api-1", "web-2"]) {
        expect(await rig.closed(id)).toMatchObject({ outcome: "healed", leases: [] });
        expect(rig.world(id)).toEqual({ server: "ready 100 %", rebuilds: 1, tickets: ["resolved"], silences: 0 });
      }
    });
  });

  it("costs no history while it waits: a day more with the technician adds no events", async () => {
    await withRig(env, { lab: { technician: { arrivalMs: [22 * HOUR_MS, 23 * HOUR_MS] } } }, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "act", /ticket/);
      const before = await rig.events("web-1");
      await rig.advance(20 * HOUR_MS);
      expect(await rig.view("web-1")).toMatchObject({ phase: "act" });
      expect(await rig.events("web-1")).toBe(before);
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
    });
  });
});
