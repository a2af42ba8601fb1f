import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Plan } from "../../../src/contracts/plan.ts";
import type { SurroundingLimits } from "../../../src/contracts/surroundings.ts";
import { HOUR_MS, NO_SURROUNDINGS } from "../../policy/support.ts";
import type { TestDatabase } from "../../support/database.ts";
import { admitted, anIntent, aPlan, closing, hashOfPlan, host, planned, realPolicy, received } from "../builders.ts";
import type { Create } from "./suite.ts";

export function surroundingsSuite(create: Create): void {
  describe("what goes on around a target", () => {
    let db: TestDatabase;
    beforeAll(async () => (db = await create()));
    afterAll(() => db.drop());

    const planFor = (target: string, group: string, surroundings: Partial<SurroundingLimits> = {}, rest = {}): Plan =>
      aPlan({ target, group, ...rest, limits: { surroundings: { ...NO_SURROUNDINGS, ...surroundings } } });
    const facts = async (plan: Plan, id = "other") => {
      const { counted } = await db.record.countedFacts(id, plan, hashOfPlan(plan));
      if (counted.surroundings === null) throw new Error("the plan has no surroundings");
      return counted.surroundings;
    };
    const admit = (remediationId: string, plan: Plan) =>
      db.record.admit({
        ...{ remediationId, plan, planHash: hashOfPlan(plan) },
        evaluate: realPolicy(plan),
      });
    const waiters = async () => (await db.record.admissibleWaiters(50)).map((one) => one.remediationId);
    const soon = (ms: number) => new Date(Date.now() + ms).toISOString();

    describe("a window that was opened by hand", () => {
      const wish = (scope: string, changes: object = {}) => ({
        ...{ kind: "maintenance" as const, scope, needs: [], reason: "power work", by: "ann", from: null },
        ...{ until: soon(HOUR_MS), ...changes },
      });

      it("holds who comes, and lets him go when it is closed before its end", async () => {
        const window = await db.record.openWindow(wish("group:win"));
        const plan = planFor("win-1", "win");
        const id = await planned(db.record, plan);
        const reply = await admit(id, plan);
        expect(reply).toMatchObject({ status: "queued", until: window.until });
        expect(await waiters()).not.toContain(id);
        const other = planFor("win-2", "elsewhere");
        expect(await admit(await planned(db.record, other), other)).toMatchObject({ status: "admitted" });
        expect(await db.record.closeWindows([window.id], "ben")).toEqual([window]);
        expect(await db.record.closeWindows([window.id], "ben")).toEqual([]);
        expect(await waiters()).toContain(id);
        expect(await admit(id, plan)).toMatchObject({ status: "admitted" });
        await db.record.close(closing(id));
        const kinds = (await db.record.audit("control")).map(
          ({ kind, body }) => `${kind} ${JSON.stringify(body["by"])}`,
        );
        expect(kinds).toEqual(expect.arrayContaining(['windowOpened "ann"', 'windowClosed "ben"']));
      });

      it("is one, however often it is asked for, and not one that would be over", async () => {
        const until = soon(HOUR_MS);
        const [first, second] = await Promise.all([
          db.record.openWindow(wish("group:twice", { until })),
          db.record.openWindow(wish("group:twice", { until })),
        ]);
        expect(second).toEqual(first);
        expect((await db.record.windows()).filter((one) => one.scope === "group:twice")).toEqual([first]);
        await expect(db.record.openWindow(wish("group:twice", { until: soon(-1) }))).rejects.toThrow("would be over");
      });

      it("counts for those that depend on its scope, and for those that its targets depend on", async () => {
        const up = await db.record.openWindow(wish("service:db", { kind: "deploy" }));
        const down = await db.record.openWindow(wish("group:apps", { needs: ["target:host:db-7"] }));
        expect(await facts(planFor("app-1", "web", { dependsOn: ["service:db"] }))).toMatchObject({
          windows: [],
          dependencyWindows: [{ id: up.id, kind: "deploy" }],
        });
        expect(await facts(planFor("db-7", "dbs"))).toMatchObject({
          windows: [],
          dependencyWindows: [{ id: down.id }],
        });
        expect(await facts(planFor("db-8", "dbs"))).toMatchObject({ dependencyWindows: [] });
      });

      it("keeps a page back to its end, or to its close, and for ever when all its alerts are resolved", async () => {
        const window = await db.record.openWindow(wish("group:quiet"));
        const page = async (name: string) => {
          const faults = await db.record.receive([received({ fingerprint: name })]);
          const id = await planned(db.record, planFor(name, "quiet"), { faults: faults.map((one) => one.faultKey) });
          await db.record.escalation({ remediationId: id, key: "end", route: "page", summary: name });
          await db.record.holdEscalation(id, "end", window.until, window.id);
          return id;
        };
        const [still, over] = [await page("quiet-1"), await page("quiet-2")];
        await db.record.receive([received({ fingerprint: "quiet-2", status: "resolved" })]);
        const unsent = async () => (await db.record.unsentEscalations(99)).map((one) => one.remediationId);
        expect(await unsent()).not.toContain(still);
        await db.setClock(2 * HOUR_MS);
        expect(await unsent()).toContain(still);
        await db.setClock(null);
        await db.record.closeWindows([window.id], "ann");
        expect(await unsent()).toContain(still);
        expect(await unsent()).not.toContain(over);
        expect(await db.record.telling(still)).toMatchObject({ target: host("quiet-1"), acted: false });
        expect((await db.record.telling(still))?.scopes).toContain("group:quiet");
      });
    });

    it("a pause that is lifted before its end lets go who waited for the end", async () => {
      const pause = await db.record.pause({ scope: "group:paused", reason: "x", by: "ann", until: soon(HOUR_MS) });
      const plan = planFor("paused-1", "paused");
      const id = await planned(db.record, plan);
      expect(await admit(id, plan)).toMatchObject({ status: "queued", until: pause.until });
      await db.record.resume(pause.id, "ann");
      expect(await waiters()).toContain(id);
      await db.record.close(closing(id));
    });

    it("what another system holds waits for its release, and what we hold is published", async () => {
      const target = host("held-1");
      const hold = await db.record.hold({ target, holder: "awx", reason: "job 815", until: null });
      const again = await db.record.hold({ target, holder: "awx", reason: "job 816", until: null });
      expect(again).toEqual({ ...hold, reason: "job 816" });
      const plan = planFor("held-1", "held");
      const id = await planned(db.record, plan);
      expect(await admit(id, plan)).toMatchObject({ status: "queued", until: null });
      expect(await waiters()).not.toContain(id);
      expect(await db.record.releaseHold(target, "awx", "ann")).toBe(true);
      expect(await db.record.releaseHold(target, "awx", "ann")).toBe(false);
      expect(await waiters()).toContain(id);
      expect(await admit(id, plan)).toMatchObject({ status: "admitted" });
      expect((await db.record.ownHolds()).filter((one) => one.remediationId === id)).toMatchObject([
        { target, state: "held" },
      ]);
      expect((await db.record.holds()).map((one) => one.target.id)).not.toContain("held-1");
      await db.record.close(closing(id));
    });

    it("whoever comes first of two that depend on each other goes, in both directions, and wakes the other", async () => {
      const db1 = planFor("dep-db", "dbs");
      const app = planFor("dep-app", "dependent", { dependsOn: ["target:host:dep-db"] });
      const first = await admitted(db.record, db1);
      const waiting = await planned(db.record, app);
      expect(await admit(waiting, app)).toMatchObject({ status: "queued" });
      expect((await facts(app)).busy).toEqual([{ scope: "target:host:dep-db", targets: ["host/dep-db"], held: 1 }]);
      expect(await waiters()).not.toContain(waiting);
      await db.record.close(closing(first));
      expect(await waiters()).toContain(waiting);
      expect(await admit(waiting, app)).toMatchObject({ status: "admitted" });

      const next = await planned(db.record, db1);
      expect(await admit(next, db1)).toMatchObject({ status: "queued" });
      expect((await facts(db1)).busy).toEqual([
        { scope: "needs:target:host:dep-db", targets: ["host/dep-app"], held: 1 },
      ]);
      expect(await waiters()).not.toContain(next);
      await db.record.close(closing(waiting));
      expect(await waiters()).toContain(next);
      await db.record.close(closing(next));
    });

    it("what was read outside is counted with its time, also that it could not be read", async () => {
      const slo = { name: "shop", objective: 0.99, errors: { window: "w", recent: "r" }, maxAgeMs: HOUR_MS };
      const level = { budgetLeft: 0.5, burnRate: 1 };
      const slos = [{ ...slo, aggressive: level, conservative: level }];
      const plan = planFor("out-1", "out", { slos });
      expect(await facts(plan)).toMatchObject({ silences: null, leases: null, slos: {} });
      await db.setClock("2042-01-01T00:00:00.000Z");
      await db.record.saveReading("silences", "target:host:out-1", { value: [], detail: "" });
      const away = { value: null, detail: "leases.jsonl cannot be read: ENOENT" };
      await db.record.saveReading("leases", "target:host:out-1", away);
      await db.record.saveReading("slo", "target:host:out-1 shop", { value: null, detail: "no series" });
      const at = "2042-01-01T00:00:00.000Z";
      expect(await facts(plan)).toMatchObject({
        silences: { at, value: [], detail: "" },
        leases: { at, ...away },
        slos: { shop: { at, value: null, detail: "no series" } },
      });
      await db.setClock(null);
    });

    describe("correlation", () => {
      const parents = (remedy: string | null) => [
        { scope: "rack:cr", trips: 3, windowMs: HOUR_MS, because: "3", remedy },
      ];
      const child = (id: string, remedy: string | null = "power"): Plan =>
        planFor(id, "corr", { correlation: { parents: parents(remedy), holdDownMs: 1 } });
      const strike = (ids: string[], prefix = "c") =>
        db.record.receive(
          ids.map((id) =>
            received(
              { fingerprint: `${prefix}-${id}` },
              { target: host(id), group: "corr", places: ["rack:cr"], disposition: "unmatched" },
            ),
          ),
        );
      const parentAlerts = async () =>
        (await db.record.undelivered(0, 99)).filter((one) => one.labels["alertname"] === "SelfhealCorrelated");

      it("starts the parent exactly once, whoever of many trips it, and lets the children go when it is healed", async () => {
        await strike(["cr-1", "cr-2"]);
        expect((await facts(child("cr-1"))).correlated).toEqual({ "rack:cr": 2 });
        await strike(["cr-2", "cr-3", "cr-4"]);
        const plans = ["cr-1", "cr-2", "cr-3", "cr-4"].map((id) => child(id));
        const ids = await Promise.all(plans.map((plan) => planned(db.record, plan)));
        const forecasts = await Promise.all(
          plans.map(async (plan, index) => {
            const { counted, now } = await db.record.countedFacts(ids[index] as string, plan, hashOfPlan(plan));
            return db.record.trip(ids[index] as string, realPolicy(plan)(counted, now, []));
          }),
        );
        const admissions = await Promise.all(plans.map((plan, index) => admit(ids[index] as string, plan)));
        expect(admissions.map((one) => one.status)).toEqual(["queued", "queued", "queued", "queued"]);
        const tripped = [...forecasts.flat(), ...admissions.flatMap((one) => one.tripped)];
        expect(tripped).toMatchObject([{ route: "message", breaker: { kind: "correlation", scope: "rack:cr" } }]);
        expect(await parentAlerts()).toMatchObject([
          { labels: { rack: "cr", parent_kind: "rack", parent: "rack:cr" } },
        ]);
        expect(await waiters()).not.toContain(ids[0]);
        expect(await db.record.breakers()).toMatchObject([{ kind: "correlation", waiting: 4 }]);
        expect((await db.record.waitingUnder("rack:cr")).length).toBe(4);

        const rack = await planned(db.record, aPlan({ target: "cr", group: "racks" }), {
          target: { kind: "rack", id: "cr" },
        });
        await db.record.close(closing(rack, { outcome: "escalated" }));
        expect(await db.record.breakers()).toHaveLength(1);
        const again = await planned(db.record, aPlan({ target: "cr", group: "racks" }), {
          target: { kind: "rack", id: "cr" },
        });
        await db.record.close(closing(again, { outcome: "healed" }));
        expect(await db.record.breakers()).toEqual([]);
        expect((await facts(plans[0] as Plan)).correlated).toEqual({ "rack:cr": 0 });
        expect(await waiters()).toContain(ids[0]);
        for (const id of ids) await db.record.close(closing(id));
      });

      it("pages a person, once, where no runbook heals the parent, and trips again after the reset", async () => {
        const before = (await parentAlerts()).length;
        const plan = child("cr-5", null);
        const id = await planned(db.record, plan);
        for (const round of ["d", "e"]) {
          await strike(["cr-5", "cr-6", "cr-7"], round);
          const [first, second] = [await admit(id, plan), await admit(id, plan)];
          expect(first.tripped).toMatchObject([{ route: "page", parent: null }]);
          expect(second.tripped).toEqual([]);
          await db.record.resetBreakers({ scope: "rack:cr", by: "ann", reason: "cable", how: "reEvaluate" });
        }
        expect(await parentAlerts()).toHaveLength(before);
        await db.record.close(closing(id));
      });
    });

    it("a fix that has begun an effect is told of at once, window or not", async () => {
      const id = await admitted(db.record, planFor("acted-1", "acted"));
      await db.record.beginEffect(anIntent(id));
      expect(await db.record.telling(id)).toMatchObject({ acted: true });
      expect(await db.record.telling("nobody")).toBeNull();
      await db.record.settleEffect(anIntent(id).key, "happened", null, "");
      await db.record.close(closing(id));
    });
  });
}
