import { describe, expect, it } from "vitest";
import type { ConfigYaml } from "../support/rig-folder.ts";
import { sharedServer } from "../support/rig-server.ts";
import { UNTOUCHED } from "../support/rig-state.ts";
import { ApplicationFailure } from "@temporalio/common";
import { MINUTE_MS, withRig, type RigOptions } from "../support/rig.ts";

const env = await sharedServer();

/** The activity fails for good, from its n-th call on (1: always). */
function planted(name: string, from = 1): RigOptions {
  let calls = 0;
  return {
    activities: (real) => ({
      ...real,
      [name]: async (...args) => {
        if (++calls >= from) throw ApplicationFailure.nonRetryable("planted");
        return real[name]?.(...args);
      },
    }),
  };
}

describe("a bug in a stage", () => {
  it("before anything is touched ends as failed, and a person is told", async () => {
    for (const stage of ["remediation.confirm", "remediation.decide", "remediation.admit"]) {
      await withRig(env, { ...planted(stage), standingFor: [] }, async (rig) => {
        await rig.alert();
        // Behind the approval each stage is asked by itself.
        await rig.soonIn("web-1", "approve", /approval/);
        await rig.decide("approve", "web-1", "grace");
        const state = await rig.closed("web-1");
        expect(state).toMatchObject({
          outcome: "failed",
          needsHuman: true,
          effects: {},
          leases: [],
          // The first asked for the approval.
          told: ["message sent", "page sent"],
        });
        expect(state.detail).toContain("a bug in selfheal");
        expect(rig.world("web-1")).toEqual(UNTOUCHED);
      });
    }
  });

  it("after effects takes them back first", async () => {
    // The baseline is the first reading, the one after the silence the second, the one after the drain the third.
    await withRig(env, planted("remediation.read", 3), async (rig) => {
      await rig.alert();
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "failed", needsHuman: true, leases: [], told: ["page sent"] });
      expect(state.effects).toMatchObject({ "drain/undo": "happened", "silence/undo": "happened" });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("past the point of no return leaves the host drained", async () => {
    await withRig(env, planted("remediation.read", 5), async (rig) => {
      await rig.alert();
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "failed", needsHuman: true, leases: [], told: ["page sent"] });
      expect(state.effects).toMatchObject({ rebuild: "happened", "drain/finishOtherwise": "happened" });
      expect(rig.world("web-1")).toEqual({ server: "drain 100 %", rebuilds: 1, tickets: ["resolved"], silences: 0 });
    });
  });

  it("before the record knows it does not hang, and a person is told all the same", async () => {
    await withRig(env, planted("remediation.assess"), async (rig) => {
      await rig.alert();
      await rig.until("it ended", async () => !(await rig.isRunning("web-1")));
      expect((await rig.handle("web-1").describe()).status.name).toBe("COMPLETED");
      expect(rig.lab.world.messages.map(({ text }) => text).join()).toContain("a bug in selfheal");
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });
});

describe("a bug that throws whatever it is asked", () => {
  /** In the record, under the product's own wrapper: what it throws is no failure that anybody knows. */
  const breakInserts = (table: string): string[] => [
    `create function planted() returns trigger language plpgsql as $$ begin raise exception 'planted in ${table}'; end $$`,
    `create trigger planted before insert on ${table} for each row execute function planted()`,
  ];

  it.each(["verdicts", "admissions"])(
    "in %s is tried for a while, then ends it, and a person is told why",
    async (table) => {
      // What is read outside would be too old before the bug has been tried for long enough.
      const config = ({ defaults }: ConfigYaml): void => void (defaults["silences"] = "ignore");
      await withRig(env, { config }, async (rig) => {
        for (const statement of breakInserts(table)) await rig.database.sql(statement);
        await rig.alert();
        const state = await rig.closed("web-1");
        expect(state).toMatchObject({
          outcome: "failed",
          needsHuman: true,
          effects: {},
          leases: [],
          told: ["page sent"],
        });
        expect(state.detail).toContain(`a bug in selfheal: planted in ${table}`);
        expect(rig.world("web-1")).toEqual(UNTOUCHED);
      });
    },
  );

  it("and is mended within that time costs nothing: it heals", async () => {
    await withRig(env, {}, async (rig) => {
      for (const statement of breakInserts("verdicts")) await rig.database.sql(statement);
      await rig.alert();
      await rig.advance(5 * MINUTE_MS);
      expect(await rig.isRunning("web-1")).toBe(true);
      await rig.database.sql("drop trigger planted on verdicts");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed", needsHuman: false });
    });
  });
});

describe("an activity that dies", () => {
  it("after its effect is settled by reading back: one ticket", async () => {
    let died = false;
    const activities: RigOptions["activities"] = (real) => ({
      ...real,
      "ticket.open": async (...args) => {
        const answer = await real["ticket.open"]?.(...args);
        if (!died) {
          died = true;
          throw new Error("the worker died");
        }
        return answer;
      },
    });
    await withRig(env, { activities }, async (rig) => {
      await rig.alert();
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed", needsHuman: false });
      expect(rig.world("web-1")).toEqual({ server: "ready 100 %", rebuilds: 1, tickets: ["resolved"], silences: 0 });
    });
  });

  it("before its intent was recorded, again and again, has sent nothing: it is tried again", async () => {
    let deaths = 0;
    const activities: RigOptions["activities"] = (real) => ({
      ...real,
      "loadbalancer.drain": (...args) => {
        if (deaths === 4) return real["loadbalancer.drain"]?.(...args) ?? Promise.reject(new Error("gone"));
        deaths += 1;
        return Promise.reject(new Error("the database was away"));
      },
    });
    await withRig(env, { activities }, async (rig) => {
      await rig.alert();
      expect(await rig.closed("web-1")).toMatchObject({
        outcome: "healed",
        needsHuman: false,
        effects: { drain: "happened" },
      });
      expect(rig.harm()).toBe(0);
    });
  });
});
