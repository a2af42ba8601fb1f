/** A person takes a remediation over in each of its phases: nothing goes on without him, and all goes on with him. */
import { describe, expect, it } from "vitest";
import { gateAt } from "../support/gate.ts";
import { sharedServer } from "../support/rig-server.ts";
import { BACK, UNTOUCHED } from "../support/rig-state.ts";
import { HOUR_MS, MINUTE_MS, withRig, type Rig } from "../support/rig.ts";

const env = await sharedServer();

const LEASES = [
  "global held",
  "group:web held",
  "rack:r01 held",
  "region:eu-1 held",
  "service:shop held",
  "target:host:web-1 held",
];
const HEALED = { outcome: "healed", needsHuman: false, leases: [] };

/** Time passes in one step: who is held has nothing to do meanwhile. */
async function leap(rig: Rig, ms: number): Promise<void> {
  await env.sleep(ms);
  await rig.followServer();
  await rig.watch();
}

/** Time passes, and the record says that a person holds it and that nothing is due. */
async function staysHeld(rig: Rig, phase: string): Promise<void> {
  await leap(rig, 30 * HOUR_MS);
  const { remediation, audit } = await rig.story("web-1");
  expect(remediation).toMatchObject({ phase, doing: "held by ada: looking", phaseUntil: null, outcome: null });
  expect(audit.findLast(({ kind }) => kind === "held")?.body).toMatchObject({ by: "ada", reason: "looking" });
  expect((await rig.view("web-1")).takeover).toMatchObject({ by: "ada", state: "held" });
}

async function take(rig: Rig) {
  return rig.take("web-1", "ada", { reason: "looking" });
}

describe("taken over before anything is done", () => {
  it("while it is opened is refused: there is nothing to hold yet", async () => {
    const gate = gateAt("remediation.assess");
    await withRig(env, { ...gate.options, runbook: (runbook) => void (runbook.mode = "observe") }, async (rig) => {
      await rig.alert();
      await gate.entered;
      // Past the API: it finds nothing in the record yet.
      const sent = rig.remediations.decide("heal:host:web-1", { kind: "take", message: { by: "ada" } });
      const refused = await sent.catch((error: unknown) => String(error));
      gate.open();
      expect(refused).toContain("web-1 is only being opened");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "observed" });
    });
  });

  it("while it confirms: a resolved alert changes nothing until it is released", async () => {
    await withRig(env, {}, async (rig) => {
      rig.lab.inject({ name: "self-heal", host: "web-1" });
      await rig.alert({ hosts: ["web-1"] });
      await rig.soon("the first reading", async () => /healthy/.test((await rig.view("web-1")).doing));
      expect(await take(rig)).toMatchObject({ at: "confirm", commands: ["release", "end"] });
      await staysHeld(rig, "confirm");
      await rig.alert({ hosts: ["web-1"] }, (body) => {
        for (const alert of body.alerts) Object.assign(alert, { status: "resolved" });
      });
      expect((await rig.view("web-1")).takeover).toMatchObject({ state: "held" });
      await rig.command("release", "web-1");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "recovered", effects: {} });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("while a person is asked: the approval does not expire, and is asked for anew", async () => {
    await withRig(env, { standingFor: [] }, async (rig) => {
      await rig.alert();
      const { approval } = await rig.soonIn("web-1", "approve", /approval/);
      expect(await take(rig)).toMatchObject({ at: "approve", commands: ["release", "end"] });
      await expect(rig.decide("approve", "web-1", "grace")).rejects.toThrow("does not wait for an approval");
      await staysHeld(rig, "approve");
      await rig.command("release", "web-1");
      const asked = await rig.soonIn("web-1", "approve", /approval/);
      expect(Date.parse(asked.approval?.expiresAt ?? "")).toBeGreaterThan(Date.parse(approval?.expiresAt ?? ""));
      const told = () => rig.lab.world.messages.filter(({ text }) => text.includes("needs an approval"));
      await rig.soon("people are asked anew", async () => told().length === 2);
      expect(told().at(-1)?.text).toContain(`until ${asked.approval?.expiresAt}`);
      await rig.decide("reject", "web-1", "grace");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "rejected", effects: {} });
    });
  });

  it("while it waits for a place: it keeps the place, and end gives it up", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.record.pause({ scope: "global", reason: "freeze", by: "ada", until: null });
      await rig.alert();
      await rig.soonIn("web-1", "admit", /paused/);
      expect(await take(rig)).toMatchObject({ at: "admit", commands: ["release", "end"] });
      for (const { id } of await rig.record.pauses()) await rig.record.resume(id, "ada");
      await staysHeld(rig, "admit");
      expect(await rig.record.queue()).toHaveLength(1);
      expect(await rig.watch()).toMatchObject({ hints: 0 });
      await rig.command("end", "web-1", "ada", { reason: "not today" });
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "cancelled", needsHuman: false, effects: {}, leases: [] });
      expect(state.detail).toBe("ended by ada: not today");
      expect(await rig.record.queue()).toEqual([]);
    });
  });

  it("with its leases taken: they stay held, and what got well meanwhile is not touched", async () => {
    const gate = gateAt("remediation.admit", "after");
    await withRig(env, gate.options, async (rig) => {
      await rig.alert();
      await gate.entered;
      await rig.command("take", "web-1", "ada", { reason: "looking" });
      expect((await rig.view("web-1")).takeover).toMatchObject({ by: "ada", state: "taking", commands: [] });
      gate.open();
      expect(await rig.stands("web-1")).toMatchObject({ at: "act", commands: ["release", "end"] });
      await staysHeld(rig, "act");
      expect((await rig.state("web-1")).leases).toEqual(LEASES);
      rig.lab.world.healDisk("web-1");
      await rig.command("release", "web-1");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "recovered", effects: {}, leases: [] });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });
});

describe("taken over while it acts", () => {
  it("an apply in flight comes to its end first, and the step behind it waits", async () => {
    const gate = gateAt("monitoring.silence");
    await withRig(env, gate.options, async (rig) => {
      await rig.alert();
      await gate.entered;
      await rig.command("take", "web-1");
      expect((await rig.view("web-1")).takeover).toMatchObject({ state: "taking" });
      gate.open();
      const commands = ["retry", "skip", "markDone", "release", "end"];
      expect(await rig.stands("web-1")).toMatchObject({ at: "replace/drain", commands });
      expect((await rig.state("web-1")).effects).toEqual({ silence: "happened" });
      await rig.command("end", "web-1");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "cancelled", needsHuman: false, leases: [] });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("while it drains: the deadline of the step does not run, and released it heals with each effect once", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.soonIn("web-1", "act", /sessions open/);
      const commands = ["retry", "skip", "markDone", "release", "end"];
      expect(await take(rig)).toMatchObject({ at: "replace/drain", commands });
      await staysHeld(rig, "act");
      expect(await rig.state("web-1")).toMatchObject({ leases: LEASES, effects: { drain: "pending" } });
      await rig.command("release", "web-1");
      expect(await rig.closed("web-1")).toMatchObject(HEALED);
      expect(rig.world("web-1")).toEqual(BACK);
      expect(rig.harm()).toBe(0);
    });
  });

  it("while the technician is on his way: retry looks again, and the step behind waits for the next word", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "act", /ticket/);
      expect(await take(rig)).toMatchObject({ at: "replace/awaitResolved" });
      await rig.commandAndStand("retry", "web-1");
      expect(await rig.stands("web-1")).toMatchObject({ at: "replace/awaitResolved" });
      await rig.until("the disk is swapped", () => rig.world("web-1").tickets[0] === "resolved");
      await rig.command("retry", "web-1");
      await rig.soon("the next step", async () => (await rig.stands("web-1")).at === "replace/assertDiskReplaced");
      expect(await rig.view("web-1")).toMatchObject({ pointOfNoReturn: true });
      expect(rig.world("web-1")).toMatchObject({ rebuilds: 0 });
      await rig.command("release", "web-1");
      expect(await rig.closed("web-1")).toMatchObject(HEALED);
      expect(rig.world("web-1")).toEqual(BACK);
    });
  });

  it("while it reinstalls: a cancel counts as end, and the host stays out of service", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "act", /deploy/);
      expect(await take(rig)).toMatchObject({ at: "replace/rebuild" });
      await rig.cancel("web-1", "grace");
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "cancelled", needsHuman: true, leases: [] });
      expect(state.detail).toContain("cancelled by grace");
      expect(rig.world("web-1")).toMatchObject({ server: "drain 100 %", rebuilds: 1 });
    });
  });

  it("at a step that failed: nothing is taken back before the holder had the chance to try it again", async () => {
    await withRig(env, {}, async (rig) => {
      rig.lab.inject({ name: "bad-new-disk", host: "web-1" });
      await rig.alert();
      await rig.untilIn("web-1", "act", /ticket/);
      await take(rig);
      await rig.until("the disk is swapped", () => rig.world("web-1").tickets[0] === "resolved");
      await rig.command("retry", "web-1");
      await rig.soon("the next step", async () => (await rig.stands("web-1")).at === "replace/assertDiskReplaced");
      await rig.command("retry", "web-1");
      await rig.soon("its failure", async () => (await rig.stands("web-1")).about.includes("failed"));
      expect(await rig.stands("web-1")).toMatchObject({
        at: "replace/assertDiskReplaced",
        about: expect.stringContaining("is not healthy"),
      });
      await leap(rig, 3 * HOUR_MS);
      rig.lab.world.healDisk("web-1");
      await rig.command("retry", "web-1");
      await rig.soon("the next step", async () => (await rig.stands("web-1")).at === "replace/rebuild");
      await rig.command("release", "web-1");
      expect(await rig.closed("web-1")).toMatchObject(HEALED);
      expect(rig.world("web-1")).toEqual(BACK);
    });
  });
});

describe("taken over when the work is done", () => {
  it("while it verifies: a person vouches for it, and skip is refused", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "verify");
      expect(await take(rig)).toMatchObject({ at: "verify", commands: ["retry", "markDone", "release", "end"] });
      const refused = "nothing to skip at verify in phase verify; commands now: retry, mark-done, release, end";
      await expect(rig.command("skip", "web-1")).rejects.toThrow(refused);
      expect(await rig.commandAndStand("retry", "web-1")).toMatchObject({ at: "verify" });
      await rig.command("markDone", "web-1", "ada", { reason: "I looked" });
      await rig.soon("traffic may come back", async () => (await rig.stands("web-1")).at !== "verify");
      expect(await rig.view("web-1")).toMatchObject({ takeover: { commands: ["retry", "release", "end"] } });
      await rig.command("release", "web-1");
      const state = await rig.closed("web-1");
      expect(state).toMatchObject(HEALED);
      expect(state.detail).toContain("healthy by a person's word (marked done by ada: I looked)");
      expect(rig.world("web-1")).toEqual(BACK);
    });
  });

  it("while traffic comes back: it stays where it is, and goes on only when the probe is still healthy", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.until("a quarter of the traffic", () => rig.world("web-1").server === "ready 25 %");
      expect(await take(rig)).toMatchObject({
        at: "replace/drain/finishHealthy",
        commands: ["retry", "release", "end"],
      });
      await leap(rig, 3 * HOUR_MS);
      expect(rig.world("web-1").server).toBe("ready 25 %");
      rig.lab.world.failDisk("web-1");
      await rig.command("release", "web-1");
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "escalated", needsHuman: true });
      expect(rig.world("web-1")).toMatchObject({ server: "drain 25 %" });
    });
  });

  it("while traffic comes back: end takes it away again", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.until("a quarter of the traffic", () => rig.world("web-1").server === "ready 25 %");
      await take(rig);
      await rig.command("end", "web-1");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "cancelled", needsHuman: true, leases: [] });
      expect(rig.world("web-1")).toMatchObject({ server: "drain 25 %" });
    });
  });

  it("while it is taken back: a person does a part by hand, and the rest follows", async () => {
    const gate = gateAt("ticket.open.undo");
    await withRig(env, gate.options, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "act", /ticket/);
      await rig.cancel("web-1");
      await gate.entered;
      await rig.command("take", "web-1");
      gate.open();
      const commands = ["retry", "skip", "markDone", "release"];
      expect(await rig.stands("web-1")).toMatchObject({ at: "replace/drain/undo", commands });
      await expect(rig.command("end", "web-1")).rejects.toThrow("nothing to end at replace/drain/undo");
      rig.setAdmin("web-1", "ready");
      await rig.command("markDone", "web-1", "ada", { reason: "by hand" });
      await rig.soon("the next", async () => (await rig.stands("web-1")).at === "replace/silence/undo");
      await rig.command("release", "web-1");
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "cancelled", needsHuman: false, leases: [] });
      expect(state.effects).toMatchObject({ "drain/undo": "happened", "silence/undo": "happened" });
      const undo = (await rig.story("web-1")).effects.find(({ key }) => key.endsWith("/drain/undo"));
      expect(undo?.detail).toBe("done by the word of ada: by hand");
      expect(rig.world("web-1")).toEqual({ ...UNTOUCHED, tickets: ["rejected"] });
    });
  });

  it("after the last effect: it is not closed before it is released", async () => {
    const gate = gateAt("monitoring.silence.finishHealthy", "after");
    await withRig(env, gate.options, async (rig) => {
      await rig.alert();
      // While the gate holds an activity no time is skipped, so the last step of time ends when it is open again.
      const healing = rig.until("the last effect", () => {
        const { server, rebuilds, silences } = rig.world("web-1");
        return server === "ready 100 %" && rebuilds === 1 && silences === 0;
      });
      await Promise.race([gate.entered, healing]);
      await gate.entered;
      await rig.command("take", "web-1");
      gate.open();
      expect(await rig.stands("web-1")).toMatchObject({ at: "close", commands: ["release"] });
      await healing;
      await leap(rig, 30 * MINUTE_MS);
      expect((await rig.state("web-1")).outcome).toBeNull();
      await rig.command("release", "web-1");
      expect(await rig.closed("web-1")).toMatchObject(HEALED);
      expect(rig.world("web-1")).toEqual(BACK);
    });
  });

  it("once its close has begun is refused, and so is a cancel", async () => {
    const gate = gateAt("remediation.close");
    await withRig(env, { ...gate.options, failing: ["db-1"] }, async (rig) => {
      await rig.alert();
      await gate.entered;
      await expect(rig.command("take", "db-1")).rejects.toThrow(/db-1 is being closed .*nothing is left to take over/);
      await expect(rig.cancel("db-1")).rejects.toThrow("nothing is left to cancel");
      gate.open();
      expect(await rig.closed("db-1")).toMatchObject({ outcome: "refused" });
    });
  });
});
