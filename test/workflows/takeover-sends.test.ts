/** A person takes a remediation over while a request is tried again, and in a rung behind the first. */
import { describe, expect, it } from "vitest";
import { type RunbookYaml, wideOpen } from "../support/rig-folder.ts";
import { sharedServer } from "../support/rig-server.ts";
import { BACK, UNTOUCHED } from "../support/rig-state.ts";
import { HOUR_MS, withRig, type Rig } from "../support/rig.ts";

const env = await sharedServer();

const HEALED = { outcome: "healed", needsHuman: false, leases: [] };

/** Time passes in one step: who is held has nothing to do meanwhile. */
async function leap(rig: Rig, ms: number): Promise<void> {
  await env.sleep(ms);
  await rig.followServer();
}

describe("taken over while a request is tried again", () => {
  /** The ticket queue takes nothing, and it has said so at least once. */
  async function refused(rig: Rig): Promise<{ id: string }> {
    const limited = rig.lab.inject({ name: "rate-limited", system: "rt", on: "write", retryAfterS: 600 });
    await rig.alert();
    await rig.until("the queue has refused it", () => limited.strikes > 0);
    return limited;
  }

  it("it stands between two tries, its time does not run, and a retry that is taken goes on to the next step", async () => {
    await withRig(env, {}, async (rig) => {
      const limited = await refused(rig);
      expect(await rig.take("web-1")).toMatchObject({
        at: "replace/dc",
        about: expect.stringContaining("try ticket.open again"),
      });
      // Longer than the step may take: nobody gives it up meanwhile.
      await leap(rig, 12 * HOUR_MS);
      expect(await rig.commandAndStand("retry", "web-1")).toMatchObject({ at: "replace/dc" });
      expect(rig.world("web-1").tickets).toEqual([]);
      rig.lab.clear(limited.id);
      await rig.command("retry", "web-1");
      await rig.soon("the step behind it", async () => (await rig.stands("web-1")).at === "replace/awaitResolved");
      expect(rig.world("web-1").tickets).toHaveLength(1);
      await rig.command("release", "web-1");
      expect(await rig.closed("web-1")).toMatchObject(HEALED);
      expect(rig.world("web-1")).toEqual(BACK);
    });
  });

  it("end takes back what was done before it, and leaves no request behind that could come late", async () => {
    await withRig(env, {}, async (rig) => {
      const limited = await refused(rig);
      await rig.take("web-1");
      await rig.command("end", "web-1");
      const state = await rig.closed("web-1");
      rig.lab.clear(limited.id);
      expect(state).toMatchObject({ outcome: "cancelled", leases: [] });
      expect(state.effects).toMatchObject({ "drain/undo": "happened", "silence/undo": "happened" });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });
});

describe("taken over in a second rung", () => {
  /** First only take the host out for a while, then replace the disk. */
  const withLightRung = (runbook: RunbookYaml): void => {
    wideOpen(runbook);
    runbook.ladder.unshift({
      rung: "rest",
      steps: [{ uses: "loadbalancer.drain", with: { pool: "${{ target.pool }}" } }],
      verify: { hold: "1m", within: "5m" },
    });
  };
  const inSecond = async (rig: Rig): Promise<void> => {
    await rig.alert();
    await rig.until("the second rung drains", async () => (await rig.view("web-1")).step === "replace/drain");
  };

  it("commands mean the step of that rung, not the one of the same name before", async () => {
    await withRig(env, { runbook: withLightRung }, async (rig) => {
      await inSecond(rig);
      expect(await rig.take("web-1")).toMatchObject({ at: "replace/drain" });
      await expect(rig.command("skip", "web-1", "ada", { at: "rest/drain" })).rejects.toThrow(
        "at: got rest/drain, but web-1 stands at replace/drain by now",
      );
      await rig.command("release", "web-1");
      const state = await rig.closed("web-1");
      expect(state).toMatchObject(HEALED);
      expect(state.effects).toMatchObject({ "rest:drain/undo": "happened", drain: "happened" });
      expect(rig.world("web-1")).toEqual(BACK);
    });
  });

  it("end takes back what that rung did; the first had been taken back before", async () => {
    await withRig(env, { runbook: withLightRung }, async (rig) => {
      await inSecond(rig);
      await rig.take("web-1");
      await rig.command("end", "web-1");
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "cancelled", leases: [] });
      expect(state.effects).toMatchObject({ "rest:drain/undo": "happened", "drain/undo": "happened" });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });
});
