/** The effect wrapper when what it stands on takes its time, and when another was there before. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { defineAction, happened, notHappened } from "../../src/activities/define.ts";
import type { ActivityDependencies } from "../../src/activities/dependencies.ts";
import { performEffect } from "../../src/activities/effects.ts";
import type { EffectRequest } from "../../src/contracts/activities.ts";
import { WRAPPER_MS } from "../../src/contracts/effect.ts";
import type { Observation } from "../../src/ports/action.ts";

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

/** What is read at the place, what the record knows of this effect, and whether selfheal itself has brought it there. */
interface There {
  seen?: Observation;
  row?: "intent" | "notHappened";
  own?: boolean;
  leftOut?: boolean;
}

async function switchOff({ seen = happened("it is off"), row, own = false, leftOut = false }: There) {
  let applied = 0;
  const off = defineAction<Record<string, never>>({
    ...{ name: "test.off", version: 1, summary: "", risk: "high" },
    ...{ input: z.strictObject({}), output: z.object({}) },
    ...{ applyTimeoutMs: 1_000, lifeMs: 0, defaultWithinMs: 1_000, refusedWhenThere: true },
    perform: {
      apply: () => Promise.resolve(void (applied += 1)),
      observe: () => Promise.resolve(applied > 0 ? happened("it is off") : seen),
    },
  });
  const target = { kind: "host", id: "web-1" };
  const now = "2026-11-21T02:12:00.000Z";
  let intents = 0;
  const deps = {
    record: {
      plan: () => Promise.resolve(null),
      effect: () => Promise.resolve(row === undefined ? null : { state: row, intentAt: now }),
      mayHaveDone: () => Promise.resolve(own),
      leftOut: () => Promise.resolve(leftOut ? [{ target }] : []),
      beginEffect: () => {
        intents += 1;
        return Promise.resolve({ ok: true, fresh: row === undefined, row: { intentAt: now } });
      },
      now: () => Promise.resolve(now),
      settleEffect: () => Promise.resolve(true),
      endWait: () => Promise.resolve(),
    },
    actions: { "test.off": off },
  } as unknown as ActivityDependencies;
  const request = {
    ...{ remediationId: "r1", rung: "one", step: "off", action: "test.off", actionVersion: 1 },
    ...{ target, direction: "apply", input: {}, attempt: 1, until: null },
  } as unknown as EffectRequest;
  const { state } = await performEffect(deps, request);
  return { state, applied, intents };
}

describe("an effect that stands already before selfheal has begun it", () => {
  it("is another's: nothing is intended, so that nothing is taken back", async () => {
    const nothing = { state: "refused", applied: 0, intents: 0 };
    expect(await switchOff({})).toEqual(nothing);
    expect(await switchOff({ row: "notHappened" }), "asked for again, after it certainly did not happen").toEqual(
      nothing,
    );
    const wait = { system: "bmc", ref: "web-1", seen: "changing" } as const;
    expect(await switchOff({ seen: { state: "pending", detail: "on its way off", wait } })).toEqual(nothing);
  });

  it("is not begun either while nobody can read it", async () => {
    const seen = { state: "unknown", detail: "the BMC does not answer" } as const;
    expect(await switchOff({ seen })).toEqual({ state: "notSent", applied: 0, intents: 0 });
  });

  it("is selfheal's own where its intent stands, another step did it, or an earlier remediation left it so", async () => {
    const again = { state: "happened", applied: 0, intents: 1 };
    expect(await switchOff({ row: "intent" })).toEqual(again);
    const begun = { state: "happened", applied: 1, intents: 1 };
    expect(await switchOff({ own: true })).toEqual(begun);
    expect(await switchOff({ leftOut: true })).toEqual(begun);
    expect(await switchOff({ seen: notHappened("it is on") })).toEqual(begun);
  });
});
