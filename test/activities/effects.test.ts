/** The effect wrapper when what it stands on takes its time. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { defineAction, happened, notHappened } from "../../src/activities/define.ts";
import type { ActivityDependencies } from "../../src/activities/dependencies.ts";
import { performEffect } from "../../src/activities/effects.ts";
import type { EffectRequest } from "../../src/contracts/activities.ts";
import { WRAPPER_MS } from "../../src/contracts/effect.ts";

afterEach(() => vi.restoreAllMocks());

/** The process stands still for `stillMs` between the fence and the apply. */
function frozen(stillMs: number) {
  let passedMs = 0;
  vi.spyOn(performance, "now").mockImplementation(() => passedMs);
  let applied = 0;
  const nudge = defineAction<Record<string, never>>({
    ...{ name: "test.nudge", version: 1, summary: "", risk: "low" },
    ...{ input: z.strictObject({}), output: z.object({}) },
    ...{ applyTimeoutMs: 1_000, lifeMs: 0, defaultWithinMs: 1_000 },
    perform: {
      apply: () => Promise.resolve(void (applied += 1)),
      observe: () => Promise.resolve(applied > 0 ? happened("nudged") : notHappened("not yet")),
    },
  });
  const settled: string[] = [];
  const deps = {
    record: {
      plan: () => Promise.resolve(null),
      beginEffect: () => Promise.resolve({ ok: true, fresh: true, row: { intentAt: "2026-11-21T02:12:00.000Z" } }),
      now: () => {
        passedMs += stillMs;
        return Promise.resolve("2026-11-21T02:12:00.000Z");
      },
      settleEffect: (_key: string, state: string) => Promise.resolve(settled.push(state) > 0),
      endWait: () => Promise.resolve(),
    },
    actions: { "test.nudge": nudge },
  } as unknown as ActivityDependencies;
  const request = {
    ...{ remediationId: "r1", rung: "one", step: "nudge", action: "test.nudge", actionVersion: 1 },
    ...{ target: { kind: "host", id: "web-1" }, direction: "apply", input: {}, attempt: 1, until: null },
  } as unknown as EffectRequest;
  return { run: () => performEffect(deps, request), applied: () => applied, settled };
}

describe("an effect whose worker stood still before it was sent", () => {
  it("is not sent once its workflow may have given it up: that may have sent it anew, or taken it back", async () => {
    const late = frozen(WRAPPER_MS + 1);
    expect(await late.run()).toMatchObject({ state: "notSent" });
    expect(late.applied()).toBe(0);
    // What became of it since stands in the record.
    expect(late.settled).toEqual([]);
  });

  it("is sent while its time lasts", async () => {
    const slow = frozen(WRAPPER_MS);
    expect(await slow.run()).toMatchObject({ state: "happened" });
    expect(slow.applied()).toBe(1);
  });
});
