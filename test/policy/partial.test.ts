/** What an explanation says without a fact must hold whatever that fact turns out to be. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Breaker, CountedFacts, DecisionFacts, Mode, Pause } from "../../src/contracts/facts.ts";
import type { Plan, ScopedRate, StormLimit } from "../../src/contracts/plan.ts";
import type { Health } from "../../src/contracts/probe.ts";
import { decidePartly, type PartialFacts } from "../../src/policy/partial.ts";
import { resultsOf } from "../../src/policy/verdict.ts";
import { ago, around, factsOf, HOUR_MS, limited, planOf, STANDING } from "./support.ts";

const few = fc.integer({ min: 0, max: 5 });
const time = fc.option(few.map((hours) => ago(hours * HOUR_MS)));
const windowUse = fc.record({ count: few, cost: few, since: time });
const health = fc.record({
  inWork: fc.constantFrom<string[]>([], ["web-2"]),
  leftOut: fc.constantFrom<string[]>([], ["web-3"]),
  outside: fc.constant(null),
});
const storm: Breaker = { id: "b", kind: "storm", scope: "global", reason: "r", trippedAt: ago(1) };
const breakers = fc.constantFrom<Breaker[]>([], [storm]);
const counts: fc.Arbitrary<CountedFacts> = fc.record({
  lastActedAt: time,
  attempts: few,
  rateUsed: fc.integer({ min: 0, max: 30 }),
  rateSince: time,
  held: fc.record({ "target:host:web-1": few, "group:web": few, "rack:r1": few }),
  leftOut: fc.record({ "group:web": few }),
  openElsewhere: fc.constantFrom(null, "other"),
  standing: fc.constantFrom(null, STANDING),
  approvedBy: fc.constantFrom<string[]>([], ["ada"]),
  pauses: fc.constantFrom<Pause[]>(
    [],
    [{ id: "p", scope: "group:web", reason: "r", by: "ada", at: ago(1), until: null }],
  ),
  shared: fc.record({
    targetLastActed: fc.constantFrom(null, { at: ago(HOUR_MS), runbook: "disk" }),
    targetAttempts: few,
    rates: windowUse.map((one) => ({ "group:web": one })),
    budgets: windowUse.map((one) => ({ "group:web": one })),
    firings: fc.record({ count: few, lastAt: time }),
    unhealthy: few.map((count) => ({ global: count })),
    failures: few,
    breakers,
    health,
  }),
  surroundings: fc.constantFrom(
    null,
    around(),
    around({ busy: [{ scope: "service:db", targets: ["host/db-1"], held: 1 }] }),
  ),
});

const windowMs = HOUR_MS;
const plans: fc.Arbitrary<Plan> = fc
  .record({
    cooldownMs: fc.constantFrom(null, HOUR_MS),
    attempts: fc.constantFrom(null, { max: 2, windowMs }),
    rates: fc.constantFrom<ScopedRate[]>([], [{ scope: "group:web", max: 2, windowMs }]),
    budgets: fc.constantFrom<ScopedRate[]>([], [{ scope: "group:web", max: 2, windowMs }]),
    minHealthy: fc.constantFrom(null, { scope: "group:web", members: 4, min: 2, because: "2", outsideMaxAgeMs: null }),
    flapping: fc.constantFrom(null, { from: 2, person: 4, windowMs, backoffMs: 1_000 }),
    storms: fc.constantFrom<StormLimit[]>([], [{ scope: "global", group: null, trips: 3, windowMs, because: "3" }]),
    errorBudget: fc.constantFrom(null, { scope: "runbook:disk@web", max: 2, windowMs }),
    rollout: fc.constantFrom(null, { percent: 50, bucket: 20 }, { percent: 50, bucket: 70 }),
    security: fc.constantFrom(null, "tagged"),
    risky: fc.boolean(),
  })
  .map(({ cooldownMs, attempts, budgets, risky, ...rest }) =>
    limited({ ...rest, target: { cooldownMs, attempts }, cost: { estimate: 1, budgets } }, risky ? undefined : ["low"]),
  );
const readings = fc
  .constantFrom<Health[]>("healthy", "unhealthy", "unknown")
  .map((state) => ({ ...factsOf().reading, state }));
const modes = fc.constantFrom<Mode[]>("auto", "review", "observe").map((global) => ({ ...factsOf().modes, global }));

const told = (results: readonly { guardrail: string; outcome: string }[]) =>
  results.map((one) => ({ ...one, ...("saw" in one ? { saw: null } : {}) }));

describe("guardrails over facts of which some were not read", () => {
  it("say what they say when everything was read", () => {
    fc.assert(
      fc.property(plans, counts, readings, modes, (plan, counted, reading, modes) => {
        const facts: DecisionFacts = factsOf({ counted, reading, modes });
        expect(decidePartly(plan, facts)).toEqual(resultsOf(plan, facts));
      }),
    );
  });

  it("say nothing that a fact that was not read could change", () => {
    const hide = fc.record({
      counted: fc.boolean(),
      reading: fc.boolean(),
      collected: fc.boolean(),
      now: fc.boolean(),
    });
    fc.assert(
      fc.property(plans, counts, readings, modes, hide, (plan, counted, reading, modes, hidden) => {
        const facts: DecisionFacts = factsOf({ counted, reading, modes });
        const partial: PartialFacts = {
          ...facts,
          ...(hidden.counted ? { counted: null } : {}),
          ...(hidden.reading ? { reading: null } : {}),
          ...(hidden.collected ? { collected: null } : {}),
          ...(hidden.now ? { now: null } : {}),
        };
        const results = decidePartly(plan, partial);
        const real = resultsOf(plan, facts).filter((_, index) => results[index]?.outcome !== "notRead");
        expect(told(results.filter((one) => one.outcome !== "notRead"))).toEqual(told(real));
      }),
      { numRuns: 1_000 },
    );
  });

  it("name what they would need", () => {
    const results = decidePartly(planOf(), { ...factsOf(), counted: null });
    const needs = Object.fromEntries(results.map((one) => [one.guardrail, "needs" in one ? one.needs : one.outcome]));
    expect(needs).toMatchObject({
      pause: ["the record's pauses"],
      "target-known": "pass",
      mode: "pass",
      cooldown: ["the record's last fix of this target"],
      attempts: ["the record's attempts on this target"],
      "group-cap": ["the record's leases"],
      "facts-available": "pass",
    });
  });
});
