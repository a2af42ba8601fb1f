/**
 * The order of those who wait: no cap is exceeded, nobody passes whom he must wait behind, everybody gets his turn. Of
 * src/record/queue-order.ts, which a backtest and the record share; it needs no database, so it is tried here.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SEVERITIES } from "../../src/contracts/alert.ts";
import { behindWhom, rankOf, Walk, type Queued } from "../../src/record/queue-order.ts";
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
const queue = fc.array(fc.record({ caps, keeps: fc.boolean(), asleep: fc.boolean() }), { maxLength: 8 }).map((all) =>
  all.map(({ keeps, ...one }, index): Queued => {
    const holds = keeps ? one.caps.map(({ scope }) => scope) : [];
    return { ...one, remediationId: `r${index}`, target: `host web-${index}`, holds };
  }),
);
/** By scope, the targets there; true: only left out of service. Some of them wait themselves. */
const held = fc.dictionary(
  fc.constantFrom(...SCOPES),
  fc.dictionary(fc.constantFrom("host web-0", "host web-1", "host db-1"), fc.boolean()),
);
const asMaps =
  (on: Record<string, Record<string, boolean>>) =>
  (scope: string): Map<string, boolean> =>
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
          for (const { scope, max } of one.caps) {
            const targets = there.get(scope)?.set(one.target, false);
            expect(targets?.size).toBeLessThanOrEqual(max);
          }
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

  it("who need not wait leaves each of those before him the room that he had", () => {
    fc.assert(
      fc.property(queue, caps, held, (ahead, mine, on) => {
        const limits = {
          ...planOf().limits,
          rate: null,
          shared: NO_SHARED,
          caps: mine.map((cap) => ({ ...cap, because: "" })),
        };
        const plan = planOf({ target: { ...TARGET, id: "me" }, limits }, ["low"]);
        if (behindWhom({ remediationId: "me", plan }, ahead, asMaps(on)) !== null) return;
        const without = new Walk(asMaps(on));
        const first = new Walk((scope) => {
          const targets = asMaps(on)(scope);
          return mine.some((cap) => cap.scope === scope) ? targets.set("host me", false) : targets;
        });
        for (const one of ahead) expect([first.pass(one), one]).toEqual([without.pass(one), one]);
      }),
    );
  });
});
