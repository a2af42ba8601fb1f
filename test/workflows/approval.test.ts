import { describe, expect, it } from "vitest";
import type { ConfigYaml, RunbookYaml } from "../support/rig-folder.ts";
import { sharedServer } from "../support/rig-server.ts";
import { UNTOUCHED } from "../support/rig-state.ts";
import { HOUR_MS, MINUTE_MS, withRig, type Rig } from "../support/rig.ts";
import { approveSignal, rejectSignal } from "../../src/contracts/messages.ts";
import { tokenFor } from "../../src/starters/decisions.ts";

const env = await sharedServer();

async function asked(work: (rig: Rig, planHash: string) => Promise<void>, onTimeout = "escalate"): Promise<void> {
  const runbook = (content: RunbookYaml): void => void (content.approval.onTimeout = onTimeout);
  await withRig(env, { standingFor: [], runbook }, async (rig) => {
    await rig.alert();
    const view = await rig.soonIn("web-1", "approve", /approval by dc-ops/);
    expect(view.verdict?.reasons.map(({ code }) => code)).toContain("APPROVAL_REQUIRED");
    expect(rig.lab.world.messages.some(({ text }) => text.includes("needs an approval"))).toBe(true);
    await work(rig, view.planHash ?? "");
  });
}

describe("an approval", () => {
  it("by update lets the plan go on", async () => {
    await asked(async (rig, planHash) => {
      await rig.decide("approve", "web-1", "grace");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
      const { decisions } = await rig.story("web-1");
      expect(decisions).toMatchObject([{ decision: "approve", by: "grace", via: "api", status: "counted", planHash }]);
    });
  });

  it("by signal lets the plan go on", async () => {
    await asked(async (rig, planHash) => {
      await rig.handle("web-1").signal(approveSignal, { planHash, by: "ada" });
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
      expect((await rig.story("web-1")).decisions).toMatchObject([{ by: "ada", via: "signal", status: "counted" }]);
    });
  });

  it("by bare signal does not count where signals prove no identity", async () => {
    const config = (content: ConfigYaml): void => void (content.approvals.unsigned = "never");
    await withRig(env, { standingFor: [], config }, async (rig) => {
      await rig.alert();
      const { planHash } = await rig.soonIn("web-1", "approve", /approval/);
      await rig.handle("web-1").signal(approveSignal, { planHash: planHash ?? "", by: "ada" });
      await rig.soon("ignored", async () => (await rig.story("web-1")).decisions[0]?.status === "ignored");
      expect(await rig.view("web-1")).toMatchObject({ phase: "approve" });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("by signal with a one-time token counts where bare signals do not", async () => {
    const config = (content: ConfigYaml): void => void (content.approvals.unsigned = "never");
    await withRig(env, { standingFor: [], config }, async (rig) => {
      await rig.alert();
      await rig.soonIn("web-1", "approve", /approval/);
      const wish = { id: "host/web-1", by: "ada", decision: "approve", planHash: null, ttlMs: null } as const;
      const { planHash: hash, token } = await tokenFor(rig, wish);
      const planHash = hash ?? "";
      await rig.handle("web-1").signal(approveSignal, { planHash, by: "grace", token: `${token}x` });
      await rig.handle("web-1").signal(approveSignal, { planHash, by: "ada", token });
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
      const { decisions } = await rig.story("web-1");
      expect(decisions.map(({ by, via, status }) => `${by} ${via} ${status}`).sort()).toEqual([
        "ada signal counted",
        "grace signal ignored",
      ]);
    });
  });

  it("unsigned counts for reversible plans alone where people said so", async () => {
    const config = (content: ConfigYaml): void => void (content.approvals.unsigned = "reversible");
    await withRig(env, { standingFor: [], config }, async (rig) => {
      await rig.alert();
      const { planHash } = await rig.soonIn("web-1", "approve", /approval/);
      await rig.handle("web-1").signal(approveSignal, { planHash: planHash ?? "", by: "ada" });
      await rig.soon("ignored", async () => (await rig.story("web-1")).decisions[0]?.status === "ignored");
    });
  });

  it("by somebody without the role, or whom nobody knows, is recorded and ignored", async () => {
    await asked(async (rig) => {
      await rig.decide("approve", "web-1", "mallory");
      await rig.decide("approve", "web-1", "nobody");
      await rig.soon("two decisions", async () => (await rig.story("web-1")).decisions.length === 2);
      const { decisions } = await rig.story("web-1");
      expect(decisions.map(({ by, status }) => `${by} ${status}`)).toEqual(["mallory ignored", "nobody ignored"]);
      expect(await rig.view("web-1")).toMatchObject({ phase: "approve" });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("of another plan is refused as an update, and ignored and recorded as a signal", async () => {
    await asked(async (rig, planHash) => {
      const wrong = "0".repeat(64);
      await expect(rig.decide("approve", "web-1", "grace", wrong)).rejects.toThrow(`is ${planHash}`);
      await rig.handle("web-1").signal(approveSignal, { planHash: wrong, by: "grace" });
      await rig.soon("recorded", async () => (await rig.story("web-1")).decisions.length === 1);
      expect((await rig.story("web-1")).decisions).toMatchObject([{ planHash: wrong, status: "ignored" }]);
      expect(await rig.view("web-1")).toMatchObject({ phase: "approve" });
      await rig.decide("approve", "web-1", "grace");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
    });
  });

  it("is refused with a reason when nothing waits for one", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.soonIn("web-1", "act");
      await expect(rig.decide("approve", "web-1", "grace")).rejects.toThrow("does not wait for an approval");
      await rig.cancel("web-1");
      await rig.closed("web-1");
    });
  });

  it("allows and does not overrule: what got well meanwhile is not touched", async () => {
    await asked(async (rig) => {
      rig.lab.world.healDisk("web-1");
      await rig.decide("approve", "web-1", "grace");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "recovered", effects: {} });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("that nobody gives expires, and a person is told", async () => {
    await asked(async (rig) => {
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "escalated", needsHuman: true, effects: {}, leases: [] });
      expect(state.detail).toContain("the approval expired at");
      const reminders = ["message sent", "message sent"];
      expect(state.told).toEqual(["message sent", ...reminders, "page sent"]);
      const { escalations } = await rig.story("web-1");
      const [asked, ...rest] = escalations.map(({ at }) => Date.parse(at));
      expect(rest.map((at) => Math.round((at - (asked ?? 0)) / MINUTE_MS))).toEqual([120, 210, 240]);
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("that nobody gives ends as refused where the runbook says so", async () => {
    await asked(async (rig) => {
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "refused", needsHuman: false, effects: {} });
    }, "refuse");
  });
});

describe("a quorum", () => {
  const two = (content: RunbookYaml): void => void (content.approval.quorum = 2);
  const said = async (rig: Rig): Promise<string[]> =>
    (await rig.story("web-1")).decisions.map(({ by, decision, status }) => `${by} ${decision} ${status}`);

  it("that is not reached in time says who had approved", async () => {
    await withRig(env, { standingFor: [], runbook: two }, async (rig) => {
      await rig.alert();
      await rig.soonIn("web-1", "approve", /0 of 2/);
      await rig.decide("approve", "web-1", "ada");
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "escalated", effects: {} });
      expect(state.detail).toMatch(/expired at \S+ with 1 of 2 approvals \(ada\)/);
    });
  });

  it("needs as many different people as the runbook says, and one may take his word back before", async () => {
    await withRig(env, { standingFor: [], runbook: two }, async (rig) => {
      await rig.alert();
      await rig.soonIn("web-1", "approve", /approval by dc-ops of plan \w+ \(0 of 2 approvals\)/);
      await rig.decide("approve", "web-1", "ada");
      await rig.soonIn("web-1", "approve", /\(1 of 2 approvals \(ada\)\)/);
      await rig.decide("approve", "web-1", "ada");
      await rig.decide("withdraw", "web-1", "ada");
      await rig.soonIn("web-1", "approve", /\(0 of 2 approvals\)/);
      await rig.decide("approve", "web-1", "grace");
      await rig.soonIn("web-1", "approve", /\(1 of 2 approvals \(grace\)\)/);
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
      await rig.decide("approve", "web-1", "ada");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
      expect((await said(rig)).sort()).toEqual([
        "ada approve counted",
        "ada withdraw counted",
        "grace approve counted",
      ]);
    });
  });
});

describe("a standing approval", () => {
  it("that is withdrawn between the decision and admission asks a person instead", async () => {
    let withdrawn = false;
    const activities = (all: Record<string, (...args: unknown[]) => Promise<unknown>>) => ({
      ...all,
      "remediation.admit": async (...args: unknown[]): Promise<unknown> => {
        const [given] = withdrawn ? [] : await inRig.record.standing();
        withdrawn = true;
        if (given !== undefined) await inRig.record.withdrawStanding(given.id, "ada");
        return all["remediation.admit"]?.(...args);
      },
    });
    let inRig: Rig;
    await withRig(env, { standingFor: ["web"], activities }, async (rig) => {
      inRig = rig;
      await rig.alert();
      await rig.soonIn("web-1", "approve", /approval by dc-ops/);
      await rig.decide("approve", "web-1", "grace");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
    });
  });
});

describe("an approval of a plan that changed while people thought about it", () => {
  it("is void and recorded, and people are asked anew about the plan of what is there now", async () => {
    const two = (content: RunbookYaml): void => void (content.approval.quorum = 2);
    await withRig(env, { standingFor: [], runbook: two }, async (rig) => {
      await rig.alert();
      const before = await rig.soonIn("web-1", "approve", /0 of 2/);
      await rig.decide("approve", "web-1", "ada");
      await rig.soonIn("web-1", "approve", /1 of 2 approvals \(ada\)/);
      // Somebody put another disk in meanwhile, and it fails too.
      const [disk] = rig.lab.world.hosts.get("web-1")?.disks ?? [];
      if (disk === undefined) throw new Error("web-1 has no disk");
      disk.serial = "SWAPPED1";
      await rig.decide("approve", "web-1", "grace");
      const after = await rig.soonIn("web-1", "approve", /0 of 2/);
      expect(after.planHash).not.toBe(before.planHash);
      expect((await rig.story("web-1")).plan?.collected).toMatchObject({ disk: { serial: "SWAPPED1" } });
      const said = async () =>
        (await rig.story("web-1")).decisions.map(({ by, status, planHash }) => [by, status, planHash]).sort();
      expect(await said()).toEqual([
        ["ada", "void", before.planHash],
        ["grace", "void", before.planHash],
      ]);
      const voided = (await rig.story("web-1")).audit.filter(({ kind }) => kind === "approvalVoid");
      expect(voided.map(({ body }) => body["inForce"])).toEqual([after.planHash, after.planHash]);
      expect(rig.lab.world.messages.filter(({ text }) => text.includes("needs an approval"))).toHaveLength(2);
      await expect(rig.decide("approve", "web-1", "ada", before.planHash ?? "")).rejects.toThrow("planHash");
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
      await rig.decide("approve", "web-1", "ada");
      await rig.decide("approve", "web-1", "grace");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
    });
  });
});

describe("a mode that is lowered between the decision and admission", () => {
  /** Does it once, as the plan is on its way to admission. */
  const beforeAdmission = (change: () => Promise<unknown>) => {
    let done = false;
    return (all: Record<string, (...args: unknown[]) => Promise<unknown>>) => ({
      ...all,
      "remediation.admit": async (...args: unknown[]): Promise<unknown> => {
        if (!done) await change();
        done = true;
        return all["remediation.admit"]?.(...args);
      },
    });
  };

  it("to observe by a person is obeyed: it says what it would have done", async () => {
    let inRig: Rig;
    const word = {
      scope: "runbook:disk-replacement@web",
      mode: "observe",
      declared: "auto",
      runbookHash: null,
    } as const;
    const activities = beforeAdmission(() => inRig.record.setMode({ ...word, by: "ada", reason: "odd", about: {} }));
    await withRig(env, { activities }, async (rig) => {
      inRig = rig;
      await rig.alert();
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "observed", effects: {}, leases: [] });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("to review by an edit of the files asks a person, though the plan is of the version before", async () => {
    let inRig: Rig;
    const lower = (text: string): string => text.replace("mode: auto", "mode: review");
    const activities = beforeAdmission(() => inRig.rewrite("selfheal.yaml", lower));
    await withRig(env, { activities }, async (rig) => {
      inRig = rig;
      await rig.alert();
      const { verdict } = await rig.soonIn("web-1", "approve", /approval/);
      expect(verdict?.reasons.find(({ guardrail }) => guardrail === "mode")).toMatchObject({
        code: "MODE_REVIEW",
        saw: { global: "review", group: "auto", runbook: "auto" },
      });
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
      await rig.decide("approve", "web-1", "grace");
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
    });
  });
});

describe("a mode that was set", () => {
  it("makes a runbook of mode auto observe, say what it would have done, and follow the alert to its end", async () => {
    await withRig(env, {}, async (rig) => {
      const word = { scope: "group:web", mode: "observe", declared: "auto", runbookHash: null } as const;
      await rig.record.setMode({ ...word, by: "ada", reason: "a look first", about: {} });
      await rig.alert();
      const { outcome, detail } = await rig.closed("web-1");
      expect(outcome).toBe("observed");
      expect(detail).toContain("the group mode is observe: it would have acted");
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
      await rig.advance(HOUR_MS);
      await rig.alert({ hosts: [], resolved: ["web-1"] });
      const [one] = await rig.record.cases(24 * HOUR_MS);
      expect(one).toMatchObject({ outcome: "observed", would: "act", group: "web" });
      expect(Date.parse(one?.endedAt ?? "") - Date.parse(one?.closedAt ?? "")).toBeGreaterThan(HOUR_MS / 2);
    });
  });
});

describe("a rejection", () => {
  it("ends it, and repeats of the same fault do not ask again, but a new start of the alert does", async () => {
    await asked(async (rig, planHash) => {
      await rig.handle("web-1").signal(rejectSignal, { planHash, by: "grace", reason: "after the sale" });
      const state = await rig.closed("web-1");
      expect(state).toMatchObject({ outcome: "rejected", needsHuman: false, effects: {} });
      expect(state.detail).toContain("rejected by grace: after the sale");
      await rig.advance(HOUR_MS);
      await rig.alert();
      await rig.alert();
      expect(await rig.isRunning("web-1")).toBe(false);
      expect(await rig.outcomes("web-1")).toEqual(["rejected"]);
      rig.lab.world.healDisk("web-1");
      await rig.advance(HOUR_MS);
      rig.lab.world.failDisk("web-1");
      await rig.alert();
      await rig.soonIn("web-1", "approve", /approval/);
      expect(await rig.outcomes("web-1")).toEqual([null, "rejected"]);
    });
  });

  it("of somebody without the role does not count", async () => {
    await asked(async (rig) => {
      await rig.decide("reject", "web-1", "mallory");
      await rig.soon("recorded", async () => (await rig.story("web-1")).decisions.length === 1);
      expect(await rig.view("web-1")).toMatchObject({ phase: "approve" });
    });
  });
});
