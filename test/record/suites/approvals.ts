import { describe, expect, it } from "vitest";
import type { Plan } from "../../../src/contracts/plan.ts";
import { admitting, aPlan, closing, hashOfPlan, planned, result } from "../builders.ts";
import { databaseOf, type Create } from "./suite.ts";

export function approvalSuite(create: Create): void {
  describe("decisions of people", () => {
    const db = databaseOf(create);

    const decide = (id: string, plan: Plan, by: string, more: object = {}) =>
      db.record.decide({
        remediationId: id,
        planHash: hashOfPlan(plan),
        decision: "approve",
        by,
        via: "cli",
        reason: "looks right",
        ignoredBecause: null,
        token: null,
        unsigned: true,
        needed: 2,
        expiresAt: "2100-01-01T00:00:00.000Z",
        ...more,
      });

    it("is approved by as many different people as are needed, never by one alone", async () => {
      const plan = aPlan({ target: "two" });
      const id = await planned(db.record, plan);
      expect(await decide(id, plan, "ann")).toEqual({ status: "needMore", detail: "1 of 2 approvals (ann)" });
      expect((await decide(id, plan, "ann")).status).toBe("needMore");
      expect((await decide(id, plan, "bob")).status).toBe("approved");
      expect((await decide(id, plan, "bob")).status).toBe("approved");
      expect((await decide(id, plan, "cid")).status).toBe("ignored");
      const { counted } = await db.record.countedFacts(id, plan, hashOfPlan(plan));
      expect(counted.approvedBy).toEqual(["ann", "bob"]);
    });

    describe("with a one-time token", () => {
      const wishOf = (id: string, plan: Plan, more: object = {}) => ({
        remediationId: id,
        planHash: hashOfPlan(plan),
        person: "ann",
        decision: "approve",
        via: "api",
        ttlMs: 60_000,
        ...more,
      });

      it("counts without unsigned ones being allowed, once, and tells how the person came", async () => {
        const plan = aPlan({ target: "token" });
        const id = await planned(db.record, plan);
        const { token } = await db.record.issueToken(wishOf(id, plan));
        const signed = { token, unsigned: false, via: "update" };
        expect((await decide(id, plan, "ann", { unsigned: false })).detail).toMatch(/carries no one-time token/);
        expect(await decide(id, plan, "ann", signed)).toMatchObject({ status: "needMore" });
        expect((await decide(id, plan, "ann", signed)).status).toBe("needMore");
        expect((await decide(id, plan, "bob", signed)).detail).toMatch(/used before/);
        const { decisions, audit } = (await db.record.story(id)) ?? { decisions: [], audit: [] };
        expect(decisions.filter(({ status }) => status === "counted")).toMatchObject([{ by: "ann", via: "api" }]);
        expect(JSON.stringify(audit)).not.toContain(token);
        expect(JSON.stringify(await db.sql("select * from decision_tokens"))).not.toContain(token);
      });

      it.each([
        ["another person", { person: "eve" }],
        ["another plan", { planHash: "0".repeat(64) }],
        ["another decision", { decision: "reject" }],
        ["expired", { ttlMs: 0 }],
      ])("for %s is ignored", async (why, more) => {
        const plan = aPlan({ target: `token-${why}` });
        const id = await planned(db.record, plan);
        const { token } = await db.record.issueToken(wishOf(id, plan, more));
        const answer = await decide(id, plan, "ann", { token, unsigned: true });
        expect(answer).toMatchObject({ status: "ignored", detail: expect.stringContaining(why) });
      });

      it("for another remediation is ignored; for a closed one none is given out", async () => {
        const plan = aPlan({ target: "token-one" });
        const other = aPlan({ target: "token-two" });
        const [id, second] = [await planned(db.record, plan), await planned(db.record, other)];
        const { token } = await db.record.issueToken(wishOf(second, plan));
        expect((await decide(id, plan, "ann", { token })).detail).toMatch(/another remediation/);
        await db.record.close(closing(second));
        await expect(db.record.issueToken(wishOf(second, other))).rejects.toThrow("was closed");
      });
    });

    it("counts each person once when all decide at the same moment", async () => {
      const plan = aPlan({ target: "together" });
      const id = await planned(db.record, plan);
      const people = ["ann", "ann", "bob", "bob", "cid", "dan"];
      const answers = await Promise.all(people.map((by) => decide(id, plan, by, { needed: 4 })));
      expect(answers.filter((answer) => answer.status === "approved").length).toBeGreaterThanOrEqual(1);
      const { counted } = await db.record.countedFacts(id, plan, hashOfPlan(plan));
      expect([...counted.approvedBy].sort()).toEqual(["ann", "bob", "cid", "dan"]);
    });

    it("ends with the first reject, and nobody decides twice", async () => {
      const plan = aPlan({ target: "reject" });
      const id = await planned(db.record, plan);
      await decide(id, plan, "ann");
      expect((await decide(id, plan, "ann", { decision: "reject" })).status).toBe("ignored");
      expect(await decide(id, plan, "bob", { decision: "reject" })).toEqual({
        status: "rejected",
        detail: "rejected by bob",
      });
      expect((await decide(id, plan, "bob", { decision: "reject" })).status).toBe("rejected");
      expect((await decide(id, plan, "cid")).status).toBe("ignored");
      const story = await db.record.story(id);
      expect(story?.decisions.map((one) => `${one.by} ${one.decision} ${one.status}`)).toEqual([
        "ann approve counted",
        "ann reject ignored",
        "bob reject counted",
        "cid approve ignored",
      ]);
    });

    it("ignores who may not decide, until he may", async () => {
      const plan = aPlan({ target: "role" });
      const id = await planned(db.record, plan);
      const not = { ignoredBecause: "eve has none of the roles dc-ops", needed: 1 };
      expect(await decide(id, plan, "eve", not)).toEqual({ status: "ignored", detail: not.ignoredBecause });
      expect((await decide(id, plan, "eve", { needed: 1 })).status).toBe("approved");
    });

    it("counts only for the plan in force, while it is not expired and the remediation is open", async () => {
      const plan = aPlan({ target: "force" });
      const id = await planned(db.record, plan);
      expect((await decide(id, plan, "ann", { planHash: "other" })).status).toBe("ignored");
      expect((await decide(id, plan, "ann", { expiresAt: "2001-01-01T00:00:00Z" })).status).toBe("ignored");
      const soon = new Date(Date.parse(await db.record.now()) + 60_000).toISOString();
      expect((await decide(id, plan, "ann", { expiresAt: soon, needed: 1 })).status).toBe("approved");
      await db.setClock(61_000);
      expect((await db.record.countedFacts(id, plan, hashOfPlan(plan))).counted.approvedBy).toEqual([]);
      await db.setClock(null);
      await db.record.close(closing(id));
      expect((await decide(id, plan, "bob")).status).toBe("ignored");
    });

    it("uses a standing approval exactly as often as it says, by as many as want it at once", async () => {
      const granted = await db.record.grantStanding({
        runbook: "standing",
        runbookHash: "rb-1",
        group: "web",
        by: "ann",
        expiresAt: "2100-01-01T00:00:00.000Z",
        maxCount: 3,
      });
      const plans = Array.from({ length: 8 }, (_, index) =>
        aPlan({ target: `standing-${index}`, runbook: "standing" }),
      );
      const ids = await Promise.all(plans.map((plan) => planned(db.record, plan)));
      const admitAll = () =>
        Promise.all(
          plans.map((plan, index) =>
            admitting(db.record, ids[index] as string, plan, (counted) => [
              counted.standing === null ? result("review", "APPROVAL_REQUIRED") : result("pass", "STANDING_APPROVAL"),
            ]),
          ),
        );
      const numberOf = (admissions: Awaited<ReturnType<typeof admitAll>>, status: string) =>
        admissions.filter((one) => one.status === status).length;
      const first = await admitAll();
      expect([numberOf(first, "admitted"), numberOf(first, "queued")]).toEqual([3, 5]);
      const second = await admitAll();
      expect([numberOf(second, "admitted"), numberOf(second, "refused")]).toEqual([3, 5]);
      expect(await db.record.standing()).toEqual([]);
      expect(await db.sql("select used from standing_approvals where id = $1", [granted.id])).toEqual([{ used: 3 }]);
    });

    it("shows a standing approval only to its runbook version and group, until it is withdrawn or expires", async () => {
      const wish = { runbook: "disk", runbookHash: "rb-1", group: "web", by: "ann", maxCount: 1 };
      const granted = await db.record.grantStanding({ ...wish, expiresAt: "2100-01-01T00:00:00.000Z" });
      const seen = async (plan: Plan) => (await db.record.countedFacts("x", plan, "h")).counted.standing?.id ?? null;
      expect(await seen(aPlan())).toBe(granted.id);
      expect(await seen(aPlan({ group: "db" }))).toBeNull();
      expect(await seen({ ...aPlan(), runbookHash: "rb-2" })).toBeNull();
      await db.setClock("2100-01-01T00:00:01Z");
      expect(await seen(aPlan())).toBeNull();
      await db.setClock(null);
      await db.record.withdrawStanding(granted.id, "bob");
      await db.record.withdrawStanding(granted.id, "bob");
      expect(await seen(aPlan())).toBeNull();
      const control = await db.record.audit("control");
      expect(control.filter((row) => row.kind === "standingWithdrawn")).toHaveLength(1);
    });
  });
}
