/** Workers of two versions beside each other, and a rollback: what a worker does not know it does not do (law 11). */
import { describe, expect, it } from "vitest";
import type { EffectRequest } from "../../src/contracts/activities.ts";
import { sharedServer } from "../support/rig-server.ts";
import { BACK, UNTOUCHED } from "../support/rig-state.ts";
import { withRig, type Rig, type RigOptions } from "../support/rig.ts";

const env = await sharedServer();

/** For its first `calls` calls the activity lands on a worker that has another version of the action. */
function otherVersion(name: string, calls: number): RigOptions {
  let seen = 0;
  return {
    activities: (real) => ({
      ...real,
      [name]: (request: unknown) => {
        const asked = request as EffectRequest;
        const stranger = { ...asked, actionVersion: asked.actionVersion + 1 };
        return real[name]?.(seen++ < calls ? stranger : asked) ?? Promise.reject(new Error("gone"));
      },
    }),
  };
}

describe("an action that this worker has in another version", () => {
  it("is sent again until a worker that knows it has it: nothing is lost, nothing done twice", async () => {
    await withRig(env, otherVersion("ticket.open", 3), async (rig) => {
      await rig.alert();
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed", needsHuman: false });
      expect(rig.world("web-1")).toEqual(BACK);
    });
  });

  it("is refused when nobody knows it for the step's whole time, and what was done is taken back", async () => {
    await withRig(env, otherVersion("ticket.open", Infinity), async (rig) => {
      await rig.alert();
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "escalated", needsHuman: true, leases: [], told: ["page sent"] });
      expect(state.detail).toMatch(/not sent after \d+ tries: the plan wants ticket\.open version/);
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("is waited for in taking back, too: a rollback in the middle of an undo leaves no host drained", async () => {
    const options: RigOptions = {
      ...otherVersion("loadbalancer.drain.undo", 4),
      lab: { faults: [{ name: "technician-absent", host: "web-1" }] },
    };
    await withRig(env, options, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "act", /ticket/);
      await rig.cancel("web-1");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "cancelled", needsHuman: false, leases: [] });
      expect(rig.world("web-1")).toMatchObject({ server: "ready 100 %", silences: 0 });
    });
  });
});

it("an action that no worker has at all is refused as certainly not sent, and what was done is taken back", async () => {
  const without: RigOptions = {
    activities: (real) => Object.fromEntries(Object.entries(real).filter(([name]) => name !== "ticket.open")),
  };
  await withRig(env, without, async (rig) => {
    await rig.alert();
    const state = await rig.closed("web-1");
    expect(state).toMatchObject({ outcome: "escalated", needsHuman: true, leases: [], told: ["page sent"] });
    expect(state.detail).toContain("does not know the activity ticket.open");
    expect(rig.world("web-1")).toEqual(UNTOUCHED);
  });
});

/** The plan in the record is of a newer worker. */
async function setSchema(rig: Rig, schema: number): Promise<void> {
  await rig.database.sql(
    "update plans set plan = jsonb_set(plan::jsonb, '{schema}', to_jsonb($1::int))::json where true",
    [schema],
  );
}

function strangeAt(name: string, until: number): { options: RigOptions; use: (rig: Rig) => void } {
  let rig: Rig | null = null;
  let calls = 0;
  const activities: RigOptions["activities"] = (real) => ({
    ...real,
    [name]: async (...args) => {
      if (rig !== null) await setSchema(rig, calls++ < until ? 2 : 1);
      return real[name]?.(...args);
    },
  });
  return { options: { activities }, use: (one) => (rig = one) };
}

describe("a plan of a newer schema", () => {
  it.each(["remediation.admit", "loadbalancer.drain"])("waits at %s for a worker that runs it", async (name) => {
    const strange = strangeAt(name, 3);
    await withRig(env, strange.options, async (rig) => {
      strange.use(rig);
      await rig.alert();
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed", needsHuman: false });
      expect(rig.world("web-1")).toEqual(BACK);
    });
  });

  it.each(["remediation.admit", "loadbalancer.drain"])("is refused at %s when none comes", async (name) => {
    const strange = strangeAt(name, Infinity);
    await withRig(env, { ...strange.options, harm: /the plan \w+ was changed/ }, async (rig) => {
      strange.use(rig);
      await rig.alert();
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ needsHuman: true, leases: [], told: ["page sent"] });
      // At admission the workflow says only which activity failed; the activity's own failure stands in its history.
      if (name !== "remediation.admit")
        expect(state.detail).toContain("the plan has schema 2, this worker runs schema 1");
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });
});

describe("a record that was restored to an older state than Temporal", () => {
  it("and has forgotten an effect: it is read back, not done again", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.until("the rebuild began", () => rig.world("web-1").rebuilds === 1);
      await rig.database.sql("delete from effects where action = 'provisioner.rebuild'");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
      expect(rig.world("web-1")).toEqual(BACK);
    });
  });

  it("and has forgotten the whole remediation: nothing more is done, and a person is told", async () => {
    await withRig(env, { harm: /the record has no chain of it/ }, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "act", /ticket/);
      const before = rig.world("web-1");
      await rig.database.sql(
        "truncate leases, queue, admissions, effects, waits, escalations, verdicts, decisions, plans, decided_faults, remediations, audit, audit_chains, alerts cascade",
      );
      await rig.until("it ended", async () => !(await rig.isRunning("web-1")));
      expect(rig.world("web-1")).toMatchObject({ server: before.server, rebuilds: 0 });
      expect(rig.lab.world.messages.length).toBeGreaterThan(0);
    });
  });
});
