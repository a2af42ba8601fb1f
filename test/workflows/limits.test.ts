import { describe, expect, it } from "vitest";
import { sharedServer } from "../support/rig-server.ts";
import { maxDrainedAtOnce } from "../../src/lab/invariants.ts";
import type { RunbookYaml } from "../support/rig-folder.ts";
import { HOUR_MS, MINUTE_MS, withRig, type Rig } from "../support/rig.ts";

const env = await sharedServer();

/** The new disk fails some time after the first was replaced: another fault of the same target. */
async function failsAgain(rig: Rig, afterMs: number): Promise<void> {
  await rig.alert();
  expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
  await rig.advance(afterMs);
  rig.lab.world.failDisk("web-1");
  await rig.alert();
}

describe("the same fix again", () => {
  it("within a long cooldown is a person's: the fix did not last", async () => {
    await withRig(env, {}, async (rig) => {
      await failsAgain(rig, HOUR_MS);
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "refused", needsHuman: true, reasons: ["COOLDOWN"], effects: {} });
      expect(await rig.outcomes("web-1")).toEqual(["refused", "healed"]);
      expect(rig.world("web-1")).toMatchObject({ server: "ready 100 %", rebuilds: 1 });
    });
  });

  it("within a short cooldown waits for its end, then heals", async () => {
    await withRig(env, { runbook: (runbook: RunbookYaml) => void (runbook.limits["cooldown"] = "6h") }, async (rig) => {
      await failsAgain(rig, MINUTE_MS);
      await rig.soonIn("web-1", "admit", /cooldown/);
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
      const rows = await rig.record.list({ target: "host/web-1" });
      const [second, first] = await Promise.all(rows.map(async ({ remediationId }) => rig.record.story(remediationId)));
      const began = (story: typeof first): number => Date.parse(story?.effects[0]?.intentAt ?? "");
      expect(began(second) - began(first)).toBeGreaterThanOrEqual(6 * HOUR_MS - MINUTE_MS);
    });
  });

  it("more often than the attempts allow is a person's", async () => {
    const runbook = (content: RunbookYaml): void =>
      void Object.assign(content.limits, { cooldown: "1m", attempts: "1 per 7d" });
    await withRig(env, { runbook }, async (rig) => {
      await failsAgain(rig, HOUR_MS);
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({
        outcome: "refused",
        needsHuman: true,
        reasons: ["ATTEMPTS_EXHAUSTED"],
        effects: {},
      });
      expect(rig.world("web-1")).toMatchObject({ rebuilds: 1 });
    });
  });
});

describe("many at once", () => {
  const only =
    (cap: object) =>
    (content: RunbookYaml): void => {
      const { rack: _, rate: __, ...limits } = content.limits;
      content.limits = { ...limits, ...cap };
    };

  it("30 hosts with a cap of 3: never more than 3 are out at any instant, and all are healed", async () => {
    const failing = Array.from({ length: 30 }, (_, index) => `web-${index + 1}`);
    const technician = { count: 3, arrivalMs: [10 * MINUTE_MS, 20 * MINUTE_MS] as [number, number] };
    await withRig(env, { count: 60, failing, runbook: only({ group: 3 }), lab: { technician } }, async (rig) => {
      await rig.alert();
      for (const id of failing)
        expect(await rig.closed(id, "host", 100 * HOUR_MS)).toMatchObject({ outcome: "healed" });
      expect(maxDrainedAtOnce(rig.lab.world)).toBe(3);
      expect(await rig.record.leases()).toEqual([]);
      expect(await rig.record.queue()).toEqual([]);
      for (const id of failing) expect(rig.world(id)).toMatchObject({ server: "ready 100 %", rebuilds: 1 });
      expect(rig.harm()).toBe(0);
    });
  }, 180_000);

  it("one rack gives one host at a time", async () => {
    const failing = ["web-1", "web-2", "web-3"];
    await withRig(env, { failing, runbook: only({ rack: 1, group: 10 }) }, async (rig) => {
      await rig.alert();
      for (const id of failing)
        expect(await rig.closed(id, "host", 100 * HOUR_MS)).toMatchObject({ outcome: "healed" });
      const racks = failing.map((id) => rig.lab.world.host(id).rack);
      expect(maxDrainedAtOnce(rig.lab.world)).toBe(new Set(racks).size);
    });
  });

  it("what is beyond the rate waits until the oldest has left the window, without asking all the time", async () => {
    const failing = ["web-1", "web-2"];
    await withRig(env, { failing, runbook: only({ rate: "1 per 6h", group: 10 }) }, async (rig) => {
      await rig.alert({ hosts: ["web-1"] });
      await rig.soonIn("web-1", "act");
      await rig.alert({ hosts: ["web-2"] });
      await rig.soonIn("web-2", "admit", /acted 1 of 1 times/);
      const before = await rig.events("web-2");
      await rig.advance(4 * HOUR_MS);
      expect(await rig.events("web-2")).toBe(before);
      expect(await rig.closed("web-2")).toMatchObject({ outcome: "healed" });
    });
  });
});
