/** The queue of a backtest holds back whom the record's holds back: by the same functions, over the same leases. */
import { describe, expect, it } from "vitest";
import { countedFrom } from "../../src/backtest/history/counted.ts";
import { History } from "../../src/backtest/history/history.ts";
import { Waiting, type Waits } from "../../src/backtest/waiting.ts";
import type { Plan } from "../../src/contracts/plan.ts";
import { evaluateCounted } from "../../src/policy/verdict.ts";
import { NO_SHARED, planOf, PLAN_HASH, TARGET } from "../policy/support.ts";

const ALL_AUTO = { global: "auto", group: "auto", runbook: "auto" } as const;
const NOW = Date.parse("2026-11-21T12:00:00.000Z");

/** One on a host of its own, in a group that lets `max` in work. */
function planFor(id: string, max: number, change: Partial<Plan["limits"]> = {}): Plan {
  const caps = [{ scope: "group:web", max, because: "" }];
  const limits = { ...planOf().limits, rate: null, caps, shared: NO_SHARED, ...change };
  return planOf({ target: { ...TARGET, id }, limits }, ["low"]);
}

function queue() {
  const history = new History();
  const soon: (() => void)[] = [];
  const woken: string[] = [];
  const waiting = new Waiting<Waits>({
    history,
    now: () => NOW,
    soon: (run) => soon.push(run),
    onWake: ({ id }) => woken.push(id),
  });
  let number = 0;
  const one = (id: string): Waits => ({ id, number: ++number, queuedSince: null });
  const enter = (who: Waits, plan: Plan): void => {
    const counted = countedFrom({ history, id: who.id, plan, planHash: PLAN_HASH, now: NOW });
    const view = { counted, now: new Date(NOW).toISOString(), planHash: PLAN_HASH, modes: ALL_AUTO };
    waiting.enter(who, plan, counted, evaluateCounted(plan, view));
  };
  const run = (): void => soon.splice(0).forEach((wake) => wake());
  return { history, waiting, one, enter, run, woken };
}

describe("who comes later", () => {
  it.each([
    [1, true],
    [2, false],
  ])("with room for %i goes first only where the older one still finds its own", (max, mustWait) => {
    const { waiting, one, enter } = queue();
    const [older, later] = [one("older"), one("later")];
    enter(older, planFor("web-1", max));
    expect(waiting.mustWait(later, planFor("web-2", max))).toBe(mustWait);
    expect(waiting.mustWait(older, planFor("web-1", max))).toBe(false);
  });

  it("waits behind one that cannot go yet, in all scopes of that one", () => {
    const { history, waiting, one, enter } = queue();
    const holder = planFor("web-9", 5);
    history.admit(
      "holder",
      { ...holder, limits: { ...holder.limits, caps: [{ scope: "rack:r1", max: 1, because: "" }] } },
      NOW,
    );
    const older = planFor("web-1", 5);
    older.limits.caps.push({ scope: "rack:r1", max: 1, because: "" });
    enter(one("older"), older);
    expect(waiting.mustWait(one("later"), planFor("web-2", 5))).toBe(true);
  });

  it("waits behind one that waits for a window that both need, whatever room there is", () => {
    const { waiting, one, enter } = queue();
    const rate = { rate: { max: 5, windowMs: 1_000 } };
    enter(one("older"), planFor("web-1", 5, rate));
    expect(waiting.mustWait(one("later"), planFor("web-2", 5, rate))).toBe(true);
  });

  it("passes one that waits for a time of its own and keeps nothing", () => {
    const { history, waiting, one, enter } = queue();
    const cooling = planFor("web-1", 1, { cooldownMs: 3_600_000 });
    const before = { outcome: "healed" as const, leftOut: false };
    history.opened({ id: "before", target: "host web-1", runbook: cooling.runbook, group: "web", fingerprints: [] });
    history.admit("before", cooling, NOW - 1);
    history.acted("before");
    history.close("before", before, NOW - 1);
    enter(one("older"), cooling);
    expect(waiting.mustWait(one("later"), planFor("web-2", 1))).toBe(false);
  });
});

describe("who waits", () => {
  it("is woken in the order of the queue when something on its scopes ends, as far as there is room", () => {
    const { history, waiting, one, enter, run, woken } = queue();
    for (const id of ["a", "b"]) {
      history.opened({ id, target: `host ${id}`, runbook: "disk", group: "web", fingerprints: [] });
      history.admit(id, planFor(id, 2), NOW);
    }
    for (const id of ["first", "second"]) enter(one(id), planFor(id, 2));
    waiting.wake(["group:web"]);
    run();
    expect(woken).toEqual([]);
    history.close("a", { outcome: "healed", leftOut: false }, NOW);
    waiting.wake(["group:web", "group:web"]);
    run();
    // There is room for one, and the first has not gone yet.
    expect(woken).toEqual(["first"]);
  });
});
