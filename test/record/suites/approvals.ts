import { describe, expect, it } from "vitest";
import { faultKey } from "../../../src/contracts/ids.ts";
import type { Plan } from "../../../src/contracts/plan.ts";
import { verifyChain } from "../../../src/record/audit.ts";
import { admitting, aPlan, closing, hashOfPlan, host, planned, received, result, verdict } from "../builders.ts";
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
        roles: ["dc-ops"],
        quorum: 2,
        expiresAt: "2100-01-01T00:00:00.000Z",
        ...more,
      });

    it("is approved by as many different people as are needed, never by one alone", async () => {
      const plan = aPlan({ target: "two" });
      const id = await planned(db.record, plan);
      expect(await decide(id, plan, "ann")).toEqual({
        status: "needMore",
        approvedBy: ["ann"],
        detail: "1 of 2 approvals (ann)",
      });
      expect((await decide(id, plan, "ann")).status).toBe("needMore");
      expect((await decide(id, plan, "bob")).status).toBe("approved");
      expect((await decide(id, plan, "bob")).status).toBe("approved");
      expect((await decide(id, plan, "cid")).status).toBe("ignored");
      const { counted } = await db.record.countedFacts(id, plan, hashOfPlan(plan));
      expect(counted.approvedBy).toEqual(["ann", "bob"]);
    });

    it("says in lists how far it is, while it waits for more", async () => {
      const plan = aPlan({ target: "far" });
      const id = await planned(db.record, plan);
      const until = "2100-01-01T00:00:00.000Z";
      const doing = async () => (await db.record.find(id))?.doing;
      const asked = `approval by dc-ops of plan ${hashOfPlan(plan).slice(0, 12)}`;
      await db.record.progress(id, "approve", "waiting", until);
      await decide(id, plan, "ann");
      expect(await db.record.find(id)).toMatchObject({
        phase: "approve",
        phaseUntil: until,
        doing: `waiting for ${asked} (1 of 2 approvals (ann))`,
      });
      await decide(id, plan, "ann", { decision: "withdraw" });
      expect(await doing()).toBe(`waiting for ${asked} (0 of 2 approvals)`);
      // A word that comes when it has gone on changes nothing of that.
      await db.record.progress(id, "act", "draining", null);
      await decide(id, plan, "bob");
      expect(await doing()).toBe("draining");
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
      const answers = await Promise.all(people.map((by) => decide(id, plan, by, { quorum: 4 })));
      expect(answers.filter((answer) => answer.status === "approved").length).toBeGreaterThanOrEqual(1);
      const { counted } = await db.record.countedFacts(id, plan, hashOfPlan(plan));
      expect([...counted.approvedBy].sort()).toEqual(["ann", "bob", "cid", "dan"]);
    });

    it("takes an approval back before the quorum, tells its story, and lets its person decide anew", async () => {
      const plan = aPlan({ target: "withdraw" });
      const id = await planned(db.record, plan);
      const withdraw = (by: string) => decide(id, plan, by, { decision: "withdraw", reason: "not sure" });
      expect(await withdraw("ann")).toMatchObject({ status: "ignored", detail: "ann has no approval to withdraw" });
      await decide(id, plan, "ann");
      const back = { status: "needMore", approvedBy: [], detail: "0 of 2 approvals" };
      expect(await withdraw("ann")).toEqual(back);
      // The call was tried again after its reply was lost.
      expect(await withdraw("ann")).toEqual(back);
      expect((await db.record.countedFacts(id, plan, hashOfPlan(plan))).counted.approvedBy).toEqual([]);
      await decide(id, plan, "bob");
      expect((await decide(id, plan, "ann")).status).toBe("approved");
      expect(await withdraw("ann")).toMatchObject({
        status: "ignored",
        detail: expect.stringMatching(/^already approved/),
      });
      expect((await db.record.countedFacts(id, plan, hashOfPlan(plan))).counted.approvedBy).toEqual(["bob", "ann"]);
      const said = ((await db.record.story(id))?.audit ?? []).filter(({ kind }) => kind === "decision");
      expect(said.map(({ body }) => [body["by"], body["decision"], body["ignoredBecause"] === null])).toEqual([
        ["ann", "withdraw", false],
        ["ann", "approve", true],
        ["ann", "withdraw", true],
        ["bob", "approve", true],
        ["ann", "approve", true],
        ["ann", "withdraw", false],
      ]);
    });

    it("voids the approvals of a plan that another one replaced, for good, and says so", async () => {
      const [plan, other] = [aPlan({ target: "changed" }), aPlan({ target: "changed", severity: "critical" })];
      const id = await planned(db.record, plan);
      expect((await decide(id, plan, "ann", { quorum: 1 })).status).toBe("approved");
      const putInForce = (one: Plan) =>
        db.record.saveDecision(id, { ...verdict, at: one.severity }, one, hashOfPlan(one), "c");
      await putInForce(other);
      expect((await decide(id, plan, "bob")).detail).toBe("the plan in force is another one by now");
      await db.record.saveDecision(id, { ...verdict, at: "again" }, plan, hashOfPlan(plan), "c");
      expect((await db.record.countedFacts(id, plan, hashOfPlan(plan))).counted.approvedBy).toEqual([]);
      const story = await db.record.story(id);
      expect(story?.decisions.filter(({ by }) => by === "ann")).toMatchObject([{ status: "void" }]);
      expect(story?.audit.filter(({ kind }) => kind === "approvalVoid")).toMatchObject([
        { body: { person: "ann", planHash: hashOfPlan(plan), inForce: hashOfPlan(other) } },
      ]);
      expect((await decide(id, plan, "ann", { quorum: 1 })).status).toBe("approved");
    });

    it("does not count the approval of who asked for the remediation, also by an alert that joined later", async () => {
      const asked = (by: string, fingerprint: string) =>
        received({ fingerprint, source: "manual", annotations: { requestedBy: by } }, { target: host("manual") });
      await db.record.receive([asked("ann", "manual-1")]);
      const plan = aPlan({ target: "manual" });
      const faults = [faultKey(asked("ann", "manual-1").alert)];
      const id = await planned(db.record, plan, { faults });
      await db.record.receive([asked("bob", "manual-2")]);
      for (const by of ["ann", "bob"]) {
        const detail = `${by} asked for this remediation: somebody else must approve it`;
        expect(await decide(id, plan, by, { quorum: 1 })).toMatchObject({ status: "ignored", detail });
      }
      expect((await decide(id, plan, "cid", { quorum: 1 })).status).toBe("approved");
    });

    it("takes a second approval of a person whose first one expired in the queue", async () => {
      const plan = aPlan({ target: "expired" });
      const id = await planned(db.record, plan);
      const soon = async () => new Date(Date.parse(await db.record.now()) + 60_000).toISOString();
      expect((await decide(id, plan, "ann", { roles: ["dc-ops"], quorum: 1, expiresAt: await soon() })).status).toBe(
        "approved",
      );
      await db.setClock(61_000);
      expect((await decide(id, plan, "ann", { roles: ["dc-ops"], quorum: 1, expiresAt: await soon() })).status).toBe(
        "approved",
      );
      expect((await db.record.countedFacts(id, plan, hashOfPlan(plan))).counted.approvedBy).toEqual(["ann"]);
      await db.setClock(null);
    });

    it("has one winner among approvals, rejects and withdrawals at once, and tells everybody else why not", async () => {
      for (let round = 0; round < 12; round++) {
        const plan = aPlan({ target: `race-${round}` });
        const id = await planned(db.record, plan);
        await decide(id, plan, "ann");
        const words: [string, string][] = [
          ...([
            ["bob", "approve"],
            ["cid", "reject"],
            ["ann", "withdraw"],
          ] as [string, string][]),
          ...([
            ["dan", "approve"],
            ["eve", "reject"],
            ["bob", "withdraw"],
          ] as [string, string][]),
        ];
        const answers = await Promise.all(words.map(([by, decision]) => decide(id, plan, by, { decision })));
        const { counted } = await db.record.countedFacts(id, plan, hashOfPlan(plan));
        const story = await db.record.story(id);
        const rejects = story?.decisions.filter((one) => one.decision === "reject" && one.status === "counted") ?? [];
        const approved = answers.some((one) => one.status === "approved");
        expect(rejects.length).toBe(approved ? 0 : 1);
        if (approved) expect(counted.approvedBy.length).toBe(2);
        for (const one of answers.filter(({ status }) => status === "ignored")) expect(one.detail).not.toBe("");
        expect(verifyChain(story?.audit ?? [])).toMatchObject({ ok: true });
      }
    });

    it("ends with the first reject, and nobody decides twice", async () => {
      const plan = aPlan({ target: "reject" });
      const id = await planned(db.record, plan);
      await decide(id, plan, "ann");
      expect((await decide(id, plan, "ann", { decision: "reject" })).status).toBe("ignored");
      expect(await decide(id, plan, "bob", { decision: "reject" })).toEqual({
        status: "rejected",
        approvedBy: [],
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
      const not = { ignoredBecause: "eve has none of the roles dc-ops", quorum: 1 };
      expect(await decide(id, plan, "eve", not)).toEqual({
        status: "ignored",
        approvedBy: [],
        detail: not.ignoredBecause,
      });
      expect((await decide(id, plan, "eve", { quorum: 1 })).status).toBe("approved");
    });

    it("counts only for the plan in force, while it is not expired and the remediation is open", async () => {
      const plan = aPlan({ target: "force" });
      const id = await planned(db.record, plan);
      expect((await decide(id, plan, "ann", { planHash: "other" })).status).toBe("ignored");
      expect((await decide(id, plan, "ann", { expiresAt: "2001-01-01T00:00:00Z" })).status).toBe("ignored");
      const soon = new Date(Date.parse(await db.record.now()) + 60_000).toISOString();
      expect((await decide(id, plan, "ann", { expiresAt: soon, quorum: 1 })).status).toBe("approved");
      await db.setClock(61_000);
      expect((await db.record.countedFacts(id, plan, hashOfPlan(plan))).counted.approvedBy).toEqual([]);
      await db.setClock(null);
      await db.record.close(closing(id));
      expect((await decide(id, plan, "bob")).status).toBe("ignored");
    });

    it("uses a standing approval exactly as often as it says, by as many as want it at once", async () => {
      const id = await db.record.grantStanding({
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
      expect([numberOf(first, "admitted"), numberOf(first, "again")]).toEqual([3, 5]);
      const second = await admitAll();
      expect([numberOf(second, "admitted"), numberOf(second, "again")]).toEqual([3, 5]);
      expect(await db.record.standing()).toEqual([]);
      expect(await db.sql("select used from standing_approvals where id = $1", [id])).toEqual([{ used: 3 }]);
    });

    it("shows a standing approval only to its runbook version and group, until it is withdrawn or expires", async () => {
      const wish = { runbook: "disk", runbookHash: "rb-1", group: "web", by: "ann", maxCount: 1 };
      const id = (await db.record.grantStanding({ ...wish, expiresAt: "2100-01-01T00:00:00.000Z" })) ?? "";
      const seen = async (plan: Plan) => (await db.record.countedFacts("x", plan, "h")).counted.standing?.id ?? null;
      expect(await seen(aPlan())).toBe(id);
      expect(await seen(aPlan({ group: "db" }))).toBeNull();
      expect(await seen({ ...aPlan(), runbookHash: "rb-2" })).toBeNull();
      await db.setClock("2100-01-01T00:00:01Z");
      expect(await seen(aPlan())).toBeNull();
      await db.setClock(null);
      await db.record.withdrawStanding(id, "bob");
      await db.record.withdrawStanding(id, "bob");
      expect(await seen(aPlan())).toBeNull();
      const control = await db.record.audit("control");
      expect(control.filter((row) => row.kind === "standingWithdrawn")).toHaveLength(1);
    });
  });
}
