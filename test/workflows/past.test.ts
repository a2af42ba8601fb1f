/** What a gone run had started, put together from any rows that it can have left. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PastEffect } from "../../src/contracts/activities.ts";
import type { EffectState } from "../../src/contracts/effect.ts";
import type { Plan, PlanStep, Risk } from "../../src/contracts/plan.ts";
import { Desk } from "../../src/workflows/desk.ts";
import { Episode, freshView } from "../../src/workflows/episode.ts";
import { Inbox } from "../../src/workflows/inbox.ts";
import { sentUntil, type EffectEnd } from "../../src/workflows/interpreter/effect.ts";
import * as pasts from "../../src/workflows/interpreter/past.ts";
import { aPlan } from "../record/builders.ts";

const NOW_MS = Date.parse("2026-11-21T10:00:00.000Z");
const STATES: EffectState[] = ["intent", "happened", "pending", "notHappened", "failed", "unknown"];
const ENDS: Exclude<EffectEnd["state"], "skipped">[] = [
  "happened",
  "refused",
  "failed",
  "stopped",
  "unknown",
  "deadline",
];
const target = { kind: "host", id: "web-1" };

function aStep(id: string, risk: Risk, changes: Partial<PlanStep> = {}): PlanStep {
  const finish = { healthy: false, otherwise: false, ramped: false };
  const times = { applyTimeoutMs: 30_000, lifeMs: 60_000, withinMs: 60_000 };
  const rest = { uses: `test.${id}`, actionVersion: 1, with: {}, onFail: "escalate", pointOfNoReturn: false } as const;
  return { id, risk, undoable: risk === "low", finish, ...times, ...rest, ...changes };
}

function planOf(rungs: PlanStep[][]): Plan {
  const verify = { holdMs: 0, withinMs: 0, also: [] };
  return { ...aPlan(), rungs: rungs.map((steps, index) => ({ name: `r${index}`, steps, verify })) };
}

function aRow(rung: string, step: string, changes: Partial<PastEffect> = {}): PastEffect {
  const at = new Date(NOW_MS - 60_000).toISOString();
  const row = { rung, step, action: `test.${step}`, direction: "apply", state: "happened", input: {} } as const;
  return { ...row, result: { of: step }, detail: "", intentAt: at, sentAt: at, ...changes };
}

function anEpisode(plan: Plan): Episode {
  const episode = new Episode({ remediationId: "r", joinKey: "r" }, target, new Inbox(), new Desk(), freshView(target));
  return Object.assign(episode, { plan, planHash: "h" });
}

interface Case {
  plan: Plan;
  effects: PastEffect[];
  /** What reading back says of each row that the record is not certain of, by rung and step. */
  seen: Map<string, EffectEnd>;
}

/** Any prefix of a plan's effects, each in any state of any age, some of them taken back. */
const aCase: fc.Arbitrary<Case> = fc
  .record({
    risks: fc.array(fc.array(fc.constantFrom<Risk>("low", "high", "irreversible"), { minLength: 1, maxLength: 4 }), {
      minLength: 1,
      maxLength: 3,
    }),
    begun: fc.nat(12),
    rows: fc.array(
      fc.record({
        state: fc.constantFrom(...STATES),
        ageMs: fc.integer({ min: 0, max: 400_000 }),
        end: fc.constantFrom(...ENDS),
        undone: fc.boolean(),
      }),
      { minLength: 12, maxLength: 12 },
    ),
  })
  .map(({ risks, begun, rows }) => {
    const plan = planOf(risks.map((some, rung) => some.map((risk, index) => aStep(`s${rung}${index}`, risk))));
    const steps = plan.rungs.flatMap(({ name, steps: some }) => some.map((step) => ({ rung: name, step })));
    const seen = new Map<string, EffectEnd>();
    const effects = steps.slice(0, begun).flatMap(({ rung, step }, index) => {
      const row = rows[index] ?? { state: "happened" as const, ageMs: 0, end: "happened" as const, undone: false };
      const sentAt = new Date(NOW_MS - row.ageMs).toISOString();
      const end: EffectEnd =
        row.end === "happened"
          ? { state: "happened", result: { seen: true }, detail: "" }
          : { state: row.end, detail: "" };
      seen.set(`${rung}/${step.id}`, end);
      const apply = aRow(rung, step.id, { state: row.state, sentAt });
      return row.undone && step.undoable ? [apply, aRow(rung, step.id, { direction: "undo" })] : [apply];
    });
    return { plan, effects, seen };
  });

interface Settled {
  started: pasts.Started;
  fate: pasts.Fate;
  undone: boolean;
}

function settle({ plan, effects, seen }: Case): { episode: Episode; all: Settled[] } {
  const episode = anEpisode(plan);
  const all = pasts.pastSteps(plan, effects).flatMap((one): Settled[] => {
    if (one.kind === "passage") return [];
    const { started } = one;
    const end = seen.get(`${started.rung}/${started.step.id}`);
    if (end === undefined) throw new Error("a row without an answer");
    const fate = pasts.knownFate(started.apply, started.step, NOW_MS) ?? pasts.fateOf(end);
    const undone = started.undo?.state === "happened";
    pasts.count(episode, started, fate, undone);
    return [{ started, fate, undone }];
  });
  return { episode, all };
}

describe("any rows that a gone run can have left", () => {
  it("leave each effect that may have happened to be dealt with, and what nobody knows to a person", () => {
    fc.assert(
      fc.property(aCase, (one) => {
        const { episode, all } = settle(one);
        const waiting = all.filter(({ fate, undone }) => fate.state !== "nothing" && !undone);
        const nameOf = ({ rung, step }: { rung: string; step: PlanStep }): string => `${rung}/${step.id}`;
        // In the order of the plan, so that the way back is last in, first out.
        expect(episode.performed.map(nameOf)).toEqual(waiting.map(({ started }) => nameOf(started)));
        const unclear = waiting.filter(({ fate }) => fate.state === "unknown" || fate.state === "late");
        expect(episode.problems).toHaveLength(unclear.length);
        expect(episode.acted()).toBe(all.some(({ fate, undone }) => fate.state !== "nothing" || undone));
      }),
    );
  });

  it("never allow an undo when something irreversible may have happened", () => {
    fc.assert(
      fc.property(aCase, (one) => {
        const { episode, all } = settle(one);
        const passed = all.some(
          ({ started, fate }) => started.step.risk === "irreversible" && fate.state !== "nothing",
        );
        expect(episode.pointOfNoReturn()).toBe(passed);
      }),
    );
  });

  it("are certain of `did not happen` only when no request can be sent and take effect any more", () => {
    fc.assert(
      fc.property(fc.constantFrom(...STATES), fc.integer({ min: 0, max: 400_000 }), (state, ageMs) => {
        const step = aStep("a", "low");
        const row = aRow("r0", "a", { state, sentAt: new Date(NOW_MS - ageMs).toISOString() });
        const fate = pasts.knownFate(row, step, NOW_MS);
        const over = NOW_MS >= sentUntil(step, NOW_MS - ageMs) + step.lifeMs;
        const certain = state === "happened" || state === "failed" || (state === "notHappened" && over);
        expect(fate !== null).toBe(certain);
        if (fate?.state === "nothing") expect(state).toBe("notHappened");
      }),
    );
  });
});

describe("a step that only waits for others", () => {
  const wait = aStep("wait", "read", { pointOfNoReturn: true, with: { ticket: "${{ steps.dc.ticketId }}" } });
  const plan = planOf([[aStep("dc", "low"), wait]]);
  const reach = (dc: pasts.Fate | null): ReturnType<typeof pasts.passageInput> => {
    const episode = anEpisode(plan);
    const [first] = pasts.pastSteps(plan, [aRow("r0", "dc")]);
    if (dc !== null && first?.kind === "effect") pasts.count(episode, first.started, dc, false);
    return pasts.passageInput(episode, plan, "r0", wait);
  };

  it("may have been reached once every effect before it has happened", () => {
    expect(reach({ state: "happened", result: { ticketId: "7" } })).toEqual({ reached: true, input: { ticket: "7" } });
    expect(reach(null)).toEqual({ reached: false });
    expect(reach({ state: "partly", detail: "" })).toEqual({ reached: false });
  });

  it("whose input cannot be put together any more counts as reached and unread", () => {
    expect(reach({ state: "happened", result: {} })).toEqual({ reached: true, input: null });
  });
});

describe("the way back into service", () => {
  const at = (seconds: number): string => new Date(NOW_MS + seconds * 1_000).toISOString();
  const row = (direction: PastEffect["direction"], seconds: number): PastEffect =>
    aRow("r0", "a", { direction, intentAt: at(seconds) });

  it("was begun when a finish of a healthy target was sent, and nothing turned back since", () => {
    expect(pasts.wasPuttingBack([])).toBe(false);
    expect(pasts.wasPuttingBack([row("apply", 0), row("undo", 1)])).toBe(false);
    expect(pasts.wasPuttingBack([row("undo", 1), row("finishHealthy", 2)])).toBe(true);
    expect(pasts.wasPuttingBack([row("finishHealthy", 2), row("finishOtherwise", 3)])).toBe(false);
    expect(pasts.wasPuttingBack([row("finishHealthy", 2), row("undo", 3)])).toBe(false);
  });
});

describe("rows that the plan has no step for", () => {
  it("are told, unless nothing came of them; a level of a ramp is its step's", () => {
    const plan = planOf([[aStep("a", "low")]]);
    const rows = [aRow("r0", "a@50"), aRow("r0", "b"), aRow("r1", "a", { state: "notHappened" })];
    expect(pasts.strangers(plan, rows).map((row) => row.step)).toEqual(["b"]);
    expect(pasts.stepOf(plan, aRow("r0", "a@50"))).toMatchObject({ suffix: "50" });
  });
});
