import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Breaker, DecisionFacts } from "../../src/contracts/facts.ts";
import type { MinHealthy, Plan, SharedLimits } from "../../src/contracts/plan.ts";
import { GUARDRAIL_OUTCOMES, type GuardrailResult } from "../../src/contracts/verdict.ts";
import { decide } from "../../src/policy/verdict.ts";
import { ago, counted, HOUR_MS, limited, NOW, planOf, sharing } from "./support.ts";

function resultOf(guardrail: string, facts: DecisionFacts, plan: Plan): GuardrailResult {
  const result = decide(plan, facts).results.find((one) => one.guardrail === guardrail);
  if (result === undefined) throw new Error(`no guardrail ${guardrail}`);
  return result;
}

/** What one guardrail said, as `outcome CODE`. */
function said(guardrail: string, facts: DecisionFacts, plan: Plan): string {
  const { outcome, code } = resultOf(guardrail, facts, plan);
  return `${outcome} ${code}`;
}

const everything: Partial<SharedLimits> = {
  target: { cooldownMs: HOUR_MS, attempts: { max: 2, windowMs: HOUR_MS } },
  rates: [{ scope: "group:web", max: 2, windowMs: HOUR_MS }],
  cost: { estimate: 1, budgets: [{ scope: "global", max: 3, windowMs: HOUR_MS }] },
  minHealthy: { scope: "group:web", members: 4, min: 1, because: "", outsideMaxAgeMs: null },
  flapping: { from: 3, person: 6, windowMs: HOUR_MS, backoffMs: 60_000 },
  storms: [{ scope: "global", group: null, trips: 5, windowMs: HOUR_MS, because: "" }],
  errorBudget: { scope: "runbook:disk@web", max: 2, windowMs: HOUR_MS },
};
const READERS = ["cooldown", "attempts", "rate", "cost", "min-healthy", "flapping", "storm", "error-budget"];

describe("limits over all runbooks", () => {
  it.each(READERS)("%s refuses when its counts could not be read", (guardrail) => {
    expect(said(guardrail, counted({ shared: null }), limited(everything))).toBe("refuse FACTS_UNAVAILABLE");
  });

  it("a plan from before there were any passes", () => {
    const verdict = decide(planOf(), counted({ shared: null }));
    expect(verdict.outcome).toBe("act");
  });
});

describe("caps of service, region and everything", () => {
  const caps = (scope: string, max: number): Plan => {
    const plan = planOf();
    return { ...plan, limits: { ...plan.limits, caps: [{ scope, max, because: "by the test" }] } };
  };
  it.each([
    ["service-cap", "service:shop", 2, 1, 0, "pass OK"],
    ["service-cap", "service:shop", 2, 2, 0, "wait SERVICE_CAP"],
    ["region-cap", "region:eu", 1, 1, 0, "wait REGION_CAP"],
    ["global-cap", "global", 3, 3, 0, "wait GLOBAL_CAP"],
    ["global-cap", "global", 0, 0, 0, "refuse GLOBAL_CAP"],
    ["group-cap", "group:web", 2, 2, 1, "wait GROUP_CAP"],
    ["group-cap", "group:web", 2, 2, 2, "refuse GROUP_CAP"],
    ["rack-cap", "rack:r1", 1, 1, 1, "refuse RACK_CAP"],
  ])("%s %s: at most %d, %d held, %d of them left out: %s", (guardrail, scope, max, held, left, expected) => {
    const facts = counted({ held: { "target:host:web-1": 0, [scope]: held }, leftOut: { [scope]: left } });
    expect(said(guardrail, facts, caps(scope, max))).toBe(expected);
  });

  it("a count that is missing refuses", () => {
    expect(said("region-cap", counted({ held: {} }), caps("region:eu", 1))).toBe("refuse FACTS_UNAVAILABLE");
  });

  it("never passes more than the cap allows, whatever is held", () => {
    fc.assert(
      fc.property(fc.nat(9), fc.nat(9), fc.nat(9), (max, held, left) => {
        const facts = counted({ held: { global: held }, leftOut: { global: Math.min(left, held) } });
        const { outcome } = resultOf("global-cap", facts, caps("global", max));
        expect(outcome === "pass").toBe(held < max);
        if (outcome === "wait") expect(Math.min(left, held)).toBeLessThan(max);
      }),
    );
  });
});

describe("min-healthy", () => {
  const group = (members: number, min: number, outsideMaxAgeMs: number | null = null): Plan => {
    const minHealthy: MinHealthy = {
      scope: "group:web",
      members,
      min,
      because: `${min} in group web`,
      outsideMaxAgeMs,
    };
    return limited({ minHealthy });
  };
  const health = (inWork: string[], leftOut: string[] = [], unhealthy?: string[] | null, at = NOW) =>
    sharing({
      health: { inWork, leftOut, outside: unhealthy === undefined ? null : { at, unhealthy, detail: "no answer" } },
    });

  it.each([
    ["all others are healthy", group(10, 8), health([]), "pass OK"],
    ["one more may be away", group(10, 8), health(["web-2"]), "pass OK"],
    ["others in work must come back first", group(10, 8), health(["web-2", "web-3"]), "wait MIN_HEALTHY"],
    [
      "those left out never come back by themselves",
      group(10, 8),
      health([], ["web-2", "web-3"]),
      "refuse MIN_HEALTHY",
    ],
    ["half of both: it helps when the work ends", group(10, 8), health(["web-2"], ["web-3"]), "wait MIN_HEALTHY"],
    ["one host counts once", group(10, 8, HOUR_MS), health([], ["web-2"], ["web-2", "web-1"]), "pass OK"],
    ["seen unhealthy by others", group(10, 8, HOUR_MS), health([], [], ["web-2", "web-3"]), "refuse MIN_HEALTHY"],
    [
      "in work and therefore seen down",
      group(10, 8, HOUR_MS),
      health(["web-2", "web-3"], [], ["web-2"]),
      "wait MIN_HEALTHY",
    ],
    ["a group of one that must stay", group(1, 1), health([]), "refuse MIN_HEALTHY"],
    ["a group of one that may go", group(1, 0), health([]), "pass OK"],
    ["100 %", group(10, 10), health([]), "refuse MIN_HEALTHY"],
    ["0 %", group(3, 0), health(["web-2"], ["web-3"]), "pass OK"],
    ["an empty inventory", group(0, 0), health([]), "refuse FACTS_UNAVAILABLE"],
    ["nobody asked the sources", group(10, 0, HOUR_MS), health([]), "refuse FACTS_UNAVAILABLE"],
    ["a source did not answer", group(10, 0, HOUR_MS), health([], [], null), "refuse FACTS_UNAVAILABLE"],
    ["as old as allowed", group(10, 0, HOUR_MS), health([], [], [], ago(HOUR_MS)), "pass OK"],
    ["too old", group(10, 0, HOUR_MS), health([], [], [], ago(HOUR_MS + 1)), "refuse FACTS_UNAVAILABLE"],
    ["a time that cannot be read", group(10, 0, HOUR_MS), health([], [], [], "?"), "refuse FACTS_UNAVAILABLE"],
    [
      "what is seen outside does not count where nobody asked for it",
      group(2, 1),
      health([], [], ["web-2"]),
      "pass OK",
    ],
  ])("%s", (_what, plan, facts, expected) => {
    expect(said("min-healthy", facts, plan)).toBe(expected);
  });

  it("never lets fewer stay healthy than it must", () => {
    const ids = Array.from({ length: 8 }, (_, index) => `web-${index + 1}`);
    const some = fc.subarray(ids);
    fc.assert(
      fc.property(some, some, some, fc.nat(8), (inWork, leftOut, seen, min) => {
        const { outcome } = resultOf("min-healthy", health(inWork, leftOut, seen), group(8, min, HOUR_MS));
        const away = new Set([...inWork, ...leftOut, ...seen, "web-1"]);
        expect(outcome === "pass").toBe(8 - away.size >= min);
      }),
    );
  });
});

describe("one target over all runbooks", () => {
  const plan = limited({ target: { cooldownMs: 2 * HOUR_MS, attempts: { max: 3, windowMs: 24 * HOUR_MS } } });
  it.each([
    [null, "pass OK"],
    [ago(HOUR_MS), "wait COOLDOWN"],
    [ago(2 * HOUR_MS), "pass OK"],
    ["yesterday", "refuse FACTS_UNAVAILABLE"],
  ])("another runbook acted at %s: %s", (at, expected) => {
    expect(said("cooldown", sharing({ targetLastActed: at === null ? null : { at, runbook: "reboot" } }), plan)).toBe(
      expected,
    );
  });

  it("the longer of two rests counts", () => {
    const facts = sharing({ targetLastActed: { at: ago(HOUR_MS), runbook: "disk" } }, { lastActedAt: ago(HOUR_MS) });
    expect(said("cooldown", facts, plan)).toBe("refuse COOLDOWN");
  });

  it.each([
    [2, "pass OK"],
    [3, "refuse ATTEMPTS_EXHAUSTED"],
    [Number.NaN, "refuse FACTS_UNAVAILABLE"],
  ])("%d attempts: %s", (targetAttempts, expected) => {
    expect(said("attempts", sharing({ targetAttempts }), plan)).toBe(expected);
  });
});

describe("flapping (from 3, a person at 6, 10 min doubled)", () => {
  const plan = limited({ flapping: { from: 3, person: 6, windowMs: 6 * HOUR_MS, backoffMs: 600_000 } });
  const fired = (count: number, lastAt: string | null) => sharing({ firings: { count, lastAt } });
  it.each([
    [2, NOW, "pass OK"],
    [3, NOW, "wait FLAPPING"],
    [3, ago(600_000), "pass OK"],
    [4, ago(600_000), "wait FLAPPING"],
    [4, ago(1_200_000), "pass OK"],
    [6, ago(5 * HOUR_MS), "refuse FLAPPING"],
    [3, null, "refuse FACTS_UNAVAILABLE"],
    [Number.NaN, NOW, "refuse FACTS_UNAVAILABLE"],
  ])("fired %d times, last at %s: %s", (count, lastAt, expected) => {
    expect(said("flapping", fired(count, lastAt), plan)).toBe(expected);
  });

  it("waits longer each time", () => {
    const ends = [3, 4, 5].map((count) => Date.parse(resultOf("flapping", fired(count, NOW), plan).until ?? ""));
    expect(ends.map((end) => (end - Date.parse(NOW)) / 60_000)).toEqual([10, 20, 40]);
  });

  it("never ends sooner for one more firing, and lets go exactly at its end", () => {
    const bounds = fc.record({
      from: fc.integer({ min: 2, max: 10 }),
      more: fc.integer({ min: 1, max: 40 }),
      windowMs: fc.integer({ min: 60_000, max: 48 * HOUR_MS }),
      backoffMs: fc.integer({ min: 1_000, max: HOUR_MS }),
    });
    fc.assert(
      fc.property(bounds, fc.nat(60), ({ from, more, ...rest }, count) => {
        const limit = limited({ flapping: { from, person: from + more, ...rest } });
        const look = (times: number, age = 0) => resultOf("flapping", fired(times, ago(age)), limit);
        const [now, once] = [look(count), look(count + 1)];
        expect(GUARDRAIL_OUTCOMES.indexOf(once.outcome)).toBeGreaterThanOrEqual(
          GUARDRAIL_OUTCOMES.indexOf(now.outcome),
        );
        if (now.outcome !== "wait") return;
        const lastsMs = Date.parse(now.until ?? "") - Date.parse(NOW);
        expect([look(count, lastsMs - 1).outcome, look(count, lastsMs).outcome]).toEqual(["wait", "pass"]);
        if (once.outcome === "wait")
          expect(Date.parse(once.until ?? "") - Date.parse(NOW)).toBeGreaterThanOrEqual(lastsMs);
      }),
    );
  });
});

describe("rates and budgets of group and everything", () => {
  const rates = limited({
    rates: [
      { scope: "group:web", max: 2, windowMs: HOUR_MS },
      { scope: "global", max: 5, windowMs: 2 * HOUR_MS },
    ],
  });
  const used = (count: number, cost = 0, since: string | null = ago(0.5 * HOUR_MS)) => ({ count, cost, since });

  it.each([
    [1, 4, "pass OK"],
    [2, 4, "wait RATE"],
    [1, 5, "wait RATE"],
    [Number.NaN, 0, "refuse FACTS_UNAVAILABLE"],
  ])("%d in the group, %d in all: %s", (group, all, expected) => {
    expect(said("rate", sharing({ rates: { "group:web": used(group), global: used(all) } }), rates)).toBe(expected);
  });

  it("waits until the last of the full windows has a place again", () => {
    const facts = sharing({ rates: { "group:web": used(2), global: used(5) } });
    expect(resultOf("rate", facts, rates).until).toBe(ago(-1.5 * HOUR_MS));
  });

  it.each([
    [10, 20, "pass OK"],
    [10, 21, "wait COST_BUDGET"],
    [0, 30, "pass OK"],
    [31, 0, "refuse COST_BUDGET"],
    [Number.NaN, 0, "refuse FACTS_UNAVAILABLE"],
    [1, Number.NaN, "refuse FACTS_UNAVAILABLE"],
    [-1, 0, "refuse FACTS_UNAVAILABLE"],
  ])("a plan of %d with %d of 30 spent: %s", (estimate, spent, expected) => {
    const plan = limited({ cost: { estimate, budgets: [{ scope: "global", max: 30, windowMs: HOUR_MS }] } });
    expect(said("cost", sharing({ budgets: { global: used(1, spent) } }), plan)).toBe(expected);
  });

  it("never spends more than the budget", () => {
    fc.assert(
      fc.property(fc.nat(50), fc.nat(50), fc.nat(50), (estimate, spent, max) => {
        const plan = limited({ cost: { estimate, budgets: [{ scope: "global", max, windowMs: HOUR_MS }] } });
        const { outcome } = resultOf("cost", sharing({ budgets: { global: used(1, spent) } }), plan);
        expect(outcome === "pass").toBe(spent + estimate <= max);
      }),
    );
  });
});

describe("storm (5 targets)", () => {
  const plan = limited({
    storms: [{ scope: "group:web", group: "web", trips: 5, windowMs: HOUR_MS, because: "50% of 10" }],
  });
  const open: Breaker = { id: "b", kind: "storm", scope: "group:web", reason: "5 targets", trippedAt: ago(HOUR_MS) };

  it.each([
    [4, "pass OK"],
    [5, "wait STORM"],
    [Number.NaN, "refuse FACTS_UNAVAILABLE"],
  ])("%d unhealthy: %s", (n, expected) => {
    expect(said("storm", sharing({ unhealthy: { "group:web": n } }), plan)).toBe(expected);
  });

  it("trips its breaker at the bound and not below", () => {
    const trips = (n: number) => resultOf("storm", sharing({ unhealthy: { "group:web": n } }), plan).trips;
    expect(trips(4)).toBeUndefined();
    expect(trips(5)).toEqual([{ kind: "storm", scope: "group:web" }]);
  });

  it("once tripped it holds when the storm is over, and does not trip again", () => {
    const result = resultOf("storm", sharing({ unhealthy: { "group:web": 0 }, breakers: [open] }), plan);
    expect(result).toMatchObject({ outcome: "wait", code: "STORM" });
    expect(result.trips).toBeUndefined();
    expect(result.until).toBeUndefined();
  });

  it("another group's breaker does not concern it", () => {
    const facts = sharing({ unhealthy: { "group:web": 0 }, breakers: [{ ...open, scope: "group:db" }] });
    expect(said("storm", facts, plan)).toBe("pass OK");
  });
});

describe("error budget (2 failures)", () => {
  const scope = "runbook:disk@web";
  const plan = limited({ errorBudget: { scope, max: 2, windowMs: HOUR_MS } });
  const open: Breaker = { id: "b", kind: "errorBudget", scope, reason: "2 failures", trippedAt: ago(HOUR_MS) };

  it.each([
    [1, [], "pass OK"],
    [2, [], "review ERROR_BUDGET"],
    [0, [open], "review ERROR_BUDGET"],
    [Number.NaN, [], "refuse FACTS_UNAVAILABLE"],
  ])("%d failures, open breakers %o: %s", (failures, breakers, expected) => {
    expect(said("error-budget", sharing({ failures, breakers }), plan)).toBe(expected);
  });

  it("an approval lets this one plan act, and the breaker trips all the same", () => {
    const result = resultOf("error-budget", sharing({ failures: 2 }, { approvedBy: ["anna"] }), plan);
    expect(result).toMatchObject({ outcome: "pass", trips: [{ kind: "errorBudget", scope }] });
  });
});

describe("security and rollout ask a person", () => {
  it("a matter of security is not covered by a standing approval", () => {
    const plan = limited({ security: "the runbook disk is tagged security" });
    expect(said("security", sharing({}), plan)).toBe("review SECURITY_APPROVAL");
    expect(said("security", sharing({}, { approvedBy: ["anna"] }), plan)).toBe("pass OK");
  });

  it.each([
    [10, 9.99, "pass OK"],
    [10, 10, "review ROLLOUT"],
    [0, 0, "review ROLLOUT"],
    [100, 99.99, "pass OK"],
    [10, Number.NaN, "refuse FACTS_UNAVAILABLE"],
  ])("rolled out to %d%%, the target lies at %d: %s", (percent, bucket, expected) => {
    expect(said("rollout", sharing({}), limited({ rollout: { percent, bucket } }))).toBe(expected);
  });

  it("widening never takes a target out, and 100 % reaches all", () => {
    const share = fc.integer({ min: 0, max: 100 });
    // As compile-shared.ts makes it: 0 to 99.99.
    const place = fc.integer({ min: 0, max: 9_999 }).map((one) => one / 100);
    fc.assert(
      fc.property(share, share, place, (one, other, bucket) => {
        const at = (percent: number): string => said("rollout", sharing({}), limited({ rollout: { percent, bucket } }));
        if (at(Math.min(one, other)) === "pass OK") expect(at(Math.max(one, other))).toBe("pass OK");
        expect([at(0), at(100)]).toEqual(["review ROLLOUT", "pass OK"]);
      }),
    );
  });

  it("a person may approve a target that is not rolled out to", () => {
    const plan = limited({ rollout: { percent: 0, bucket: 50 } });
    expect(said("rollout", sharing({}, { approvedBy: ["anna"] }), plan)).toBe("pass OK");
  });
});
