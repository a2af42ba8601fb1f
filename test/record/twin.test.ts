/**
 * The same history to the record and to its twin in memory: every fact that the policy counts must come out the same. A
 * backtest is worth as much as this.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { countedFrom } from "../../src/backtest/history/counted.ts";
import { History, targetKey } from "../../src/backtest/history/history.ts";
import type { Alert } from "../../src/contracts/alert.ts";
import { faultKey } from "../../src/contracts/ids.ts";
import type { Plan, PlanStep } from "../../src/contracts/plan.ts";
import type { Outcome } from "../../src/contracts/remediation.ts";
import type { GuardrailResult } from "../../src/contracts/verdict.ts";
import { NO_SHARED, NO_SURROUNDINGS, stepOf } from "../policy/support.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { anAlert, anIntent, aPlan, anEpisode, closing, hashOfPlan, result, verdict } from "./builders.ts";

const BEGIN = Date.parse("2026-11-01T00:00:00.000Z");
const MINUTE_MS = 60_000;
const TARGETS = ["a", "b", "c", "d"];
const GROUPS = ["web", "api"];
const RUNBOOKS = ["disk", "memory"];

interface Step {
  what:
    "alert" | "open" | "admit" | "effect" | "heal" | "escalate" | "recover" | "approve" | "trip" | "reset" | "health";
  target: number;
  runbook: number;
  afterMs: number;
}

const steps = fc.array(
  fc.record<Step>({
    what: fc.constantFrom(
      "alert",
      "open",
      "admit",
      "effect",
      "heal",
      "escalate",
      "recover",
      "approve",
      "trip",
      "reset",
      "health",
    ),
    target: fc.nat(TARGETS.length - 1),
    runbook: fc.nat(RUNBOOKS.length - 1),
    afterMs: fc.integer({ min: 1, max: 20 * MINUTE_MS }),
  }),
  { minLength: 20, maxLength: 40 },
);

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

describe("the twin of the record", () => {
  it("counts what the record counts, whatever the history", { timeout: 300_000 }, async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        await new Both(`run${run++}`).play(history);
      }),
      { numRuns: 6, endOnFailure: true },
    );
  });
});

/** One history in a part of the record of its own: its names begin with `prefix`. */
class Both {
  private static last = BEGIN;
  private readonly twin = new History();
  private readonly prefix: string;
  private readonly open = new Map<string, { id: string; plan: Plan; admitted: boolean; acted: boolean }>();
  /** Runs go on in one database, where time must not go back either. */
  private now = (Both.last += 400 * 24 * 60 * MINUTE_MS);
  private alerts = 0;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  async play(history: readonly Step[]): Promise<void> {
    for (const step of history) {
      this.now += step.afterMs;
      await db.setClock(new Date(this.now).toISOString());
      await this.take(step);
      await this.compare(this.planOf(step), "nobody");
      const mine = this.open.get(this.target(step));
      if (mine !== undefined) await this.compare(mine.plan, mine.id);
    }
    for (const { id } of this.open.values()) await db.record.close(closing(id, { outcome: "cancelled" }));
    for (const { id } of await db.record.breakers()) {
      await db.sql("update breakers set reset_at = selfheal_now() where id = $1", [id]);
    }
  }

  private async take(step: Step): Promise<void> {
    const name = this.target(step);
    const mine = this.open.get(name);
    switch (step.what) {
      case "alert":
        return this.alert(step);
      case "open":
        return mine === undefined ? this.opened(step) : undefined;
      case "admit":
        return mine === undefined || mine.admitted ? undefined : this.admit(mine);
      case "effect":
        if (mine === undefined || !mine.admitted || mine.acted) return;
        // A storm breaker that tripped since keeps it from beginning.
        if (!(await db.record.beginEffect(anIntent(mine.id))).ok) return;
        await db.record.settleEffect(anIntent(mine.id).key, "happened", null, "drained");
        this.twin.acted(mine.id);
        mine.acted = true;
        return;
      case "heal":
        return this.close(name, "healed");
      case "escalate":
        return this.close(name, "escalated");
      case "recover":
        return this.close(name, "recovered");
      case "approve":
        return mine === undefined ? undefined : this.approve(mine);
      case "trip":
        return mine === undefined ? undefined : this.trip(mine, this.now);
      case "reset":
        return this.reset(step);
      case "health":
        return this.health(step);
    }
  }

  private target({ target }: Step): string {
    return `${this.prefix}-${TARGETS[target]}`;
  }

  private group({ target }: Step): string {
    return `${this.prefix}-${GROUPS[target % GROUPS.length]}`;
  }

  private planOf(step: Step): Plan {
    const group = this.group(step);
    const runbook = `${this.prefix}-${RUNBOOKS[step.runbook]}`;
    const windowMs = 90 * MINUTE_MS;
    const inGroup = `runbook:${runbook}/${group}`;
    const shared = {
      ...NO_SHARED,
      target: { cooldownMs: MINUTE_MS, attempts: { max: 3, windowMs } },
      rates: [{ scope: `group:${group}`, max: 3, windowMs }],
      cost: { estimate: 1 + step.runbook, budgets: [{ scope: `group:${group}`, max: 9, windowMs: 2 * windowMs }] },
      flapping: { from: 2, person: 5, windowMs, backoffMs: MINUTE_MS },
      storms: [{ scope: `group:${group}`, group, trips: 3, windowMs: windowMs / 2, because: "3" }],
      errorBudget: { scope: inGroup, max: 2, windowMs },
    };
    const correlation = { scope: `rack:${this.prefix}-r`, trips: 2, windowMs, because: "2", remedy: null };
    const surroundings = {
      ...NO_SURROUNDINGS,
      dependsOn: [`target:host:${this.prefix}-${TARGETS[(step.target + 1) % TARGETS.length]}`],
      correlation: { parents: [correlation], holdDownMs: 1_000 },
    };
    const rate = { max: 3, windowMs: windowMs / 3 };
    const limits = { attempts: { max: 3, windowMs }, rate, shared, surroundings };
    const drain: PlanStep = {
      ...stepOf("low"),
      id: "drain",
      undoable: true,
      finish: { healthy: false, otherwise: true, ramped: false },
    };
    const rack = `${this.prefix}-r`;
    const plan = aPlan({ target: this.target(step), runbook, group, rack, limits });
    return { ...plan, rungs: [{ name: "r1", steps: [drain], verify: { holdMs: 1, withinMs: 1, also: [] } }] };
  }

  private alertOf(step: Step): Alert {
    const startsAt = new Date(BEGIN + this.alerts++ * 1_000).toISOString();
    return anAlert({ fingerprint: `${this.target(step)}-${step.runbook}`, startsAt });
  }

  private async alert(step: Step): Promise<void> {
    const alert = this.alertOf(step);
    const group = this.group(step);
    const target = { kind: "host", id: this.target(step) };
    const places = [`rack:${this.prefix}-r`];
    await db.record.receive([{ alert, target, group, places, runbook: "disk", disposition: "received", reason: null }]);
    const { fingerprint } = alert;
    this.twin.receive({ key: faultKey(alert), fingerprint, target: { ...target, group, places } }, this.now);
  }

  private async opened(step: Step): Promise<void> {
    const alert = this.alertOf(step);
    const group = this.group(step);
    const plan = this.planOf(step);
    const target = { kind: "host", id: plan.target.id };
    const places = [`rack:${this.prefix}-r`];
    const fact = { alert, target, group, places, runbook: plan.runbook, reason: null };
    await db.record.receive([{ ...fact, disposition: "received" }]);
    const key = faultKey(alert);
    this.twin.receive({ key, fingerprint: alert.fingerprint, target: { ...target, group, places } }, this.now);
    const episode = anEpisode({ target, group, runbook: plan.runbook, faults: [key] });
    expect(await db.record.open(episode)).toEqual({ kind: "opened" });
    const id = episode.remediationId;
    await db.record.saveDecision(id, verdict, plan, hashOfPlan(plan), "cat-1");
    this.twin.opened({
      id,
      target: targetKey(target),
      runbook: plan.runbook,
      group,
      fingerprints: [alert.fingerprint],
    });
    this.open.set(target.id, { id, plan, admitted: false, acted: false });
  }

  private async admit(mine: { id: string; plan: Plan; admitted: boolean }): Promise<void> {
    const { id, plan } = mine;
    const admission = await db.record.admit({
      remediationId: id,
      plan,
      planHash: hashOfPlan(plan),
      evaluate: () => [],
    });
    expect(admission.status).toBe("admitted");
    this.twin.admit(id, plan, this.now);
    mine.admitted = true;
  }

  private async close(name: string, outcome: Outcome): Promise<void> {
    const mine = this.open.get(name);
    if (mine === undefined) return;
    await db.record.close(closing(mine.id, { outcome }));
    this.twin.close(mine.id, { outcome, leftOut: mine.acted && outcome !== "healed" }, this.now);
    this.open.delete(name);
  }

  private async approve({ id, plan }: { id: string; plan: Plan }): Promise<void> {
    const planHash = hashOfPlan(plan);
    const expiresAt = this.now + 30 * MINUTE_MS;
    await db.record.decide({
      remediationId: id,
      planHash,
      decision: "approve",
      by: "ada",
      via: "api",
      reason: "",
      token: null,
      ignoredBecause: null,
      unsigned: true,
      roles: ["dc-ops"],
      quorum: 1,
      expiresAt: new Date(expiresAt).toISOString(),
    });
    this.twin.approve(id, { person: "ada", planHash, at: this.now, expiresAt });
  }

  private async trip({ id, plan }: { id: string; plan: Plan }, at: number): Promise<void> {
    const scope = plan.limits.shared?.storms[0]?.scope ?? "";
    const trips: GuardrailResult[] = [result("wait", "STORM", { trips: [{ kind: "storm", scope }] })];
    await db.record.trip(id, trips);
    this.twin.trip(trips, at);
  }

  private async reset(step: Step): Promise<void> {
    const scope = `group:${this.group(step)}`;
    await db.record.resetBreakers({ scope, by: "ada", reason: "over", how: "reEvaluate" });
    for (const breaker of this.twin.breakers.filter((one) => one.scope === scope)) this.twin.reset(breaker, this.now);
  }

  private async health(step: Step): Promise<void> {
    const group = this.group(step);
    const at = new Date(this.now).toISOString();
    const outside = { unhealthy: [this.target(step)], detail: "1 of 4" };
    await db.record.saveGroupHealth({ kind: "host", group }, outside);
    this.twin.outside.set(`host ${group}`, { at, ...outside });
  }

  private async compare(plan: Plan, id: string): Promise<void> {
    const planHash = hashOfPlan(plan);
    const { counted, now } = await db.record.countedFacts(id, plan, planHash);
    expect(Date.parse(now)).toBe(this.now);
    const twin = countedFrom({ history: this.twin, id, plan, planHash, now: this.now });
    expect(this.comparable(twin)).toEqual(this.comparable(counted));
  }

  /** Without what names a row of the database; `global` counts the other runs too, whose hosts stay left out. */
  private comparable(facts: ReturnType<typeof countedFrom>) {
    const mine = (counts: Record<string, number>) =>
      Object.fromEntries(Object.entries(counts).filter(([scope]) => scope !== "global"));
    const { shared, surroundings, ...rest } = facts;
    const { busy, correlated, alertedAt } = surroundings ?? {};
    return {
      ...rest,
      ...{ busy, correlated, alertedAt },
      held: mine(rest.held),
      leftOut: mine(rest.leftOut),
      shared: {
        ...shared,
        breakers: shared?.breakers.map(({ kind, scope, trippedAt }) => ({ kind, scope, trippedAt })),
      },
    };
  }
}
