/**
 * The order of those who wait: no cap is exceeded, nobody passes whom he must wait behind, everybody gets his turn. Of
 * src/record/queue-order.ts, which a backtest and the record share; it needs no database, so it is tried here.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SEVERITIES } from "../../src/contracts/alert.ts";
import type { Plan } from "../../src/contracts/plan.ts";
import type { Target } from "../../src/contracts/target.ts";
import { behindWhom, rankOf, Walk, type HeldAs, type Queued } from "../../src/record/queue-order.ts";
import { cappedScopes, leasedScopes } from "../../src/record/scopes.ts";
import { NO_SHARED, planOf, TARGET } from "../policy/support.ts";

/** What is limited, for all runbooks alike, and to how many. */
const CAPS = [
  { scope: "group:web", max: 3 },
  { scope: "rack:r1", max: 1 },
  { scope: "rack:r2", max: 2 },
];
const SCOPES = CAPS.map(({ scope }) => scope);
const HOUR_MS = 3_600_000;

const caps = fc.subarray(CAPS, { minLength: 1 });
const queueOf = (limits: fc.Arbitrary<{ scope: string; max: number }[]>): fc.Arbitrary<Queued[]> =>
  fc
    .array(fc.record({ caps: limits, keeps: fc.boolean(), asleep: fc.boolean(), more: fc.subarray(SCOPES) }), {
      maxLength: 8,
    })
    .map((all) =>
      all.map(({ keeps, more, ...one }, index): Queued => {
        const capped = one.caps.map(({ scope }) => scope);
        const places = { leases: [...new Set([...capped, ...more])], holds: keeps ? capped : [] };
        return { ...one, ...places, remediationId: `r${index}`, target: `host web-${index}` };
      }),
    );
const queue = queueOf(caps);
/** By scope, the targets there. Some of them wait themselves. */
const held = fc.dictionary(
  fc.constantFrom(...SCOPES),
  fc.dictionary(
    fc.constantFrom("host web-0", "host web-1", "host db-1", "host db-2"),
    fc.constantFrom<HeldAs>("leftOut", "capped", "uncapped"),
  ),
);
type Holders = Record<string, Record<string, HeldAs>>;
/** A target in work is exclusive: of those who wait none can go that is. */
const withoutOwnWork = (on: Holders): Holders =>
  Object.fromEntries(
    Object.entries(on).map(([scope, targets]) => [
      scope,
      Object.fromEntries(Object.entries(targets).map(([id, as]) => [id, id.startsWith("host web-") ? "leftOut" : as])),
    ]),
  );
const upTo = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
const asMaps =
  (on: Holders) =>
  (scope: string): Map<string, HeldAs> =>
    new Map(Object.entries(on[scope] ?? {}));

describe("the queue, walked from its front", () => {
  it("exceeds no cap, and nobody passes one who could not go and keeps a scope of his", () => {
    fc.assert(
      fc.property(queue, held, (all, on) => {
        const walk = new Walk(asMaps(on));
        const there = new Map(SCOPES.map((scope) => [scope, asMaps(on)(scope)]));
        const kept = new Set<string>();
        for (const one of all) {
          const scopes = one.caps.map(({ scope }) => scope);
          const passes = walk.pass(one);
          if (!passes) for (const scope of one.holds) kept.add(scope);
          if (!passes) continue;
          expect(one.asleep || [...scopes, ...one.holds].some((scope) => kept.has(scope))).toBe(false);
          for (const scope of one.leases) there.get(scope)?.set(one.target, "capped");
          for (const { scope, max } of one.caps) expect(there.get(scope)?.size).toBeLessThanOrEqual(max);
        }
      }),
    );
  });

  it("whoever came an hour before goes first, however severe the other is; at one time the severer", () => {
    const severity = fc.constantFrom(...SEVERITIES);
    fc.assert(
      fc.property(fc.nat(), fc.nat(), severity, severity, (since, more, one, other) => {
        expect(rankOf(since, one)).toBeLessThanOrEqual(rankOf(since + HOUR_MS + more, other));
      }),
    );
    const ranks = (["critical", "warning", "info"] as const).map((one) => rankOf(0, one));
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
  });

  /** Of a host in no place that is limited but where it has a cap; `at`: in one with a rack and a group that are. */
  const planWith = (mine: typeof CAPS, at: Partial<Target>) => {
    const limits = { ...planOf().limits, rate: null, shared: NO_SHARED };
    const target = { ...TARGET, id: "me", ...at };
    return planOf({ target, limits: { ...limits, caps: mine.map((cap) => ({ ...cap, because: "" })) } }, ["low"]);
  };
  const leavesRoom = (plan: Plan, ahead: Queued[], on: Holders): void => {
    if (behindWhom({ remediationId: "me", plan }, ahead, asMaps(on)) !== null) return;
    const without = new Walk(asMaps(on));
    const capped = cappedScopes(plan).map(({ scope }) => scope);
    const first = new Walk((scope) => {
      const targets = asMaps(on)(scope);
      if (!leasedScopes(plan).includes(scope)) return targets;
      return targets.set("host me", capped.includes(scope) ? "capped" : "uncapped");
    });
    for (const one of ahead) expect([first.pass(one), one]).toEqual([without.pass(one), one]);
  };

  it("who need not wait leaves each of those before him the room that he had", () => {
    fc.assert(
      fc.property(queue, caps, held, (ahead, mine, on) => {
        leavesRoom(planWith(mine, { group: "other", rack: null }), ahead, on);
      }),
    );
  });

  it("so does who has no cap there, or a larger one than those who wait for capacity", () => {
    const mixed = fc
      .subarray(SCOPES)
      .chain((scopes) => fc.tuple(...scopes.map((scope) => fc.record({ scope: fc.constant(scope), max: upTo(3) }))));
    // Who keeps nothing waits for something of its own.
    const waiting = queueOf(mixed).map((all) =>
      all.map((one) => ({ ...one, asleep: one.asleep || one.holds.length === 0 })),
    );
    fc.assert(
      fc.property(waiting, mixed, held, (ahead, mine, on) => {
        leavesRoom(planWith(mine, {}), ahead, withoutOwnWork(on));
      }),
      { numRuns: 1_000 },
    );
  });
});
