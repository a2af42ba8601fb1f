/** Who may command, which commands go on where, and what each of them does. */
import { describe, expect, it } from "vitest";
import { commandSignal } from "../../src/contracts/messages.ts";
import type { Command } from "../../src/contracts/remediation.ts";
import { tokenFor } from "../../src/starters/decisions.ts";
import type { ConfigYaml } from "../support/rig-folder.ts";
import { sharedServer } from "../support/rig-server.ts";
import { MINUTE_MS, withRig, type Rig, type RigOptions } from "../support/rig.ts";

const env = await sharedServer();

/** It drains, and sessions are open. */
async function draining(work: (rig: Rig) => Promise<void>, options: RigOptions = {}): Promise<void> {
  await withRig(env, options, async (rig) => {
    await rig.alert();
    await rig.soonIn("web-1", "act", /sessions open/);
    await work(rig);
  });
}

/** `take by ada: counted`, oldest first. */
async function recorded(rig: Rig): Promise<string[]> {
  const { audit } = await rig.story("web-1");
  return audit.flatMap(({ kind, body }) => {
    const { command, by, status } = body as Record<string, string>;
    return kind === "command" ? `${command} by ${by}: ${status}` : [];
  });
}

async function standsAt(rig: Rig, at: string): Promise<void> {
  await rig.soon(`at ${at}`, async () => (await rig.stands("web-1")).at === at);
}

describe("who commands", () => {
  it("is only who holds it; another person takes it over from him, and both is recorded", async () => {
    await draining(async (rig) => {
      await expect(rig.command("release", "web-1")).rejects.toThrow("web-1 is held by nobody; take it over first");
      const { since } = await rig.take("web-1", "ada");
      await expect(rig.command("take", "web-1")).rejects.toThrow(`ada holds web-1 already, since ${since}`);
      const held = `web-1 is held by ada since ${since}; take it over first`;
      await expect(rig.command("release", "web-1", "grace")).rejects.toThrow(held);
      await rig.take("web-1", "grace");
      await expect(rig.command("release", "web-1", "ada")).rejects.toThrow("web-1 is held by grace");
      await rig.command("end", "web-1", "grace");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "cancelled", leases: [] });
      expect(await recorded(rig)).toEqual(["take by ada: counted", "take by grace: counted", "end by grace: counted"]);
    });
  });

  it("is nobody whom selfheal.yaml does not name: it goes on as if nothing had been said", async () => {
    await draining(async (rig) => {
      await rig.command("take", "web-1", "nobody");
      await rig.soon("ignored", async () => (await recorded(rig)).includes("take by nobody: ignored"));
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
      expect(rig.world("web-1")).toMatchObject({ server: "ready 100 %", rebuilds: 1 });
    });
  });

  it("may stop it and let it go on without the plan's role, and nothing else", async () => {
    await draining(async (rig) => {
      await rig.take("web-1", "mallory");
      for (const command of ["retry", "skip", "markDone"] as const) {
        await rig.command(command, "web-1", "mallory");
        await rig.soon("ignored", async () => (await recorded(rig)).includes(`${command} by mallory: ignored`));
        await rig.stands("web-1", "mallory");
      }
      const { notTaken } = await rig.view("web-1");
      expect(notTaken).toBe("mark-done by mallory: mallory has the roles viewer; this plan needs dc-ops");
      await rig.command("end", "web-1", "mallory");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "cancelled" });
    });
  });
});

describe("by signal", () => {
  it("a person takes it over and commands it; what is refused stands in the details", async () => {
    await draining(async (rig) => {
      const handle = rig.handle("web-1");
      const { remediationId } = await rig.view("web-1");
      await handle.signal(commandSignal("take"), { by: "ada", remediationId: "another" });
      await rig.soon("refused", async () => (await rig.view("web-1")).notTaken !== null);
      const meant = `take: remediationId: got another, but web-1 is in work by ${remediationId}`;
      expect((await rig.view("web-1")).notTaken).toBe(meant);
      await handle.signal(commandSignal("take"), { by: " " });
      await rig.soon("refused", async () => (await rig.view("web-1")).notTaken === "take: by: expected your name");
      await handle.signal(commandSignal("take"), { by: "ada", remediationId });
      await rig.stands("web-1");
      expect((await rig.view("web-1")).notTaken).toBeNull();
      await handle.signal(commandSignal("skip"), { by: "ada" });
      await standsAt(rig, "replace/dc");
      await handle.signal(commandSignal("end"), { by: "ada" });
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "cancelled" });
    });
  });

  it("does not count where signals prove no identity", async () => {
    const config = (content: ConfigYaml): void => void (content.approvals.unsigned = "never");
    await draining(
      async (rig) => {
        await rig.handle("web-1").signal(commandSignal("take"), { by: "ada" });
        await rig.soon("ignored", async () => (await recorded(rig)).includes("take by ada: ignored"));
        await rig.soon("goes on", async () => (await rig.view("web-1")).takeover === null);
        expect(await rig.view("web-1")).toMatchObject({
          notTaken: expect.stringContaining("carries no one-time token"),
        });
      },
      { config },
    );
  });

  it("with a one-time token counts there, once and for its command and person alone", async () => {
    const config = (content: ConfigYaml): void => void (content.approvals.unsigned = "never");
    await draining(
      async (rig) => {
        const signal = (command: Command, by: string, token: string): Promise<void> =>
          rig.handle("web-1").signal(commandSignal(command), { by, token });
        const tokenOf = async (decision: Command): Promise<string> => {
          const wish = { id: "host/web-1", by: "ada", decision, planHash: null, ttlMs: null };
          return (await tokenFor(rig, wish)).token;
        };
        const said = (word: string): Promise<void> => rig.soon(word, async () => (await recorded(rig)).includes(word));
        const take = await tokenOf("take");
        await signal("take", "ada", take);
        await rig.stands("web-1");
        await signal("skip", "ada", await tokenOf("retry"));
        await said("skip by ada: ignored");
        expect((await rig.view("web-1")).notTaken).toContain("another decision (retry)");
        await signal("take", "grace", take);
        await said("take by grace: ignored");
        expect((await rig.view("web-1")).notTaken).toContain("was used before");
        await signal("end", "ada", await tokenOf("end"));
        expect(await rig.closed("web-1")).toMatchObject({ outcome: "cancelled" });
      },
      { config },
    );
  });
});

describe("what a holder commands", () => {
  it("skip leaves the step out: what it may have done is taken back all the same, and a person must look", async () => {
    await draining(async (rig) => {
      await rig.take("web-1");
      await rig.command("skip", "web-1", "ada", { reason: "drained by hand" });
      await standsAt(rig, "replace/dc");
      // Not what it did last: a holder who reads of the drain here would take the next skip for the drain's.
      expect(await rig.stands("web-1")).toMatchObject({ about: "ticket.open has not begun" });
      await rig.command("end", "web-1");
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "cancelled", needsHuman: true, leases: [] });
      expect(state.detail).toContain(
        "nobody knows whether loadbalancer.drain (replace/drain) happened: skipped by ada",
      );
      expect(state.effects).toMatchObject({ "drain/undo": "happened", "silence/undo": "happened" });
      expect(rig.world("web-1")).toEqual({ server: "ready 100 %", rebuilds: 0, tickets: [], silences: 0 });
    });
  });

  it("a step whose result others use is not skipped, and marked done only with that result", async () => {
    await draining(async (rig) => {
      await rig.take("web-1");
      await rig.command("markDone", "web-1", "ada", { reason: "drained by hand" });
      await standsAt(rig, "replace/dc");
      const needs = "step replace/awaitResolved needs steps.dc.ticketId";
      await expect(rig.command("skip", "web-1")).rejects.toThrow(`replace/dc cannot be skipped: ${needs}`);
      await expect(rig.command("markDone", "web-1")).rejects.toThrow(`result: ${needs}, and got {}`);
      const bad = rig.command("markDone", "web-1", "ada", { result: { ticketId: "x".repeat(5_000) } });
      await expect(bad).rejects.toThrow("at most 4096");
      const late = rig.command("skip", "web-1", "ada", { at: "replace/drain" });
      await expect(late).rejects.toThrow("at: got replace/drain, but web-1 stands at replace/dc by now");
      await rig.command("markDone", "web-1", "ada", { result: { ticketId: "1" }, reason: "opened by phone" });
      await standsAt(rig, "replace/awaitResolved");
      const { effects } = await rig.story("web-1");
      const rows = effects.map(({ step, state, detail, result }) => ({ step, state, detail, result }));
      expect(rows).toContainEqual({
        step: "drain",
        state: "happened",
        detail: "done by the word of ada: drained by hand",
        result: {},
      });
      expect(rows).toContainEqual({
        step: "dc",
        state: "happened",
        detail: "done by the word of ada: opened by phone",
        result: { ticketId: "1" },
      });
      await rig.command("end", "web-1");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "cancelled", leases: [] });
      expect(rig.world("web-1")).toMatchObject({ server: "ready 100 %", silences: 0 });
    });
  });

  it("a step that the fence stopped is tried again once the pause is over, with the same key", async () => {
    await draining(async (rig) => {
      await rig.take("web-1");
      const pause = await rig.record.pause({ scope: "global", reason: "freeze", by: "grace", until: null });
      await rig.advance(20 * MINUTE_MS);
      await rig.command("retry", "web-1");
      await standsAt(rig, "replace/dc");
      await rig.command("retry", "web-1");
      await rig.soon("the fence", async () => (await rig.stands("web-1")).about.includes("PAUSED"));
      expect(rig.world("web-1").tickets).toEqual([]);
      await rig.record.resume(pause.id, "grace");
      await rig.command("retry", "web-1");
      await standsAt(rig, "replace/awaitResolved");
      expect(rig.world("web-1").tickets).toHaveLength(1);
      await rig.command("release", "web-1");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed", leases: [], needsHuman: false });
      expect(rig.world("web-1")).toEqual({ server: "ready 100 %", rebuilds: 1, tickets: ["resolved"], silences: 0 });
    });
  });
});

describe("a cancel", () => {
  it("that means another remediation does not hit this one", async () => {
    await draining(async (rig) => {
      const message = { by: "ada", remediationId: "of yesterday" };
      const sent = rig.remediations.decide("heal:host:web-1", { kind: "cancel", message });
      await expect(sent).rejects.toThrow("remediationId: got of yesterday, but web-1 is in work by");
      expect(await rig.view("web-1")).toMatchObject({ phase: "act" });
    });
  });
});
