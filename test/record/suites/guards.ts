import { describe, expect, it } from "vitest";
import type { Plan, PlanStep, SharedLimits } from "../../../src/contracts/plan.ts";
import { verifyChain } from "../../../src/record/audit.ts";
import {
  admitted,
  admitting,
  anIntent,
  aPlan,
  cap,
  closing,
  hashOfPlan,
  host,
  planned,
  realPolicy,
  received,
  result,
} from "../builders.ts";
import { HOUR_MS, NO_SHARED, stepOf } from "../../policy/support.ts";
import { databaseOf, type Create } from "./suite.ts";

const DRAIN: PlanStep = {
  ...stepOf("low"),
  id: "drain",
  undoable: true,
  finish: { healthy: true, otherwise: true, ramped: false },
};
const LOOK: PlanStep = { ...stepOf("read"), id: "look" };
const verify = { holdMs: 1, withinMs: 1, also: [] };

export function guardsSuite(create: Create): void {
  describe("guardrails that count", () => {
    const db = databaseOf(create);

    const planFor = (target: string, group: string, shared: Partial<SharedLimits> = {}, rest = {}): Plan => {
      const plan = aPlan({ target, group, ...rest, limits: { shared: { ...NO_SHARED, ...shared } } });
      return { ...plan, rungs: [{ name: "r1", steps: [DRAIN, LOOK], verify }] };
    };
    const facts = async (plan: Plan, id = "other") =>
      (await db.record.countedFacts(id, plan, hashOfPlan(plan))).counted;
    const acting = async (plan: Plan): Promise<string> => {
      const id = await admitted(db.record, plan);
      await db.record.beginEffect(anIntent(id));
      await db.record.settleEffect(anIntent(id).key, "happened", null, "drained");
      return id;
    };
    const leave = async (plan: Plan): Promise<string> => {
      const id = await acting(plan);
      await db.record.close(closing(id, { outcome: "escalated", needsHuman: true }));
      return id;
    };
    const policy = (plan: Plan) => realPolicy({ ...plan, rungs: [] }, hashOfPlan(plan));
    const admitByPolicy = (id: string, plan: Plan) =>
      db.record.admit({ remediationId: id, plan, planHash: hashOfPlan(plan), evaluate: policy(plan) });

    describe("a target that was left out of service", () => {
      it("goes on counting where it counts, but does not stand in its own way", async () => {
        const id = await leave(planFor("left-1", "left", {}, { rack: "lr1" }));
        const mine = (await db.record.leases()).filter((lease) => lease.remediationId === id);
        expect(mine.map(({ scope, state }) => `${state} ${scope}`)).toEqual([
          "leftOut global",
          "leftOut group:left",
          "leftOut rack:lr1",
        ]);
        const other = { ...planFor("left-2", "left"), limits: { ...aPlan().limits, caps: [cap("group:left", 1)] } };
        expect(await facts(other)).toMatchObject({ held: { "group:left": 1 }, leftOut: { "group:left": 1 } });
        const refused = await admitByPolicy(await planned(db.record, other), other);
        expect(refused).toMatchObject({ status: "refused" });
        const again = planFor("left-1", "left");
        expect(await facts(again)).toMatchObject({ held: { "group:left": 0, "target:host:left-1": 0 } });
        expect((await db.record.leftOut()).find((one) => one.remediationId === id)).toMatchObject({
          target: host("left-1"),
          group: "left",
        });
      });

      it("counts once when it is in work again, and is back when that healed it", async () => {
        await leave(planFor("heal-1", "heal"));
        const again = await admitted(db.record, planFor("heal-1", "heal"));
        const other = planFor("heal-2", "heal");
        expect(await facts(other)).toMatchObject({ held: { "group:heal": 1 }, leftOut: { "group:heal": 0 } });
        await db.record.close(closing(again, { outcome: "recovered" }));
        expect(await facts(other)).toMatchObject({ held: { "group:heal": 1 }, leftOut: { "group:heal": 1 } });
        const last = await admitted(db.record, planFor("heal-1", "heal"));
        await db.record.close(closing(last, { outcome: "healed" }));
        expect(await facts(other)).toMatchObject({ held: { "group:heal": 0 } });
      });

      it("is back when a person says so, once, and the waiter behind it is seen", async () => {
        const id = await leave(planFor("back-1", "back"));
        const capped = { ...planFor("back-2", "back"), limits: { ...aPlan().limits, caps: [cap("group:back", 1)] } };
        const waiting = await planned(db.record, capped);
        expect((await admitting(db.record, waiting, capped)).status).toBe("queued");
        const waiters = async () => (await db.record.admissibleWaiters(50)).map((one) => one.remediationId);
        expect(await waiters()).not.toContain(waiting);
        expect(await db.record.back(host("back-1"), "ann", "new disk")).toEqual([id]);
        expect(await db.record.back(host("back-1"), "ann", "new disk")).toEqual([]);
        expect(await waiters()).toContain(waiting);
        const chain = await db.record.audit(id);
        expect(verifyChain(chain)).toMatchObject({ ok: true });
        expect(chain.at(-1)).toMatchObject({ kind: "targetBack", body: { by: "ann", reason: "new disk" } });
        await db.record.close(closing(waiting));
      });

      it("is not there when all was taken back, or nothing that leaves traces was done", async () => {
        const undone = await acting(planFor("undone", "undone"));
        const undo = anIntent(undone, { direction: "undo" });
        await db.record.beginEffect(undo);
        await db.record.settleEffect(undo.key, "happened", null, "back");
        await db.record.close(closing(undone, { outcome: "escalated" }));
        const looked = await admitted(db.record, planFor("looked", "undone"));
        await db.record.beginEffect(anIntent(looked, { step: "look" }));
        await db.record.settleEffect(anIntent(looked, { step: "look" }).key, "happened", null, "seen");
        await db.record.close(closing(looked, { outcome: "escalated" }));
        const ids = (await db.record.leftOut()).map((one) => one.remediationId);
        expect(ids).not.toContain(undone);
        expect(ids).not.toContain(looked);
      });

      it("is there when its effect is settled only after the close", async () => {
        const id = await admitted(db.record, planFor("late-1", "late"));
        await db.record.beginEffect(anIntent(id));
        await db.record.close(closing(id, { outcome: "failed" }));
        await db.record.settleEffect(anIntent(id).key, "happened", null, "it went on");
        expect((await db.record.leftOut()).map((one) => one.remediationId)).toContain(id);
      });
    });

    it("says who of the group is in work, left out and seen unhealthy, itself not among them", async () => {
      await leave(planFor("h-left", "health"));
      const working = await acting(planFor("h-work", "health"));
      const at = await db.record.saveGroupHealth(
        { kind: "host", group: "health" },
        { unhealthy: ["h-3"], detail: "1 of 4" },
      );
      const { shared } = await facts(planFor("h-1", "health"));
      expect(shared?.health).toEqual({
        inWork: ["h-work"],
        leftOut: ["h-left"],
        outside: { at, unhealthy: ["h-3"], detail: "1 of 4" },
      });
      await db.record.saveGroupHealth({ kind: "host", group: "health" }, { unhealthy: null, detail: "no answer" });
      expect((await facts(planFor("h-1", "health"))).shared?.health.outside?.unhealthy).toBeNull();
      await db.record.close(closing(working));
    });

    it("wakes one that waits for members to become healthy only when fewer are in work", async () => {
      const minHealthy = { scope: "group:min", members: 3, min: 1, because: "1", outsideMaxAgeMs: null };
      const first = await admitted(db.record, planFor("min-1", "min", { minHealthy }));
      const second = await admitted(db.record, planFor("min-2", "min", { minHealthy }));
      const plan = planFor("min-3", "min", { minHealthy });
      const third = await planned(db.record, plan);
      expect(await admitByPolicy(third, plan)).toMatchObject({
        status: "queued",
        results: expect.anything() as unknown,
      });
      const waiters = async () => (await db.record.admissibleWaiters(50)).map((one) => one.remediationId);
      expect(await waiters()).not.toContain(third);
      await db.record.close(closing(first));
      expect(await waiters()).toContain(third);
      expect(await admitByPolicy(third, plan)).toMatchObject({ status: "admitted" });
      for (const id of [second, third]) await db.record.close(closing(id));
    });

    it("counts attempts and the last fix of a target over all runbooks, rates and costs of group and everything", async () => {
      const hour = { windowMs: HOUR_MS };
      const shared = {
        target: { cooldownMs: HOUR_MS, attempts: { max: 3, ...hour } },
        rates: [{ scope: "group:win", max: 9, ...hour }],
        cost: { estimate: 2.5, budgets: [{ scope: "group:win", max: 99, ...hour }] },
      };
      await db.setClock("2042-01-01T00:00:00.000Z");
      const id = await acting(planFor("win-1", "win", shared, { runbook: "one" }));
      await db.record.close(closing(id));
      const plan = planFor("win-1", "win", shared, { runbook: "two" });
      expect((await facts(plan)).shared).toMatchObject({
        targetLastActed: { at: "2042-01-01T00:00:00.000Z", runbook: "one" },
        targetAttempts: 1,
        rates: { "group:win": { count: 1, since: "2042-01-01T00:00:00.000Z" } },
        budgets: { "group:win": { count: 1, cost: 2.5 } },
      });
      await db.setClock("2042-01-01T01:00:00.001Z");
      expect((await facts(plan)).shared).toMatchObject({
        targetAttempts: 0,
        rates: { "group:win": { count: 0, since: null } },
        budgets: { "group:win": { cost: 0 } },
      });
      await db.setClock(null);
    });

    it("counts how often the same fault fired, in the window and over several starts", async () => {
      const flapping = { from: 3, person: 6, windowMs: HOUR_MS, backoffMs: 60_000 };
      const plan = planFor("flap", "flap", { flapping });
      const alerts = [0, 1, 2].map((n) => received({ fingerprint: "flap", startsAt: `2026-01-01T00:0${n}:00.000Z` }));
      await db.record.receive(alerts);
      await db.record.receive(alerts.slice(0, 1));
      const id = await planned(db.record, plan, { faults: ["flap@2026-01-01T00:02:00.000Z" as never] });
      expect((await facts(plan, id)).shared?.firings.count).toBe(3);
      await db.setClock(HOUR_MS + 1_000);
      expect((await facts(plan, id)).shared?.firings).toEqual({ count: 0, lastAt: null });
      await db.setClock(null);
      await db.record.close(closing(id));
    });

    describe("the storm breaker", () => {
      const storms = [{ scope: "group:storm", group: "storm", trips: 3, windowMs: HOUR_MS, because: "3" }];
      const strike = (...ids: string[]) =>
        db.record.receive(ids.map((id) => received({ fingerprint: `s-${id}` }, { target: host(id), group: "storm" })));

      it("counts distinct targets of the group, trips once under many hands, pages once, and latches", async () => {
        await strike("storm-1", "storm-2");
        await strike("storm-2");
        await db.record.receive([received({ fingerprint: "elsewhere" }, { target: host("db-1"), group: "db" })]);
        const plans = [1, 2, 3].map((n) => planFor(`storm-${n}`, "storm", { storms }));
        expect((await facts(plans[0] as Plan)).shared?.unhealthy).toEqual({ "group:storm": 2 });
        const running = await acting(planFor("storm-run", "storm", { storms }));
        await strike("storm-3");
        const ids = await Promise.all(plans.map((plan) => planned(db.record, plan)));
        const replies = await Promise.all(plans.map((plan, index) => admitByPolicy(ids[index] as string, plan)));
        expect(replies.map((reply) => reply.status)).toEqual(["queued", "queued", "queued"]);
        const tripped = replies.flatMap((reply) => reply.tripped);
        expect(tripped).toHaveLength(1);
        const pages = await db.sql("select count(*)::int as n from escalations where key like 'breaker-%'");
        expect(pages).toEqual([{ n: 1 }]);
        expect(await db.record.breakers()).toMatchObject([{ kind: "storm", scope: "group:storm", waiting: 3 }]);

        // Nothing new begins; what runs is finished and taken back.
        expect(await db.record.beginEffect(anIntent(running, { step: "next" }))).toMatchObject({
          ok: false,
          code: "PAUSED",
        });
        expect(await db.record.beginEffect(anIntent(running, { direction: "undo" }))).toMatchObject({ ok: true });
        const waiters = async () => (await db.record.admissibleWaiters(50)).map((one) => one.remediationId);
        expect(await waiters()).not.toContain(ids[0]);

        // The storm is over, the breaker is not.
        await db.setClock(2 * HOUR_MS);
        expect(await admitByPolicy(ids[0] as string, plans[0] as Plan)).toMatchObject({
          status: "queued",
          tripped: [],
        });
        await db.setClock(null);
        expect((await db.record.waitingUnder("group:storm")).map((one) => one.remediationId).sort()).toEqual(
          [...ids].sort(),
        );

        // Who asks a person about a plan that the storm stood against is held up, too; who asked before it is not.
        const asks = await planned(db.record, planFor("storm-4", "storm", { storms }));
        const before = await planned(db.record, planFor("storm-5", "storm", { storms }));
        const at = "2026-01-01T00:00:00.000Z";
        const against = { at, outcome: "review" as const, results: [result("wait", "STORM")] };
        const stormPlan = planFor("storm-4", "storm", { storms });
        await db.record.saveDecision(asks, against, stormPlan, hashOfPlan(stormPlan), "cat-1");
        for (const one of [asks, before]) await db.record.progress(one, "approve", "waiting", null);
        const held = (await db.record.waitingUnder("group:storm")).map((one) => one.remediationId);
        expect(held.slice(3)).toEqual([asks]);
        expect(await db.record.breakers()).toMatchObject([{ waiting: 4 }]);
        for (const one of [asks, before]) await db.record.close(closing(one));

        const reset = { scope: "group:storm", by: "ann", reason: "switch replaced", how: "reEvaluate" as const };
        expect(await db.record.resetBreakers(reset)).toHaveLength(1);
        expect(await db.record.resetBreakers(reset)).toEqual([]);
        expect(await waiters()).toContain(ids[0]);
        // What was counted before does not trip it again.
        expect(await admitByPolicy(ids[0] as string, plans[0] as Plan)).toMatchObject({ status: "admitted" });
        for (const id of [...ids, running]) await db.record.close(closing(id));
        expect(verifyChain(await db.record.audit("control"))).toMatchObject({ ok: true });
      });
    });

    describe("an automation that fails", () => {
      const scope = "runbook:disk@fail";
      const errorBudget = { scope, max: 2, windowMs: HOUR_MS };

      it("uses up its error budget, asks a person, and is forgiven by a person alone", async () => {
        const plan = planFor("fail-9", "fail", { errorBudget });
        await leave(planFor("fail-1", "fail", { errorBudget }));
        expect((await facts(plan)).shared).toMatchObject({ failures: 1, breakers: [] });
        await leave(planFor("fail-2", "fail", { errorBudget }));
        const id = await planned(db.record, plan);
        // The forecast did not know yet: it is decided again, where it asks a person.
        const again = await admitByPolicy(id, plan);
        expect(again).toMatchObject({ status: "again", tripped: [{ breaker: { kind: "errorBudget", scope } }] });
        expect((await db.record.queue()).map((one) => one.remediationId)).not.toContain(id);
        expect(await admitByPolicy(id, plan)).toMatchObject({ status: "again", tripped: [] });
        await db.setClock(2 * HOUR_MS);
        expect((await facts(plan)).shared).toMatchObject({ failures: 0, breakers: [{ scope }] });
        await db.setClock(null);
        await db.record.resetBreakers({ scope, by: "ann", reason: "fixed", how: "reEvaluate" });
        expect((await facts(plan)).shared).toMatchObject({ failures: 0, breakers: [] });
        await db.record.close(closing(id));
      });

      it("a forecast trips the breaker as well, and an unknown remediation trips nothing", async () => {
        const id = await planned(db.record, planFor("fore", "fore"));
        const results = [
          result("review", "ERROR_BUDGET", { trips: [{ kind: "errorBudget", scope: "runbook:x@fore" }] }),
        ];
        expect(await db.record.trip(id, results)).toHaveLength(1);
        expect(await db.record.trip(id, results)).toEqual([]);
        await expect(db.record.trip("nobody", results)).rejects.toThrow("knows no remediation");
        await db.record.close(closing(id));
      });

      it("is paused for its group at once when it says so, but only after an effect, and once", async () => {
        const pauseOnFailure = "runbook:disk@self";
        const mine = async () => (await db.record.pauses()).filter((one) => one.scope === pauseOnFailure);
        const idle = await admitted(db.record, planFor("self-0", "self", { pauseOnFailure }));
        await db.record.close(closing(idle, { outcome: "escalated" }));
        expect(await mine()).toEqual([]);
        await leave(planFor("self-1", "self", { pauseOnFailure }));
        expect(await mine()).toMatchObject([{ by: "selfheal", until: null }]);
        const plan = planFor("self-2", "self", { pauseOnFailure });
        const id = await planned(db.record, plan);
        expect(await admitByPolicy(id, plan)).toMatchObject({ status: "queued" });
        await db.record.resume((await mine())[0]?.id ?? "", "ann");
        await db.record.close(closing(id));
        // What a pause stopped has not failed: its runbook goes on when the pause is over.
        const errorBudget = { scope: "runbook:disk@self", max: 9, windowMs: HOUR_MS };
        const failures = async () => (await facts(planFor("self-5", "self", { errorBudget }))).shared?.failures;
        expect(await failures()).toBe(1);
        const stopped = await acting(planFor("self-4", "self", { pauseOnFailure }));
        const pause = await db.record.pause({ scope: "target:host:self-4", reason: "look", by: "ann", until: null });
        expect(await db.record.beginEffect(anIntent(stopped, { step: "next" }))).toMatchObject({ code: "PAUSED" });
        await db.record.close(closing(stopped, { outcome: "escalated" }));
        expect(await mine()).toEqual([]);
        expect(await failures()).toBe(1);
        await db.record.resume(pause.id, "ann");
        await leave(planFor("self-3", "self"));
        expect(await mine()).toEqual([]);
      });
    });

    it("shows who waits for what, behind whom, and who holds it", async () => {
      const caps = [cap("group:show", 1)];
      const plan = (target: string) => aPlan({ target, group: "show", caps });
      const holder = await admitted(db.record, plan("show-1"));
      const id = await planned(db.record, plan("show-2"));
      await admitting(db.record, id, plan("show-2"));
      const entry = async () => (await db.record.queue()).find((one) => one.remediationId === id);
      const row = await entry();
      expect(row?.pauses).toEqual([]);
      const pause = await db.record.pause({ scope: "group:show", reason: "look", by: "ann", until: null });
      expect((await entry())?.pauses, "that came after it asked").toMatchObject([{ id: pause.id, reason: "look" }]);
      await db.record.resume(pause.id, "ann");
      expect(row).toMatchObject({
        target: host("show-2"),
        runbook: "disk",
        detail: "GROUP_CAP by the test",
        until: null,
        caps: [
          { scope: "target:host:show-2", max: 1, holders: [] },
          { scope: "group:show", max: 1, holders: [{ remediationId: holder, target: host("show-1"), state: "held" }] },
        ],
      });
      for (const one of [holder, id]) await db.record.close(closing(one));
    });
  });
}
