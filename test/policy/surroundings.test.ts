import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DecisionFacts } from "../../src/contracts/facts.ts";
import type { Plan, Risk } from "../../src/contracts/plan.ts";
import type {
  CalendarWindow,
  OpenWindow,
  OutsideReading,
  SurroundingFacts,
  SurroundingLimits,
} from "../../src/contracts/surroundings.ts";
import type { GuardrailResult } from "../../src/contracts/verdict.ts";
import { levelOf } from "../../src/policy/guardrails/slo.ts";
import { decide } from "../../src/policy/verdict.ts";
import { ago, ALL_SURROUNDINGS, around, counted, HOUR_MS, NOW, planOf, SHOP_SLO, surrounded } from "./support.ts";

function resultOf(guardrail: string, plan: Plan, facts: DecisionFacts): GuardrailResult {
  const result = decide(plan, facts).results.find((one) => one.guardrail === guardrail);
  if (result === undefined) throw new Error(`no guardrail ${guardrail}`);
  return result;
}

/** What one guardrail said, as `outcome CODE`, with the end where there is one. */
function said(
  guardrail: string,
  limits: Partial<SurroundingLimits>,
  facts: Partial<SurroundingFacts>,
  rest: { now?: string; approvedBy?: string[]; risks?: Risk[] } = {},
): string {
  const { now = NOW, approvedBy = [], risks } = rest;
  const seen = { ...counted({ surroundings: around(facts), approvedBy }), now };
  const { outcome, code, until } = resultOf(guardrail, surrounded(limits, risks), seen);
  return `${outcome} ${code}${until === undefined ? "" : ` ${until}`}`;
}

const LATER = ago(-HOUR_MS);

describe("what goes on around a target", () => {
  const READERS = ["window", "silence", "dependency", "correlation", "slo", "ownership"];

  it.each(READERS)("%s refuses when it could not be read", (guardrail) => {
    const { outcome, code } = resultOf(guardrail, surrounded(ALL_SURROUNDINGS), counted({ surroundings: null }));
    expect(`${outcome} ${code}`).toBe("refuse FACTS_UNAVAILABLE");
  });

  it.each(READERS)("%s refuses when the time cannot be read", (guardrail) => {
    expect(said(guardrail, ALL_SURROUNDINGS, {}, { now: "?" })).toBe("refuse FACTS_UNAVAILABLE");
  });

  it.each(READERS)("%s passes where the plan has no limit by it", (guardrail) => {
    expect(said(guardrail, {}, {})).toBe("pass OK");
    const { outcome } = resultOf(guardrail, planOf(), counted({ surroundings: null }));
    expect(outcome).toBe("pass");
  });
});

describe("windows", () => {
  const calendar = (kind: CalendarWindow["kind"], from: string, until: string): CalendarWindow => ({
    name: "w",
    kind,
    scope: "group:web",
    when: { once: { from, until } },
  });
  const opened = (kind: OpenWindow["kind"], from: string, until: string): OpenWindow => ({
    ...{ id: "w1", kind, scope: "rack:r1", reason: "power work", by: "ann" },
    ...{ from, until },
  });

  it.each([
    ["none", [], [], "pass OK"],
    ["of selfheal.yaml", [calendar("maintenance", ago(1), LATER)], [], `wait MAINTENANCE_WINDOW ${LATER}`],
    ["a deployment", [calendar("deploy", ago(1), LATER)], [], `wait DEPLOY_WINDOW ${LATER}`],
    ["opened by hand", [], [opened("deploy", ago(1), LATER)], `wait DEPLOY_WINDOW ${LATER}`],
    ["one that begins now", [], [opened("deploy", NOW, LATER)], `wait DEPLOY_WINDOW ${LATER}`],
    ["one that ends now", [], [opened("deploy", ago(1), NOW)], "pass OK"],
    ["one to come", [], [opened("deploy", ago(-1), LATER)], "pass OK"],
    [
      "of two the last end counts",
      [calendar("maintenance", ago(1), ago(-2 * HOUR_MS))],
      [opened("deploy", ago(1), LATER)],
      `wait MAINTENANCE_WINDOW ${ago(-2 * HOUR_MS)}`,
    ],
    ["one that cannot be read", [calendar("maintenance", "?", LATER)], [], "refuse FACTS_UNAVAILABLE"],
  ])("%s", (_what, windows, byHand, expected) => {
    expect(said("window", { windows }, { windows: byHand })).toBe(expected);
  });

  it("says what ends the wait, so that closing it wakes who waits", () => {
    const facts = counted({ surroundings: around({ windows: [opened("deploy", ago(1), LATER)] }) });
    expect(resultOf("window", surrounded({}), facts).waitsFor).toEqual(["window:w1"]);
  });

  it("one on something that it depends on, or that depends on it, is waited for too", () => {
    const dependencyWindows = [opened("deploy", ago(1), LATER)];
    expect(said("dependency", {}, { dependencyWindows })).toBe(`wait DEPENDENCY ${LATER}`);
    expect(said("window", {}, { dependencyWindows })).toBe("pass OK");
    const ofFile = [calendar("maintenance", ago(1), LATER)];
    expect(said("dependency", { dependencyWindows: ofFile }, {})).toBe(`wait DEPENDENCY ${LATER}`);
  });
});

describe("dependencies in work", () => {
  it.each([
    ["nothing", [], "pass OK"],
    ["what it depends on", [{ scope: "target:host:db-1", targets: ["host/db-1"], held: 1 }], "wait DEPENDENCY"],
    ["what depends on it", [{ scope: "needs:service:shop", targets: ["host/app-1"], held: 2 }], "wait DEPENDENCY"],
  ])("%s", (_what, busy, expected) => {
    expect(said("dependency", { dependsOn: ["target:host:db-1"] }, { busy })).toBe(expected);
  });
});

describe("silences of people", () => {
  const limits = { silencesMaxAgeMs: HOUR_MS };
  const silence = (endsAt: string) => ({ id: "s1", by: "eve", comment: "new fan", endsAt });
  const read = (value: SurroundingFacts["silences"]) => said("silence", limits, { silences: value });

  it.each([
    ["nobody asked", null, "refuse FACTS_UNAVAILABLE"],
    ["no answer", { at: NOW, value: null, detail: "no answer" }, "refuse FACTS_UNAVAILABLE"],
    ["none", { at: NOW, value: [], detail: "" }, "pass OK"],
    ["as old as allowed", { at: ago(HOUR_MS), value: [], detail: "" }, "pass OK"],
    ["too old", { at: ago(HOUR_MS + 1), value: [], detail: "" }, "refuse FACTS_UNAVAILABLE"],
    ["a reader whose clock is ahead", { at: LATER, value: [], detail: "" }, "pass OK"],
    ["a time that cannot be read", { at: "?", value: [], detail: "" }, "refuse FACTS_UNAVAILABLE"],
    ["one", { at: NOW, value: [silence(LATER)], detail: "" }, `wait SILENCED ${LATER}`],
    [
      "two: the last end",
      { at: NOW, value: [silence(LATER), silence(ago(-2 * HOUR_MS))], detail: "" },
      `wait SILENCED ${ago(-2 * HOUR_MS)}`,
    ],
    ["over since it was read", { at: ago(1), value: [silence(NOW)], detail: "" }, "pass OK"],
    ["an end that cannot be read", { at: NOW, value: [silence("?")], detail: "" }, "refuse FACTS_UNAVAILABLE"],
  ])("%s", (_what, reading, expected) => {
    expect(read(reading)).toBe(expected);
  });
});

describe("ownership", () => {
  const hold = (until: string | null) => ({ id: "h1", holder: "awx", reason: "job 815", since: ago(1), until });
  it.each([
    ["nobody", null, [], "pass OK"],
    ["by the inventory", "capi", [], "refuse HELD_ELSEWHERE"],
    ["until it is released", null, [hold(null)], "wait HELD_ELSEWHERE"],
    ["until a time", null, [hold(LATER)], `wait HELD_ELSEWHERE ${LATER}`],
    ["until now", null, [hold(NOW)], "pass OK"],
    ["one of two without an end", null, [hold(LATER), hold(null)], "wait HELD_ELSEWHERE"],
    ["an end that cannot be read is none", null, [hold("?")], "wait HELD_ELSEWHERE"],
  ])("%s", (_what, heldBy, holds, expected) => {
    expect(said("ownership", { heldBy }, { holds })).toBe(expected);
  });

  const lease = (until: string | null) => ({ id: "host/web-1 capi", holder: "capi", reason: "rollout", until });
  const read = (...value: ReturnType<typeof lease>[]) => ({ at: ago(1), value, detail: "" });
  it.each([
    ["no lease", read(), "pass OK"],
    ["a lease for as long as it is there", read(lease(null)), "wait HELD_ELSEWHERE"],
    ["a lease until a time", read(lease(LATER)), `wait HELD_ELSEWHERE ${LATER}`],
    ["a lease that is over", read(lease(NOW)), "pass OK"],
    ["never read", null, "refuse FACTS_UNAVAILABLE"],
    ["not readable", { at: ago(1), value: null, detail: "leases.jsonl:3 is not JSON" }, "refuse FACTS_UNAVAILABLE"],
    ["read too long ago", { ...read(), at: ago(HOUR_MS + 1) }, "refuse FACTS_UNAVAILABLE"],
  ])("by the lease file: %s", (_what, leases, expected) => {
    expect(said("ownership", { leasesMaxAgeMs: HOUR_MS }, { leases })).toBe(expected);
  });

  it("names both, ends with the last of them, and is woken by the hold alone", () => {
    const facts = counted({ surroundings: around({ holds: [hold(LATER)], leases: read(lease(ago(-1))) }) });
    const { detail, until, waitsFor } = resultOf("ownership", surrounded({ leasesMaxAgeMs: HOUR_MS }), facts);
    expect(detail).toBe("awx holds web-1: job 815; capi holds web-1: rollout");
    expect({ until, waitsFor }).toEqual({ until: LATER, waitsFor: ["hold:h1"] });
  });

  it("a lease that was read too long ago is read again before it refuses", () => {
    const facts = counted({ surroundings: around({ leases: { ...read(), at: ago(2 * HOUR_MS) } }) });
    expect(resultOf("ownership", surrounded({ leasesMaxAgeMs: HOUR_MS }), facts).stale).toBe(true);
  });
});

describe("correlation (3 under the rack, hold-down 1 min)", () => {
  const parents = (remedy: string | null = null) => ({
    correlation: {
      parents: [{ scope: "rack:r1", trips: 3, windowMs: HOUR_MS, because: "30% of 10", remedy }],
      holdDownMs: 60_000,
    },
  });
  const latch = { id: "b1", kind: "correlation", scope: "rack:r1", reason: "4 targets", trippedAt: NOW } as const;
  const old = ago(HOUR_MS);

  it.each([
    ["alone", { "rack:r1": 1 }, [], old, "pass OK"],
    ["one less than it takes", { "rack:r1": 2 }, [], old, "pass OK"],
    ["as many as it takes", { "rack:r1": 3 }, [], old, "wait CORRELATED"],
    ["an open latch, whatever is counted now", { "rack:r1": 0 }, [latch], old, "wait CORRELATED"],
    ["a count that is missing", {}, [], old, "refuse FACTS_UNAVAILABLE"],
    ["inside the hold-down", { "rack:r1": 1 }, [], ago(59_999), `wait CORRELATED ${ago(-1)}`],
    ["at its end", { "rack:r1": 1 }, [], ago(60_000), "pass OK"],
    [
      "an alert from the future waits for its hold-down",
      { "rack:r1": 1 },
      [],
      ago(-1),
      `wait CORRELATED ${ago(-60_001)}`,
    ],
    ["no alert", { "rack:r1": 1 }, [], null, "pass OK"],
    ["a time that cannot be read", { "rack:r1": 1 }, [], "?", "refuse FACTS_UNAVAILABLE"],
  ])("%s", (_what, correlated, latches, alertedAt, expected) => {
    expect(said("correlation", parents(), { correlated, latches, alertedAt })).toBe(expected);
  });

  it("trips the latch of the parent, with the runbook that heals it, exactly where it goes over the bound", () => {
    fc.assert(
      fc.property(fc.nat(6), fc.boolean(), (unhealthy, isOpen) => {
        const latches = isOpen ? [latch] : [];
        const facts = counted({
          surroundings: around({ correlated: { "rack:r1": unhealthy }, latches, alertedAt: old }),
        });
        const { trips, waitsFor, outcome } = resultOf("correlation", surrounded(parents("power")), facts);
        const over = unhealthy >= 3 && !isOpen;
        expect(trips).toEqual(over ? [{ kind: "correlation", scope: "rack:r1", remedy: "power" }] : undefined);
        expect(waitsFor).toEqual(over || isOpen ? ["latch:rack:r1"] : undefined);
        expect(outcome).toBe(over || isOpen ? "wait" : "pass");
      }),
    );
  });
});

describe("error budgets", () => {
  const read = (
    window: number,
    recent: number,
    at = NOW,
  ): Record<string, OutsideReading<{ window: number; recent: number }>> => ({
    shop: { at, value: { window, recent }, detail: "" },
  });
  const SAFE: Risk[] = ["low"];
  const RISKY: Risk[] = ["irreversible"];

  it.each([
    ["all left: as configured", read(0, 0), RISKY, "pass OK"],
    ["just enough left", read(0.005, 0.01), RISKY, "pass OK"],
    ["less left: normal, and risky", read(0.006, 0), RISKY, "review SLO_BUDGET"],
    ["less left: normal, and harmless", read(0.006, 0), SAFE, "pass OK"],
    ["burns faster than it may: normal", read(0, 0.02), RISKY, "review SLO_BUDGET"],
    ["nearly gone: conservative", read(0.0095, 0), SAFE, "review SLO_BUDGET"],
    ["more than gone", read(0.5, 0), SAFE, "review SLO_BUDGET"],
    ["burns so fast that it is conservative", read(0, 0.07), SAFE, "review SLO_BUDGET"],
    ["100 % bad", read(1, 1), SAFE, "review SLO_BUDGET"],
    ["a share below 0", read(-0.1, 0), SAFE, "refuse FACTS_UNAVAILABLE"],
    ["a share above 1", read(0, 1.1), SAFE, "refuse FACTS_UNAVAILABLE"],
    ["NaN", read(Number.NaN, 0), SAFE, "refuse FACTS_UNAVAILABLE"],
    ["nobody asked", {}, SAFE, "refuse FACTS_UNAVAILABLE"],
    ["no answer", { shop: { at: NOW, value: null, detail: "no series" } }, SAFE, "refuse FACTS_UNAVAILABLE"],
    ["too old", read(0, 0, ago(HOUR_MS + 1)), SAFE, "refuse FACTS_UNAVAILABLE"],
  ])("%s", (_what, slos, risks, expected) => {
    expect(said("slo", { slos: [SHOP_SLO] }, { slos }, { risks })).toBe(expected);
  });

  it("an approval of this very plan is a person's decision; a standing approval is not", () => {
    const conservative = { slos: read(1, 1) };
    expect(said("slo", { slos: [SHOP_SLO] }, conservative, { approvedBy: ["ann"] })).toBe("pass OK");
    // countedOf has a standing approval.
    expect(said("slo", { slos: [SHOP_SLO] }, conservative)).toBe("review SLO_BUDGET");
  });

  it("the most careful of several objectives counts", () => {
    const slos = { ...read(0, 0), other: { at: NOW, value: { window: 1, recent: 1 }, detail: "" } };
    expect(said("slo", { slos: [SHOP_SLO, { ...SHOP_SLO, name: "other" }] }, { slos }, { risks: SAFE })).toBe(
      "review SLO_BUDGET",
    );
  });

  it("is never less careful with less budget left or a faster burn", () => {
    const LEVELS = ["aggressive", "normal", "conservative"];
    const share = fc.double({ min: -2, max: 1, noNaN: true });
    const rate = fc.double({ min: 0, max: 20, noNaN: true });
    fc.assert(
      fc.property(share, rate, share, rate, (left, burn, less, more) => {
        const level = LEVELS.indexOf(levelOf(SHOP_SLO, left, burn));
        const worse = LEVELS.indexOf(levelOf(SHOP_SLO, Math.min(left, less), Math.max(burn, more)));
        expect(worse).toBeGreaterThanOrEqual(level);
      }),
    );
  });
});
