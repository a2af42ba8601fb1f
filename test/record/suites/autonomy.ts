import { beforeEach, describe, expect, it } from "vitest";
import { faultKey } from "../../../src/contracts/ids.ts";
import type { Verdict } from "../../../src/contracts/verdict.ts";
import { judged } from "../../../src/policy/evidence.ts";
import { verifyChain } from "../../../src/record/audit.ts";
import { NO_SHARED } from "../../policy/support.ts";
import {
  admitted,
  admitting,
  anAlert,
  anIntent,
  aPlan,
  closing,
  hashOfPlan,
  planned,
  received,
  result,
} from "../builders.ts";
import { databaseOf, type Create } from "./suite.ts";

export function autonomySuite(create: Create): void {
  describe("what people say of the automation", () => {
    const db = databaseOf(create);
    beforeEach(() => db.sql("truncate modes, standing_approvals"));

    const wish = { scope: "global", declared: "auto", runbookHash: null, by: "ann", reason: "r", about: {} } as const;
    const control = async (kind: string) => (await db.record.audit("control")).filter((row) => row.kind === kind);

    it("has one mode in force a scope, whoever sets it at the same time, and every word in the audit chain", async () => {
      const modes = ["observe", "review", "auto", "review"] as const;
      await Promise.all(modes.map((mode, index) => db.record.setMode({ ...wish, mode, by: `p${index}` })));
      const [only, ...others] = await db.record.modes();
      expect(others).toEqual([]);
      expect(only).toMatchObject({ scope: "global", declared: "auto", runbookHash: null });
      expect(await control("modeSet")).toHaveLength(4);
      expect((await db.record.countedFacts("x", aPlan(), "h")).modes).toEqual([only]);
      expect(await db.record.setMode({ ...wish, mode: null })).toBeNull();
      expect(await db.record.modes()).toEqual([]);
      const last = (await control("modeSet")).at(-1);
      expect(last?.body).toMatchObject({ mode: null, before: only?.mode, by: "ann" });
      expect(verifyChain(await db.record.audit("control"))).toMatchObject({ ok: true });
    });

    it("beats on; behind what Temporal saw it is a restored one: review, audited, once", async () => {
      const first = await db.record.beat(null);
      expect(first).toMatchObject({ restored: false });
      expect(await db.record.beat(first.beat)).toEqual({ beat: first.beat + 1, restored: false });
      expect(await db.record.beat(first.beat)).toEqual({ beat: first.beat + 2, restored: false });
      const seen = first.beat + 50;
      const both = await Promise.all([db.record.beat(seen), db.record.beat(seen)]);
      expect(both.map((one) => one.restored).sort()).toEqual([false, true]);
      expect(Math.max(...both.map((one) => one.beat))).toBe(seen + 2);
      expect(await db.record.modes()).toMatchObject([{ scope: "global", mode: "review", by: "selfheal" }]);
      await db.record.setMode({ ...wish, mode: null });
      expect(await db.record.beat(seen)).toMatchObject({ restored: false });
      expect(await db.record.modes()).toEqual([]);
    });

    it("does not lift a person's observe when it was restored", async () => {
      await db.record.setMode({ ...wish, mode: "observe" });
      await db.record.beat((await db.record.beat(null)).beat + 10);
      expect(await db.record.modes()).toMatchObject([{ mode: "observe", by: "selfheal" }]);
    });

    const standing = {
      ...{ runbook: "std", runbookHash: "rb-1", group: "web", by: "ann", reason: "CHG-1" },
      ...{ expiresAt: "2100-01-01T00:00:00.000Z", maxCount: 2 },
    };

    it("a standing approval given by hand counts each use, under many hands, and shows who used it", async () => {
      const given = await db.record.giveStanding(standing);
      const plans = [0, 1, 2, 3].map((index) => aPlan({ target: `std-${index}`, runbook: "std" }));
      const admissions = await Promise.all(
        plans.map(async (plan) =>
          admitting(db.record, await planned(db.record, plan), plan, (counted) => [
            counted.standing === null ? result("review", "APPROVAL_REQUIRED") : result("pass", "STANDING_APPROVAL"),
          ]),
        ),
      );
      expect(admissions.filter((one) => one.status === "admitted")).toHaveLength(2);
      const [row] = await db.record.standingRows();
      expect(row).toMatchObject({ id: given.id, used: 2, state: "usedUp", declared: false, reason: "CHG-1" });
      const used = plans.filter((_, index) => admissions[index]?.status === "admitted").map((plan) => plan.target.id);
      expect(row?.uses.map((one) => one.target.id).sort()).toEqual(used.sort());
    });

    const { reason: _, ...rest } = standing;
    const declared = { ...rest, by: "file" };

    it("one given by hand lapses for good with the version, a declared one with its declaration", async () => {
      const given = await db.record.giveStanding(standing);
      const id = (await db.record.grantStanding(declared)) ?? "";
      expect(await db.record.lapseStanding([{ runbook: "std", hash: "rb-1" }], [id])).toEqual([]);
      expect(await db.record.lapseStanding([{ runbook: "std", hash: "rb-2" }], [id])).toEqual([given.id]);
      expect(await db.record.lapseStanding([], [id])).toEqual([]);
      const plan = aPlan({ runbook: "std" });
      expect((await db.record.countedFacts("x", plan, "h")).counted.standing).toMatchObject({ by: "file" });
      const states = (await db.record.standingRows()).map((row) => `${row.by} ${row.state}`).sort();
      expect(states).toEqual(["ann lapsed", "file usable"]);
      expect((await control("standingLapsed")).at(-1)?.body).toMatchObject({ id: given.id, now: "rb-2" });
      await db.record.withdrawStanding(id, "bob");
      expect((await db.record.standingRows()).find((row) => row.declared)).toMatchObject({
        state: "withdrawn",
        withdrawnBy: "bob",
      });
      expect(await db.record.lapseStanding([], [])).toEqual([]);
      expect(await db.record.grantStanding(declared)).toBe(id);
    });

    it("one that selfheal.yaml does not declare any more lets nothing pass; declared again, what was left of it does", async () => {
      const plan = aPlan({ runbook: "std" });
      const counted = async () => (await db.record.countedFacts("x", plan, "h")).counted.standing;
      expect(await db.record.grantStanding(declared, false)).toBeNull();
      const first = await db.record.grantStanding(declared);
      expect(await db.record.grantStanding(declared)).toBe(first);
      await db.sql("update standing_approvals set used = 1");
      expect(await db.record.lapseStanding([{ runbook: "std", hash: "rb-1" }], [])).toEqual([first]);
      expect(await counted()).toBeNull();
      const second = (await db.record.grantStanding(declared)) ?? "";
      expect(await counted()).toMatchObject({ id: second, used: 0, maxCount: 1 });
      expect(await db.record.lapseStanding([{ runbook: "std", hash: "rb-1" }], [second])).toEqual([]);
      expect(await db.record.grantStanding(declared)).toBe(second);
    });

    const observed: Verdict = { outcome: "observe", results: [], at: "2026-01-01T00:00:00.000Z", would: "act" };
    const observe = async (name: string, ended: boolean): Promise<string> => {
      const plan = aPlan({ target: name, runbook: `rb-${name}`, group: "seen" });
      const alert = anAlert({ fingerprint: name });
      await db.record.receive([received({ fingerprint: name }, { target: plan.target })]);
      const id = await planned(db.record, plan, { faults: [faultKey(alert)] });
      await db.record.saveDecision(id, observed, plan, hashOfPlan(plan), "cat-1");
      const faults = [faultKey(alert)];
      await db.record.close(closing(id, { outcome: "observed", faults }));
      if (!ended) return id;
      const endsAt = new Date(Date.parse(await db.record.now()) + 120_000).toISOString();
      await db.record.receive([received({ fingerprint: name, status: "resolved", endsAt }, { target: plan.target })]);
      return id;
    };
    const cases = async (name: string) => db.record.cases(3_600_000, { runbook: `rb-${name}`, group: "seen" });

    it("follows an observed alert to its end, by the ingest alone", async () => {
      const id = await observe("ends", true);
      const [one] = await cases("ends");
      expect(one).toMatchObject({ remediationId: id, outcome: "observed", would: "act", review: null });
      const after = Date.parse(one?.endedAt ?? "") - Date.parse(one?.closedAt ?? "");
      expect(after).toBeGreaterThan(100_000);
      const story = await db.record.story(id);
      expect(story?.alerts.map(({ status }) => status).sort()).toEqual(["firing", "resolved"]);
      await observe("fires", false);
      expect(await cases("fires")).toMatchObject([{ would: "act", endedAt: null }]);
      expect(await db.record.cases(0)).toEqual([]);
    });

    it("keeps the last review of a closed remediation, and none of an open one", async () => {
      const id = await observe("reviewed", true);
      const say = (verdict: "good" | "falsePositive") =>
        db.record.review({ remediationId: id, verdict, by: "ann", reason: "looked" });
      await say("falsePositive");
      await say("good");
      const [one] = await cases("reviewed");
      expect(one?.review).toBe("good");
      expect(one === undefined ? null : judged(one)).toBe("agreed");
      const audit = (await db.record.audit(id)).filter(({ kind }) => kind === "review");
      expect(audit.map(({ body }) => body["verdict"])).toEqual(["falsePositive", "good"]);
      const open = await planned(db.record, aPlan({ target: "open" }));
      const review = db.record.review({ remediationId: open, verdict: "good", by: "ann", reason: "" });
      await expect(review).rejects.toThrow("it is reviewed once it is closed");
    });

    it("counts what a person calls a false positive into the error budget, once it had done something", async () => {
      const errorBudget = { scope: "runbook:fp@web", max: 3, windowMs: 3_600_000 };
      const planFor = (target: string) =>
        aPlan({ target, runbook: "fp", limits: { shared: { ...NO_SHARED, errorBudget } } });
      const healed = async (target: string): Promise<string> => {
        const id = await admitted(db.record, planFor(target));
        await db.record.beginEffect(anIntent(id));
        await db.record.settleEffect(anIntent(id).key, "happened", null, "");
        await db.record.close(closing(id));
        return id;
      };
      const failures = async () =>
        (await db.record.countedFacts("other", planFor("fp-x"), "h")).counted.shared?.failures;
      const [first, second] = [await healed("fp-1"), await healed("fp-2")];
      const say = (remediationId: string, verdict: "good" | "falsePositive" | "masking") =>
        db.record.review({ remediationId, verdict, by: "ann", reason: "" });
      await say(first, "falsePositive");
      await say(second, "good");
      expect(await failures()).toBe(1);
      await say(second, "masking");
      expect(await failures()).toBe(2);
    });

    it("keeps attestations of one version, newest first", async () => {
      const said = { runbook: "disk", kind: "rehearsal", passed: true, summary: "3 healed", by: "ann" } as const;
      await db.record.attest({ ...said, runbookHash: "v1" });
      await db.record.attest({ ...said, runbookHash: "v1", passed: false });
      await db.record.attest({ ...said, runbookHash: "v2" });
      expect((await db.record.attestations("disk", "v1")).map(({ passed }) => passed)).toEqual([false, true]);
      expect((await control("attested")).length).toBe(3);
    });
  });
}
