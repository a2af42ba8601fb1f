/**
 * Many remediations on several connections, in random order: what is promised about capacity holds at every instant, and
 * nobody waits for ever though nobody polls: a waiter only asks again when a hint tells it to.
 */
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Severity } from "../../src/contracts/alert.ts";
import type { Plan, PlanStep, SharedLimits } from "../../src/contracts/plan.ts";
import type { RecordStore } from "../../src/record/api.ts";
import { openRecord } from "../../src/record/record.ts";
import { NO_SHARED, stepOf } from "../policy/support.ts";
import { createTestDatabase, PATIENT, type TestDatabase } from "../support/database.ts";
import { admitting, anIntent, aPlan, cap, capPolicy, closing, planned, realPolicy, result } from "./builders.ts";

interface Wish {
  group: number;
  rack: number | null;
  severity: Severity;
  holdMs: number;
  /** It gives up when it must wait. */
  givesUp: boolean;
  /** Which of the connections it uses. */
  via: number;
}

const CAPS: Record<string, number> = { "group:0": 2, "group:1": 3, "rack:0": 1, "rack:1": 2 };
const wish: fc.Arbitrary<Wish> = fc.record({
  group: fc.nat({ max: 1 }),
  rack: fc.option(fc.nat({ max: 1 })),
  severity: fc.constantFrom("critical", "warning", "info"),
  holdMs: fc.nat({ max: 12 }),
  givesUp: fc.nat({ max: 4 }).map((n) => n === 0),
  via: fc.nat({ max: 2 }),
});

/** The workflows of one run: what each waits for, and what it holds as far as it was told. */
class World {
  readonly inWork = new Map<string, number>();
  readonly faults: string[] = [];
  readonly #hints = new Map<string, () => void>();

  enter(plan: Plan): void {
    for (const { scope } of plan.limits.caps) {
      const now = (this.inWork.get(scope) ?? 0) + 1;
      this.inWork.set(scope, now);
      if (now > (CAPS[scope] ?? 0)) this.faults.push(`${scope}: ${now} in work`);
    }
  }

  leave(plan: Plan): void {
    for (const { scope } of plan.limits.caps) this.inWork.set(scope, (this.inWork.get(scope) ?? 0) - 1);
  }

  hintFor(workflowId: string): Promise<void> {
    return new Promise((resolve) => this.#hints.set(workflowId, resolve));
  }

  async wakeWaiters(record: RecordStore): Promise<void> {
    for (const { workflowId } of await record.admissibleWaiters(10)) this.#hints.get(workflowId)?.();
  }
}

async function remediate(world: World, record: RecordStore, one: Wish, name: string): Promise<"done" | "gaveUp"> {
  const scopes = [`group:${one.group}`, ...(one.rack === null ? [] : [`rack:${one.rack}`])];
  const caps = scopes.map((scope) => cap(scope, CAPS[scope] ?? 1));
  const plan = aPlan({ target: name, severity: one.severity, caps });
  const id = await planned(record, plan);
  // As the standing approval's owner would see it: each admission takes one use.
  const policy = (counted: Parameters<ReturnType<typeof capPolicy>>[0]) => [
    ...capPolicy(plan)(counted),
    result("pass", "STANDING_APPROVAL"),
  ];
  for (;;) {
    // A signal is kept even while the workflow is busy: so is this hint.
    const hinted = world.hintFor(`heal:host:${name}`);
    const admission = await admitting(record, id, plan, policy);
    if (admission.status === "admitted") break;
    if (one.givesUp) {
      await record.close(closing(id, { outcome: "cancelled" }));
      await world.wakeWaiters(record);
      return "gaveUp";
    }
    await hinted;
  }
  world.enter(plan);
  await Promise.all([world.wakeWaiters(record), admitting(record, id, plan, policy), record.beginEffect(anIntent(id))]);
  await sleep(one.holdMs);
  // What is not settled would keep its leases.
  await record.settleEffect(anIntent(id).key, "happened", null, "drained");
  world.leave(plan);
  await Promise.all([record.close(closing(id)), record.close(closing(id))]);
  await world.wakeWaiters(record);
  return "done";
}

describe("admission under many hands", () => {
  let db: TestDatabase;
  const records: RecordStore[] = [];
  let run = 0;
  beforeAll(async () => {
    db = await createTestDatabase();
    for (let index = 0; index < 3; index++) records.push(await openRecord(db.url, { ...PATIENT, poolSize: 4 }));
  });
  afterAll(async () => {
    for (const record of records) await record.end();
    await db.drop();
  });

  it("never exceeds a cap, consumes once, and lets everybody through", { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(wish, { minLength: 5, maxLength: 25 }), async (wishes) => {
        run++;
        const world = new World();
        const granted = await db.record.giveStanding({
          runbook: "disk",
          runbookHash: "rb-1",
          group: "web",
          by: "ann",
          expiresAt: "2100-01-01T00:00:00.000Z",
          maxCount: 1_000,
          reason: "",
        });
        const watch = watchLeases(db, world);
        const ends = await within(
          STUCK_MS,
          Promise.all(
            wishes.map((one, index) => remediate(world, records[one.via] as RecordStore, one, `h${run}-${index}`)),
          ),
        );
        await watch.stop();
        expect(world.faults).toEqual([]);
        expect(await db.record.leases()).toEqual([]);
        expect(await db.record.queue()).toEqual([]);
        const used = await db.sql("select used from standing_approvals where id = $1", [granted.id]);
        expect(used).toEqual([{ used: ends.filter((end) => end === "done").length }]);
        await db.record.withdrawStanding(granted.id, "ann");
      }),
      { numRuns: 15 },
    );
  });

  it(
    "keeps members healthy, rates and budgets in every window, and lets everybody through",
    { timeout: 300_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(guardedWish, { minLength: 5, maxLength: 14 }), async (wishes) => {
          run++;
          const world = new World();
          const started = new Date().toISOString();
          const watch = watchGroup(db, world);
          const ends = await within(
            STUCK_MS,
            Promise.all(
              wishes.map((one, index) => guarded(world, records[one.via] as RecordStore, one, `g${run}-${index}`)),
            ),
          );
          await watch.stop();
          expect(world.faults).toEqual([]);
          expect(await db.record.leases()).toEqual([]);
          expect(await db.record.queue()).toEqual([]);
          const rows = await db.sql(
            "select extract(epoch from admitted_at)::float8 * 1000 as at, cost from admissions where group_name = $1 and admitted_at >= $2 order by 1",
            [GROUP, started],
          );
          expect(rows).toHaveLength(ends.filter((end) => end === "done").length);
          for (const [index, { at }] of rows.entries()) {
            const inWindow = rows.slice(index).filter((row) => Number(row["at"]) < Number(at) + WINDOW_MS);
            expect(inWindow.length).toBeLessThanOrEqual(SHARED.rates[0]?.max ?? 0);
            expect(inWindow.reduce((sum, row) => sum + Number(row["cost"]), 0)).toBeLessThanOrEqual(BUDGET.max);
          }
        }),
        { numRuns: 5 },
      );
    },
  );
});

/** Of the real policy: members of one group that must stay healthy, a rate, a budget, a cap of everything. */
const GROUP = "min";
const DRAIN: PlanStep = { ...stepOf("low"), id: "drain", undoable: true };
const WINDOW_MS = 400;
const SHARED: SharedLimits = {
  ...NO_SHARED,
  minHealthy: { scope: `group:${GROUP}`, members: 5, min: 2, because: "2 of 5", outsideMaxAgeMs: null },
  rates: [{ scope: "global", max: 6, windowMs: WINDOW_MS }],
};
const BUDGET = { scope: `group:${GROUP}`, max: 9, windowMs: WINDOW_MS };

interface GuardedWish {
  cost: number;
  holdMs: number;
  /** It fails and leaves its target out of service, until a person brings it back this much later. */
  leavesMs: number | null;
  via: number;
}
const guardedWish: fc.Arbitrary<GuardedWish> = fc.record({
  cost: fc.integer({ min: 1, max: 5 }),
  holdMs: fc.nat({ max: 15 }),
  leavesMs: fc.option(fc.nat({ max: 60 }), { freq: 2 }),
  via: fc.nat({ max: 2 }),
});

/** As the workflow does: after each wait (a hint, or the end that admission named) it asks again. */
async function guarded(world: World, record: RecordStore, one: GuardedWish, name: string): Promise<"done" | "refused"> {
  const shared = { ...SHARED, cost: { estimate: one.cost, budgets: [BUDGET] } };
  const caps = [cap("global", 4)];
  const limits = { cooldownMs: 0, attempts: { max: 99, windowMs: 1 }, shared };
  const made = aPlan({ target: name, group: GROUP, caps, limits });
  const plan: Plan = { ...made, rungs: [{ name: "r1", steps: [DRAIN], verify: { holdMs: 1, withinMs: 1, also: [] } }] };
  const id = await planned(record, plan);
  for (;;) {
    const hinted = world.hintFor(`heal:host:${name}`);
    const admission = await admitting(record, id, plan, realPolicy(plan));
    if (admission.status === "admitted") break;
    if (admission.status !== "queued") {
      await record.close(closing(id, { outcome: "refused" }));
      await world.wakeWaiters(record);
      return "refused";
    }
    const ms = admission.until === null ? null : Math.max(1, Date.parse(admission.until) - Date.now());
    await (ms === null ? hinted : Promise.race([hinted, sleep(ms)]));
  }
  await Promise.all([world.wakeWaiters(record), record.beginEffect(anIntent(id))]);
  await record.settleEffect(anIntent(id).key, "happened", null, "drained");
  await sleep(one.holdMs);
  await record.close(closing(id, { outcome: one.leavesMs === null ? "healed" : "escalated" }));
  await world.wakeWaiters(record);
  if (one.leavesMs === null) return "done";
  await sleep(one.leavesMs);
  await record.back(plan.target, "ann", "repaired");
  await world.wakeWaiters(record);
  return "done";
}

/** Places that no plan caps are leased all the same. */
function capOf(scope: string): number {
  return CAPS[scope] ?? (scope.startsWith("target:") ? 1 : Number.POSITIVE_INFINITY);
}

/** Looks at the leases from outside, as often as it can: what other processes would see. */
function watchLeases(db: TestDatabase, world: World): { stop(): Promise<void> } {
  let on = true;
  const watching = (async () => {
    while (on) {
      const counts = new Map<string, number>();
      for (const lease of await db.record.leases()) counts.set(lease.scope, (counts.get(lease.scope) ?? 0) + 1);
      for (const [scope, n] of counts) if (n > capOf(scope)) world.faults.push(`${scope}: ${n} leases`);
      await sleep(3);
    }
  })();
  return {
    stop: () => {
      on = false;
      return watching;
    },
  };
}

/** Somebody who was not woken waits for ever; whoever was, not even on a busy machine this long. */
const STUCK_MS = 90_000;

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`somebody still waits after ${ms} ms`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** In work and left out together: at most three of the five members may be away. */
function watchGroup(db: TestDatabase, world: World): { stop(): Promise<void> } {
  let on = true;
  const watching = (async () => {
    while (on) {
      const away = (await db.record.leases()).filter((lease) => lease.scope === `group:${GROUP}`);
      if (away.length > 3) world.faults.push(`${away.length} members away`);
      const all = (await db.record.leases()).filter((lease) => lease.scope === "global");
      if (all.length > 4) world.faults.push(`${all.length} in all`);
      await sleep(3);
    }
  })();
  return {
    stop: () => {
      on = false;
      return watching;
    },
  };
}
