import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { describe, expect, it } from "vitest";
import type { Plan } from "../../../src/contracts/plan.ts";
import type { VerdictOutcome } from "../../../src/contracts/verdict.ts";
import {
  admitted,
  admitting,
  anIntent,
  aPlan,
  cap,
  capPolicy,
  closing,
  hashOfPlan,
  planned,
  realPolicy,
  result,
} from "../builders.ts";
import { databaseOf, type Create } from "./suite.ts";

export function admissionSuite(create: Create): void {
  describe("admission", () => {
    const db = databaseOf(create);

    const waiters = async () => (await db.record.admissibleWaiters(50)).map((one) => one.remediationId);

    it("takes a lease on the target, every capped scope and every place where it counts, and consumes nothing when it is asked again", async () => {
      const plan = aPlan({ target: "all", caps: [cap("group:all", 2), cap("rack:all", 1)] });
      const id = await planned(db.record, plan);
      let asked = 0;
      const policy = () => {
        asked++;
        return [result("pass", "OK")];
      };
      const first = await admitting(db.record, id, plan, policy);
      expect(await admitting(db.record, id, plan, policy)).toEqual(first);
      expect(asked).toBe(1);
      const mine = (await db.record.leases()).filter((lease) => lease.remediationId === id);
      expect(mine.map((lease) => lease.scope)).toEqual([
        "global",
        "group:all",
        "group:web",
        "rack:all",
        "target:host:all",
      ]);
      expect(await db.sql("select count(*)::int as n from admissions where remediation_id = $1", [id])).toEqual([
        { n: 1 },
      ]);
      await db.record.close(closing(id));
      await expect(admitting(db.record, id, { ...plan, owner: "x" })).rejects.toThrow("is closed");
    });

    it("never admits past a cap, even when the policy passes it", async () => {
      const caps = [cap("group:greedy", 1)];
      await admitted(db.record, aPlan({ target: "greedy-1", caps }));
      const plan = aPlan({ target: "greedy-2", caps });
      const reply = await admitting(db.record, await planned(db.record, plan), plan, () => [result("pass", "OK")]);
      expect(reply).toMatchObject({ status: "queued", detail: "group:greedy is full: 1 of 1 in work" });
    });

    /** Another decision on the plan, as the workflow makes it after every wait. */
    const decidedAs = async (id: string, plan: Plan, outcome: VerdictOutcome): Promise<void> =>
      db.record.saveDecision(id, { outcome, results: [], at: await db.record.now() }, plan, hashOfPlan(plan), "cat-1");
    const holdsNothing = async (id: string): Promise<void> => {
      expect((await db.record.queue()).map((row) => row.remediationId)).not.toContain(id);
      expect((await db.record.leases()).some((lease) => lease.remediationId === id)).toBe(false);
    };

    it("refuses what the policy refuses, and it leaves the queue", async () => {
      const plan = aPlan({ target: "refused" });
      const id = await planned(db.record, plan);
      await admitting(db.record, id, plan, () => [result("wait", "COOLDOWN")]);
      expect((await db.record.queue()).map((row) => row.remediationId)).toContain(id);
      const both = [result("review", "MODE_REVIEW"), result("refuse", "COST_BUDGET")];
      expect((await admitting(db.record, id, plan, () => both)).status).toBe("refused");
      await holdsNothing(id);
    });

    it.each([
      ["asks a person", result("review", "MODE_REVIEW")],
      ["only observes", result("observe", "MODE_OBSERVE")],
      ["was read too long ago", result("refuse", "FACTS_UNAVAILABLE", { stale: true })],
    ])(
      "has what %s since the forecast decided again, and refuses what the forecast passes again",
      async (_, against) => {
        const plan = aPlan({ target: `again-${against.code}` });
        const id = await planned(db.record, plan);
        const ask = async (): Promise<string> =>
          (await admitting(db.record, id, plan, () => [result("pass", "OK"), against])).status;
        await admitting(db.record, id, plan, () => [result("wait", "COOLDOWN")]);
        expect(await ask()).toBe("again");
        await holdsNothing(id);
        // The answer was lost, and the call is made again.
        expect(await ask()).toBe("again");
        const sentBack = (await db.record.audit(id)).filter(({ kind }) => kind === "admissionReconsidered");
        expect(sentBack).toHaveLength(1);
        await decidedAs(id, plan, "review");
        await decidedAs(id, plan, "act");
        expect(await ask(), "a person approved, and it waited too long after that").toBe("again");
        await decidedAs(id, plan, "act");
        expect(await ask(), "in circles").toBe("refused");
        await holdsNothing(id);
        await db.record.close(closing(id));
      },
    );

    it("observes where a refusal stands beside it: what observes tells nobody", async () => {
      const plan = aPlan({ target: "observed" });
      const id = await planned(db.record, plan);
      const both = [result("observe", "MODE_OBSERVE"), result("refuse", "COST_BUDGET")];
      expect((await admitting(db.record, id, plan, () => both)).status).toBe("again");
    });

    it.each([
      ["group:web", "review"],
      ["runbook:disk", "observe"],
      ["runbook:disk@web", "review"],
      ["global", "observe"],
    ] as const)("takes nothing for a plan decided under auto once %s was set to %s", async (scope, mode) => {
      const plan = { ...aPlan({ target: `mode-${scope}` }), rungs: [] };
      const id = await planned(db.record, plan);
      const wish = {
        scope,
        declared: "auto",
        runbookHash: null,
        by: "ann",
        reason: "a look first",
        about: {},
      } as const;
      await db.record.setMode({ ...wish, mode });
      const reply = await admitting(db.record, id, plan, realPolicy(plan));
      expect(reply.status).toBe("again");
      const against = reply.results.filter(({ outcome }) => outcome !== "pass");
      expect(against).toMatchObject([{ guardrail: "mode", outcome: mode, code: `MODE_${mode.toUpperCase()}` }]);
      await holdsNothing(id);
      await db.record.setMode({ ...wish, mode: null });
      expect((await admitting(db.record, id, plan, realPolicy(plan))).status).toBe("admitted");
      await db.record.close(closing(id));
    });

    it("queues by severity first, then by who came first, and names the known end of the wait", async () => {
      const caps = [cap("group:order", 1)];
      const holder = await admitted(db.record, aPlan({ target: "o-0", caps }));
      const plans = (["info", "warning", "critical", "warning"] as const).map((severity, index) =>
        aPlan({ target: `o-${index + 1}`, caps, severity }),
      );
      const ids: string[] = [];
      for (const plan of plans) {
        const id = await planned(db.record, plan);
        ids.push(id);
        expect(await admitting(db.record, id, plan)).toMatchObject({ status: "queued", until: null });
      }
      const order = (await db.record.queue()).filter((row) => ids.includes(row.remediationId));
      expect(order.map((row) => ids.indexOf(row.remediationId))).toEqual([2, 1, 3, 0]);
      expect(await waiters()).toEqual([]);
      await db.record.close(closing(holder));
      expect(await waiters()).toEqual([ids[2]]);
      for (const id of ids) await db.record.close(closing(id));
    });

    it("gives capacity back only after an admission under way is over, so that its waiter is seen", async () => {
      const id = await admitted(db.record, aPlan({ target: "lock" }));
      const admission = new pg.Client({ connectionString: db.url });
      await admission.connect();
      await admission.query("begin; select pg_advisory_xact_lock(7301001)");
      let released = false;
      const release = db.record.close(closing(id)).then(() => (released = true));
      await sleep(150);
      expect(released).toBe(false);
      await admission.query("commit");
      await release;
      await admission.end();
    });

    it("lets nobody be passed for ever: an old warning goes before a new critical", async () => {
      const caps = [cap("group:age", 1)];
      const holder = await admitted(db.record, aPlan({ target: "age-0", caps }));
      const old = aPlan({ target: "age-1", caps });
      const oldId = await planned(db.record, old);
      await admitting(db.record, oldId, old);
      await db.setClock(31 * 60_000);
      const young = aPlan({ target: "age-2", caps, severity: "critical" });
      const youngId = await planned(db.record, young);
      expect(await admitting(db.record, youngId, young)).toMatchObject({ status: "queued" });
      await db.record.close(closing(holder));
      expect(await waiters()).toEqual([oldId]);
      expect(await admitting(db.record, youngId, young)).toMatchObject({ status: "queued" });
      expect(await admitting(db.record, oldId, old)).toMatchObject({ status: "admitted" });
      await db.setClock(null);
      await db.record.close(closing(oldId));
      await db.record.close(closing(youngId));
    });

    it("waits behind an older waiter that shares a scope, though there is room, and passes one that shares none", async () => {
      const group = cap("group:share", 5);
      const holder = await admitted(db.record, aPlan({ target: "s-0", caps: [group, cap("rack:s1", 1)] }));
      const older = aPlan({ target: "s-1", caps: [group, cap("rack:s1", 1)] });
      const olderId = await planned(db.record, older);
      await admitting(db.record, olderId, older);
      const later = aPlan({ target: "s-2", caps: [group, cap("rack:s2", 1)] });
      const laterId = await planned(db.record, later);
      const reply = await admitting(db.record, laterId, later);
      expect(reply).toMatchObject({
        status: "queued",
        detail: expect.stringContaining(`behind remediation ${olderId}`) as string,
      });
      await admitted(db.record, aPlan({ target: "s-3", caps: [cap("rack:s3", 1)] }));
      await db.record.close(closing(holder));
      expect(await waiters()).toEqual([olderId, laterId]);
      expect((await admitting(db.record, olderId, older)).status).toBe("admitted");
      expect((await admitting(db.record, laterId, later)).status).toBe("admitted");
    });

    it("does not send back who confirms faster than those before it, as long as their room is kept", async () => {
      const caps = [cap("group:fast", 2)];
      const holders = [
        await admitted(db.record, aPlan({ target: "f-0", caps })),
        await admitted(db.record, aPlan({ target: "f-1", caps })),
      ];
      const plans = ["f-2", "f-3", "f-4"].map((target) => aPlan({ target, caps }));
      const ids: string[] = [];
      for (const plan of plans) {
        const id = await planned(db.record, plan);
        ids.push(id);
        await admitting(db.record, id, plan);
      }
      const [first, second, third] = ids as [string, string, string];
      const ask = (index: number) => admitting(db.record, ids[index] as string, plans[index] as (typeof plans)[number]);
      for (const id of holders) await db.record.close(closing(id));
      expect(await waiters()).toEqual([first, second]);
      expect(await ask(2)).toMatchObject({
        status: "queued",
        detail: expect.stringContaining(`behind remediation ${second}`) as string,
      });
      expect((await ask(1)).status).toBe("admitted");
      expect(await ask(2)).toMatchObject({
        status: "queued",
        detail: expect.stringContaining(`behind remediation ${first}`) as string,
      });
      expect((await ask(0)).status).toBe("admitted");
      for (const id of [first, second]) await db.record.close(closing(id));
      expect((await ask(2)).status).toBe("admitted");
      await db.record.close(closing(third));
    });

    it("lets nobody be kept out for ever by plans without a cap there, which go on while others are in the way", async () => {
      const caps = [cap("rack:fair", 1)];
      const holder = await admitted(db.record, aPlan({ target: "fair-0", rack: "fair", caps }));
      const [old, young] = [aPlan({ target: "fair-1", rack: "fair", caps }), aPlan({ target: "fair-3", rack: "fair" })];
      const oldId = await planned(db.record, old);
      await admitting(db.record, oldId, old);
      const free = await admitted(db.record, aPlan({ target: "fair-2", rack: "fair" }));
      await db.record.close(closing(holder));
      const youngId = await planned(db.record, young);
      const behind = { status: "queued", detail: expect.stringContaining(`behind remediation ${oldId}`) as string };
      expect(await admitting(db.record, youngId, young)).toMatchObject(behind);
      expect(await waiters()).toEqual([]);
      await db.record.close(closing(free));
      expect(await waiters()).toEqual([oldId]);
      expect(await admitting(db.record, youngId, young), "it would take the room").toMatchObject(behind);
      expect((await admitting(db.record, oldId, old)).status).toBe("admitted");
      expect(await waiters()).toEqual([youngId]);
      expect((await admitting(db.record, youngId, young)).status).toBe("admitted");
      for (const id of [oldId, youngId]) await db.record.close(closing(id));
    });

    it("does not keep others waiting behind one that waits for something of its own", async () => {
      const caps = [cap("group:own", 5)];
      const cooling = aPlan({ target: "own-1", caps });
      const until = new Date(Date.parse(await db.record.now()) + 3_600_000).toISOString();
      const id = await planned(db.record, cooling);
      const reply = await admitting(db.record, id, cooling, () => [
        result("wait", "COOLDOWN", { until }),
        result("pass", "OK"),
      ]);
      expect(reply).toMatchObject({ status: "queued", until });
      await admitted(db.record, aPlan({ target: "own-2", caps }));
      expect(await waiters()).not.toContain(id);
      await db.setClock(3_601_000);
      expect(await waiters()).toContain(id);
      await db.setClock(null);
      await db.record.close(closing(id));
    });

    it("does not keep others waiting behind a lease that only a person can release", async () => {
      const group = cap("group:left", 5);
      const gone = await admitted(db.record, aPlan({ target: "left-0", caps: [group, cap("rack:l1", 1)] }));
      await db.record.beginEffect(anIntent(gone));
      await db.record.close(closing(gone));
      const stuck = aPlan({ target: "left-1", caps: [group, cap("rack:l1", 1)] });
      const stuckId = await planned(db.record, stuck);
      expect((await admitting(db.record, stuckId, stuck)).status).toBe("queued");
      await admitted(db.record, aPlan({ target: "left-2", caps: [group] }));
      await db.record.releaseLeases(gone, "ann", "looked");
      expect(await waiters()).toContain(stuckId);
      await db.record.close(closing(stuckId));
    });

    it("does not wake who is held by a person, and keeps the place: whoever stands behind it waits", async () => {
      const only = [cap("rack:held", 1)];
      const holder = await admitted(db.record, aPlan({ target: "held-0", caps: only }));
      const plans = [1, 2].map((index) => aPlan({ target: `held-${index}`, caps: only }));
      const ids = await Promise.all(plans.map((plan) => planned(db.record, plan)));
      for (const [index, plan] of plans.entries()) await admitting(db.record, ids[index] ?? "", plan);
      const [first = "", second = ""] = ids;
      await db.record.keepPlace(first);
      await db.record.close(closing(holder));
      expect(await waiters()).not.toContain(first);
      expect(await waiters()).not.toContain(second);
      // It asks again once it is released: its turn comes first still.
      expect((await admitting(db.record, first, plans[0] as Plan)).status).toBe("admitted");
      await db.record.close(closing(first));
      expect(await waiters()).toContain(second);
      await db.record.keepPlace("nobody");
      await db.record.close(closing(second));
    });

    it("leaves those alone who wait under a pause, until it is lifted", async () => {
      const plan = aPlan({ target: "pause-1", group: "paused" });
      const pause = await db.record.pause({ scope: "group:paused", reason: "r", by: "ann", until: null });
      const id = await planned(db.record, plan);
      await admitting(db.record, id, plan, (counted) => [
        result(counted.pauses.length > 0 ? "wait" : "pass", "PAUSED"),
      ]);
      expect(await waiters()).not.toContain(id);
      await db.record.resume(pause.id, "ann");
      expect(await waiters()).toContain(id);
      await db.record.leaveQueue(id);
      expect(await waiters()).not.toContain(id);
    });

    it("counts attempts, cooldown and rate of what was admitted and began an effect", async () => {
      const limits = { attempts: { max: 2, windowMs: 3_600_000 }, rate: { max: 5, windowMs: 3_600_000 } };
      const plan = aPlan({ target: "count", runbook: "count", limits });
      const facts = async () => (await db.record.countedFacts("other", plan, hashOfPlan(plan))).counted;
      expect(await facts()).toMatchObject({ lastActedAt: null, attempts: 0, rateUsed: 0, openElsewhere: null });
      await db.setClock("2040-01-01T00:00:00.000Z");
      const idle = await admitted(db.record, plan);
      expect(await facts()).toMatchObject({ lastActedAt: null, attempts: 0, rateUsed: 1, openElsewhere: idle });
      await db.record.close(closing(idle));
      expect(await facts()).toMatchObject({ attempts: 0, rateUsed: 0 });
      const acting = await admitted(db.record, plan);
      await db.record.beginEffect(anIntent(acting));
      await db.record.close(closing(acting));
      expect(await facts()).toMatchObject({ lastActedAt: "2040-01-01T00:00:00.000Z", attempts: 1, rateUsed: 1 });
      const elsewhere = aPlan({ target: "count-2", runbook: "count", limits });
      expect((await db.record.countedFacts("x", elsewhere, "h")).counted).toMatchObject({
        lastActedAt: null,
        attempts: 0,
        rateUsed: 1,
      });
      await db.setClock("2040-01-01T01:00:00.001Z");
      expect(await facts()).toMatchObject({ lastActedAt: "2040-01-01T00:00:00.000Z", attempts: 0, rateUsed: 0 });
      await db.setClock(null);
    });

    it("gives the policy the database's time, and every pause that is on", async () => {
      await db.setClock("2041-01-01T00:00:00.000Z");
      const plan = aPlan({ target: "time" });
      const pause = await db.record.pause({
        scope: "group:elsewhere",
        reason: "r",
        by: "ann",
        until: "2041-01-02T00:00:00.000Z",
      });
      const id = await planned(db.record, plan);
      const seen: unknown[] = [];
      await db.record.admit({
        remediationId: id,
        plan,
        planHash: hashOfPlan(plan),
        evaluate: (counted, now) => {
          seen.push(now, counted.pauses);
          return capPolicy(plan)(counted);
        },
      });
      await db.setClock(null);
      expect(seen).toEqual(["2041-01-01T00:00:00.000Z", [pause]]);
    });
  });
}
