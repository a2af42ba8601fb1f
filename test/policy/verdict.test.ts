import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Breaker, CountedFacts, DecisionFacts, Mode, SharedFacts } from "../../src/contracts/facts.ts";
import type { SharedLimits } from "../../src/contracts/plan.ts";
import {
  GUARDRAIL_OUTCOMES,
  REASONS,
  type GuardrailOutcome,
  type VerdictOutcome,
} from "../../src/contracts/verdict.ts";
import { pass, type Guardrail } from "../../src/policy/guardrail.ts";
import { GUARDRAILS } from "../../src/policy/guardrails/index.ts";
import type { SurroundingFacts } from "../../src/contracts/surroundings.ts";
import { countedResults, decide, evaluateCounted, resultsOf, worst } from "../../src/policy/verdict.ts";
import { surroundingFacts, time } from "./arbitraries.ts";
import {
  ago,
  ALL_SURROUNDINGS,
  countedOf,
  factsOf,
  HOUR_MS,
  NO_SHARED,
  NOW,
  planOf,
  PLAN_HASH,
  STANDING,
  TARGET,
} from "./support.ts";

const mode = fc.constantFrom<Mode>("observe", "review", "auto");
const scope = fc.constantFrom("global", "group:web", "group:db", "rack:r1", "target:host:web-1", "runbook:disk");

function sharedFacts(): fc.Arbitrary<SharedFacts> {
  const use = fc.record({ count: fc.nat(4), cost: fc.nat(40), since: fc.option(time) });
  const uses = fc.dictionary(fc.constantFrom("global", "group:web"), use, { minKeys: 1 });
  const hosts = fc.subarray(["web-1", "web-2", "web-3", "web-4"]);
  return fc.record({
    targetLastActed: fc.option(fc.record({ at: time, runbook: fc.constantFrom("disk", "other") })),
    targetAttempts: fc.nat(4),
    rates: uses,
    budgets: uses,
    firings: fc.record({ count: fc.nat(9), lastAt: fc.option(time) }),
    unhealthy: fc.dictionary(fc.constantFrom("global", "group:web"), fc.nat(12)),
    failures: fc.nat(4),
    breakers: fc.subarray<Breaker>([
      { id: "b1", kind: "storm", scope: "group:web", reason: "12 targets", trippedAt: NOW },
      { id: "b2", kind: "errorBudget", scope: "runbook:disk@web", reason: "3 failures", trippedAt: NOW },
    ]),
    health: fc.record({
      inWork: hosts,
      leftOut: hosts,
      outside: fc.option(fc.record({ at: time, unhealthy: fc.option(hosts), detail: fc.string() })),
    }),
  });
}

const countedFacts: fc.Arbitrary<CountedFacts> = fc.record({
  lastActedAt: fc.option(time),
  attempts: fc.nat(4),
  rateUsed: fc.nat(30),
  rateSince: fc.option(time),
  held: fc.dictionary(fc.constantFrom("target:host:web-1", "group:web", "rack:r1"), fc.nat(6)),
  leftOut: fc.dictionary(fc.constantFrom("group:web", "rack:r1"), fc.nat(2)),
  openElsewhere: fc.option(fc.constant("other")),
  standing: fc.option(
    fc.record({
      id: fc.constant("s1"),
      runbook: fc.constantFrom("disk", "other"),
      runbookHash: fc.constantFrom(STANDING.runbookHash, "x"),
      group: fc.constantFrom("web", "db"),
      by: fc.constant("anna"),
      expiresAt: time,
      maxCount: fc.nat(3),
      used: fc.nat(3),
    }),
  ),
  approvedBy: fc.subarray(["anna", "ben"]),
  pauses: fc.array(
    fc.record({ id: fc.string(), scope, reason: fc.string(), by: fc.string(), at: time, until: fc.option(time) }),
    { maxLength: 3 },
  ),
  shared: fc.option(sharedFacts(), { freq: 9 }),
  surroundings: fc.option(surroundingFacts(), { freq: 9 }),
});

const facts: fc.Arbitrary<DecisionFacts> = fc.record({
  now: fc.oneof({ weight: 9, arbitrary: fc.constant(NOW) }, { weight: 1, arbitrary: time }),
  target: fc.option(fc.constantFrom(TARGET, { ...TARGET, id: "web-2" }, { ...TARGET, labels: { selfheal: "off" } }), {
    freq: 9,
  }),
  requirement: fc.record({ holds: fc.constantFrom(true, true, false, null), detail: fc.string() }),
  modes: fc.record({ global: mode, group: mode, runbook: mode }),
  grant: fc.record({
    team: fc.constantFrom(null, "storage"),
    groups: fc.constantFrom(null, ["web"], ["db"], []),
  }),
  reading: fc
    .constantFrom<DecisionFacts["reading"]["state"]>("unhealthy", "unhealthy", "healthy", "unknown")
    .map((state) => ({ ...factsOf().reading, state })),
  collected: fc.option(fc.constant({}), { freq: 9 }),
  planHash: fc.constant(PLAN_HASH),
  risk: fc.constantFrom("read", "low", "high", "irreversible"),
  counted: fc.option(countedFacts, { freq: 9 }),
});

const sharedLimits: fc.Arbitrary<SharedLimits> = fc
  .record({
    target: fc.constant({ cooldownMs: HOUR_MS, attempts: { max: 2, windowMs: HOUR_MS } }),
    rates: fc.constant([{ scope: "group:web", max: 2, windowMs: HOUR_MS }]),
    cost: fc.constant({ estimate: 10, budgets: [{ scope: "global", max: 30, windowMs: HOUR_MS }] }),
    minHealthy: fc.constant({ scope: "group:web", members: 6, min: 3, because: "", outsideMaxAgeMs: HOUR_MS }),
    flapping: fc.constant({ from: 3, person: 6, windowMs: HOUR_MS, backoffMs: 60_000 }),
    storms: fc.constant([{ scope: "group:web", group: "web", trips: 5, windowMs: HOUR_MS, because: "" }]),
    errorBudget: fc.constant({ scope: "runbook:disk@web", max: 2, windowMs: HOUR_MS }),
    rollout: fc.constant({ percent: 50, bucket: 60 }),
    security: fc.constant("the runbook is tagged security"),
  })
  .chain((all) => fc.subarray(Object.entries(all)))
  .map((some) => ({ ...NO_SHARED, ...(Object.fromEntries(some) as Partial<SharedLimits>) }));

const plan = fc
  .record({
    risks: fc.subarray(["read", "low", "high", "irreversible"] as const, { minLength: 1 }),
    stateless: fc.boolean(),
  })
  .chain(({ risks, stateless }) =>
    fc.tuple(fc.option(sharedLimits), fc.option(fc.constant(ALL_SURROUNDINGS))).map(([shared, surroundings]) => {
      const made = planOf({ target: { ...TARGET, stateless } }, [...risks]);
      const more = { ...(shared === null ? {} : { shared }), ...(surroundings === null ? {} : { surroundings }) };
      return { ...made, limits: { ...made.limits, ...more } };
    }),
  );

const rank = (outcome: VerdictOutcome): number => GUARDRAIL_OUTCOMES.indexOf(outcome === "act" ? "pass" : outcome);

describe("decide", () => {
  it("acts when nothing stands against it", () => {
    const verdict = decide(planOf(), factsOf());
    expect(verdict.results.filter((result) => result.outcome !== "pass")).toEqual([]);
    expect(verdict).toMatchObject({ outcome: "act", at: NOW });
  });

  it("keeps every result in the list's order, those that pass too", () => {
    fc.assert(
      fc.property(plan, facts, (aPlan, some) => {
        expect(decide(aPlan, some).results.map((result) => result.guardrail)).toEqual(
          GUARDRAILS.map((one) => one.name),
        );
      }),
    );
  });

  it("is total: any facts give a verdict whose every reason has a code and a sentence", () => {
    fc.assert(
      fc.property(plan, facts, (aPlan, some) => {
        for (const { code, detail, outcome } of decide(aPlan, some).results) {
          expect(REASONS[code]).toBeDefined();
          expect(detail).not.toBe(undefined);
          expect(GUARDRAIL_OUTCOMES).toContain(outcome);
        }
      }),
    );
  });

  it("the worst outcome wins", () => {
    fc.assert(
      fc.property(plan, facts, (aPlan, some) => {
        const { outcome, results } = decide(aPlan, some);
        expect(rank(outcome)).toBe(Math.max(...results.map((result) => GUARDRAIL_OUTCOMES.indexOf(result.outcome))));
      }),
    );
  });

  it("does not depend on the order of the guardrails", () => {
    fc.assert(
      fc.property(
        plan,
        facts,
        fc.shuffledSubarray([...GUARDRAILS], { minLength: GUARDRAILS.length }),
        (aPlan, some, order) => {
          expect(decide(aPlan, some, order).outcome).toBe(decide(aPlan, some).outcome);
        },
      ),
    );
  });

  it("a fact that is not known never lets it act", () => {
    const unknown: Partial<DecisionFacts>[] = [
      { target: null },
      { requirement: { holds: null, detail: "" } },
      { reading: { ...factsOf().reading, state: "unknown" } },
      { collected: null },
      { counted: null },
      { now: "?" },
    ];
    fc.assert(
      fc.property(plan, facts, fc.constantFrom(...unknown), (aPlan, some, changes) => {
        const { outcome } = decide(aPlan, { ...some, ...changes });
        expect(["refuse", "observe"]).toContain(outcome);
      }),
    );
  });

  it("acts on nothing irreversible without an approval", () => {
    fc.assert(
      fc.property(facts, (some) => {
        const { outcome } = decide(planOf(), some);
        if (outcome === "act")
          expect(some.counted?.approvedBy.length !== 0 || some.counted.standing !== null).toBe(true);
      }),
    );
  });

  it("fewer people than the plan needs are nobody, to every guardrail", () => {
    fc.assert(
      fc.property(plan, facts, (aPlan, some) => {
        const needsThree = { ...aPlan, approval: { ...aPlan.approval, quorum: 3 } };
        const by = (...approvedBy: string[]) =>
          resultsOf(needsThree, { ...some, counted: some.counted && { ...some.counted, approvedBy } });
        expect(by("anna", "ben").map(({ outcome }) => outcome)).toEqual(by().map(({ outcome }) => outcome));
      }),
      { numRuns: 300 },
    );
  });

  it("a worse fact never makes the outcome better", () => {
    type Worsen = (some: DecisionFacts) => DecisionFacts;
    const inCounted =
      (worsen: (counted: CountedFacts) => Partial<CountedFacts>): Worsen =>
      (some) =>
        some.counted === null ? some : { ...some, counted: { ...some.counted, ...worsen(some.counted) } };
    const inShared =
      (worsen: (shared: SharedFacts) => Partial<SharedFacts>): Worsen =>
      (some) => {
        const shared = some.counted?.shared ?? null;
        if (some.counted === null || shared === null) return some;
        return { ...some, counted: { ...some.counted, shared: { ...shared, ...worsen(shared) } } };
      };
    const inSurroundings =
      (worsen: (surroundings: SurroundingFacts) => Partial<SurroundingFacts>): Worsen =>
      (some) => {
        const surroundings = some.counted?.surroundings ?? null;
        if (some.counted === null || surroundings === null) return some;
        const worse = { ...surroundings, ...worsen(surroundings) };
        return { ...some, counted: { ...some.counted, surroundings: worse } };
      };
    const window = { id: "w2", kind: "maintenance", scope: "global", reason: "", by: "" } as const;
    const worse: Worsen[] = [
      inCounted(() => ({ surroundings: null })),
      inSurroundings(({ windows }) => ({
        windows: [...windows, { ...window, from: ago(HOUR_MS), until: ago(-HOUR_MS) }],
      })),
      inSurroundings(() => ({ silences: null })),
      inSurroundings(() => ({ leases: null })),
      inSurroundings(() => ({ slos: {} })),
      inSurroundings(({ busy }) => ({ busy: [...busy, { scope: "service:db", targets: ["host/db-2"], held: 1 }] })),
      inSurroundings(({ holds }) => ({
        holds: [...holds, { id: "h2", holder: "capi", reason: "", since: NOW, until: null }],
      })),
      inSurroundings(({ correlated }) => ({
        correlated: Object.fromEntries(Object.entries(correlated).map(([key, n]) => [key, n + 1])),
      })),
      inSurroundings(() => ({ alertedAt: NOW })),
      (some) => ({ ...some, modes: { ...some.modes, group: some.modes.group === "auto" ? "review" : "observe" } }),
      (some) => ({ ...some, requirement: { holds: false, detail: "" } }),
      (some) => ({ ...some, reading: { ...some.reading, state: "unknown" } }),
      (some) => ({ ...some, collected: null }),
      (some) => ({ ...some, counted: null }),
      (some) => ({ ...some, target: null }),
      inCounted((counted) => ({ attempts: counted.attempts + 1 })),
      inCounted((counted) => ({ rateUsed: counted.rateUsed + 1 })),
      inCounted((counted) => ({
        held: Object.fromEntries(Object.entries(counted.held).map(([key, held]) => [key, held + 1])),
      })),
      inCounted(() => ({ openElsewhere: "other" })),
      inCounted(({ leftOut, held }) => ({
        leftOut: Object.fromEntries(Object.keys(held).map((key) => [key, (leftOut[key] ?? 0) + 1])),
      })),
      inShared((shared) => ({ targetAttempts: shared.targetAttempts + 1 })),
      inShared((shared) => ({ failures: shared.failures + 1 })),
      inShared(({ unhealthy }) => ({
        unhealthy: Object.fromEntries(Object.entries(unhealthy).map(([key, n]) => [key, n + 1])),
      })),
      inShared(({ budgets }) => ({
        budgets: Object.fromEntries(Object.entries(budgets).map(([key, one]) => [key, { ...one, cost: one.cost + 5 }])),
      })),
      inShared(({ health }) => ({ health: { ...health, inWork: [...new Set([...health.inWork, "web-5"])] } })),
      inShared(({ health }) => ({ health: { ...health, leftOut: [...new Set([...health.leftOut, "web-6"])] } })),
      inShared(({ health }) => ({ health: { ...health, outside: null } })),
      inCounted(() => ({ shared: null })),
      inCounted(() => ({ standing: null })),
      inCounted(() => ({ approvedBy: [] })),
      inCounted((counted) => ({
        pauses: [...counted.pauses, { id: "x", scope: "global", reason: "", by: "", at: NOW, until: null }],
      })),
      inCounted(() => ({ lastActedAt: NOW })),
    ];
    fc.assert(
      fc.property(plan, facts, fc.constantFrom(...worse), (aPlan, some, worsen) => {
        // A clock that ran backwards is no worse fact about the cooldown.
        const last = some.counted?.lastActedAt ?? null;
        fc.pre(last === null || Date.parse(last) <= Date.parse(some.now));
        expect(rank(decide(aPlan, worsen(some)).outcome)).toBeGreaterThanOrEqual(rank(decide(aPlan, some).outcome));
      }),
      { numRuns: 1_000 },
    );
  });

  it("of observe says what it would be otherwise: the verdict of the same facts in mode auto", () => {
    const modes = { global: "auto", group: "auto", runbook: "auto" } as const;
    fc.assert(
      fc.property(plan, facts, (aPlan, some) => {
        const observed = decide(aPlan, { ...some, modes: { ...modes, group: "observe" } });
        expect(observed.outcome).toBe("observe");
        expect(observed.would).toBe(decide(aPlan, { ...some, modes }).outcome);
        expect(decide(aPlan, some).would === undefined).toBe(decide(aPlan, some).outcome !== "observe");
      }),
    );
  });

  it("a guardrail that throws refuses", () => {
    const broken: Guardrail = {
      name: "broken",
      counted: false,
      evaluate: () => {
        throw new Error("bug");
      },
    };
    expect(decide(planOf(), factsOf(), [...GUARDRAILS, broken])).toMatchObject({ outcome: "refuse" });
    expect(decide(planOf(), factsOf(), []).outcome).toBe("refuse");
  });
});

describe("evaluateCounted", () => {
  const { now, planHash, modes } = factsOf();

  it("says of countable things exactly what the forecast says", () => {
    fc.assert(
      fc.property(plan, facts, countedFacts, (aPlan, some, counted) => {
        const forecast = resultsOf(aPlan, { ...some, counted });
        const names = GUARDRAILS.filter((one) => one.counted).map((one) => one.name);
        const results = evaluateCounted(aPlan, { ...some, counted });
        expect(results).toEqual(countedResults(forecast));
        expect(results.map(({ guardrail }) => guardrail)).toEqual(names);
      }),
    );
  });

  it("asks for a missing approval again, so an approval that expired in the queue does not count", () => {
    const results = evaluateCounted(planOf(), { now, planHash, modes, counted: countedOf({ standing: null }) });
    expect(worst(results)).toBe("review");
  });
});

describe("worst", () => {
  it("is the maximum, and refuses what it does not know", () => {
    const of = (...outcomes: string[]): GuardrailOutcome =>
      worst(outcomes.map((one) => ({ ...pass("x", ""), outcome: one as GuardrailOutcome })));
    expect(of("pass", "wait", "pass")).toBe("wait");
    expect(of("wait", "review")).toBe("review");
    expect(of("refuse", "observe")).toBe("observe");
    expect(of("pass", "nonsense")).toBe("refuse");
  });
});
