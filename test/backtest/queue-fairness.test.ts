/**
 * Nobody waits for ever (ADR 0043): work without a cap on a place keeps coming there, and still each waiter goes after a
 * bounded number of steps, no cap is exceeded, and who is told to go finds its room. Of src/record/queue-order.ts.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Plan } from "../../src/contracts/plan.ts";
import { behindWhom, Walk, type Held, type HeldAs, type Queued } from "../../src/record/queue-order.ts";
import { cappedScopes, leasedScopes, queuedScopes } from "../../src/record/scopes.ts";
import { NO_SHARED, planOf, TARGET } from "../policy/support.ts";

const RACK = "rack:r1";
const GROUP = "group:web";

interface Kind {
  group: "web" | "db";
  rack: "r1" | "r2";
  /** Caps of its own; null: none there. */
  inGroup: number | null;
  onRack: number | null;
  /** Steps for which it is in work. */
  lasts: number;
}

interface Comer {
  id: string;
  plan: Plan;
  lasts: number;
}

function comer(id: string, { group, rack, inGroup, onRack, lasts }: Kind): Comer {
  const caps = [
    ...(inGroup === null ? [] : [{ scope: `group:${group}`, max: inGroup, because: "" }]),
    ...(onRack === null ? [] : [{ scope: `rack:${rack}`, max: onRack, because: "" }]),
  ];
  const limits = { ...planOf().limits, rate: null, shared: NO_SHARED, caps };
  return { id, lasts, plan: planOf({ target: { ...TARGET, id, group, rack }, limits }, ["low"]) };
}

function queued({ id, plan }: Comer, asleep = false): Queued {
  const target = `host ${id}`;
  return {
    remediationId: id,
    target,
    caps: cappedScopes(plan),
    leases: leasedScopes(plan),
    holds: queuedScopes(plan),
    asleep,
  };
}

/** Those in work, as the record counts them, and those in the queue, first come first. */
class Admissions {
  readonly queue: Comer[] = [];
  private readonly inWork = new Map<string, Comer & { left: number }>();

  /** Answers whether it goes; else it is in the queue. */
  ask(one: Comer): boolean {
    const at = this.queue.findIndex(({ id }) => id === one.id);
    const ahead = at < 0 ? this.queue : this.queue.slice(0, at);
    const isFull = cappedScopes(one.plan).some(({ scope, max }) => this.held(scope).size >= max);
    if (
      isFull ||
      behindWhom(
        { remediationId: one.id, plan: one.plan },
        ahead.map((other) => queued(other)),
        this.held,
      )
    ) {
      if (at < 0) this.queue.push(one);
      return false;
    }
    if (at >= 0) this.queue.splice(at, 1);
    this.inWork.set(one.id, { ...one, left: one.lasts });
    for (const { scope, max } of cappedScopes(one.plan)) expect(this.held(scope).size).toBeLessThanOrEqual(max);
    return true;
  }

  /** Who would be told now. */
  told(): Comer[] {
    const walk = new Walk(this.held);
    return this.queue.filter((one) => walk.pass(queued(one)));
  }

  step(): void {
    for (const [id, one] of this.inWork) if (--one.left === 0) this.inWork.delete(id);
  }

  readonly held: Held = (scope) => {
    const on = new Map<string, HeldAs>();
    for (const { id, plan } of this.inWork.values()) {
      const isCapped = cappedScopes(plan).some((cap) => cap.scope === scope);
      if (leasedScopes(plan).includes(scope)) on.set(`host ${id}`, isCapped ? "capped" : "uncapped");
    }
    return on;
  };
}

const LONGEST = 4;
const cap = fc.option(fc.integer({ min: 1, max: 3 }));
const kind = fc.record<Kind>({
  group: fc.constantFrom("web", "db"),
  rack: fc.constantFrom("r1", "r2"),
  inGroup: cap,
  onRack: cap,
  lasts: fc.integer({ min: 1, max: LONGEST }),
});
const uncapped = kind.map((one): Kind => ({ ...one, inGroup: null, onRack: null }));

describe("a stream that never ends", () => {
  it("lets everybody go in steps bounded by those before it, and sends back whom it told no more often than there are those", () => {
    fc.assert(
      fc.property(
        fc.array(kind, { minLength: 1, maxLength: 8 }),
        fc.array(fc.array(uncapped, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 5 }),
        fc.infiniteStream(fc.nat()),
        (first, stream, dice) => {
          const all = new Admissions();
          const waiting = new Map<string, { until: number; before: number; sentBack: number }>();
          const comes = (id: string, one: Kind, step: number): void => {
            const before = all.queue.length;
            // Each before it, and itself, waits for what has a cap there, then for what has none, and for a hint.
            const until = step + (before + 1) * (2 * LONGEST + 1);
            if (!all.ask(comer(id, one))) waiting.set(id, { until, before, sentBack: 0 });
          };
          const goes = (one: Comer): void => {
            const it = waiting.get(one.id);
            if (all.ask(one)) waiting.delete(one.id);
            else if (it !== undefined) expect(++it.sentBack).toBeLessThanOrEqual(it.before);
          };
          for (const [at, one] of first.entries()) comes(`first-${at}`, one, 0);
          const steps = Math.max(1, ...[...waiting.values()].map(({ until }) => until + 1));
          for (let step = 1; step <= steps; step++) {
            all.step();
            // In any order, those who come now in between.
            const told = all.told();
            for (const [at, one] of (stream[step % stream.length] ?? []).entries()) {
              for (const other of told.splice(0, dice.next().value % (told.length + 1)).toReversed()) goes(other);
              comes(`s${step}-${at}`, one, step);
            }
            for (const other of told.toReversed()) goes(other);
            expect([...waiting].filter(([, { until }]) => until < step)).toEqual([]);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("without a cap on the rack", () => {
  const WAITS: Kind = { group: "web", rack: "r1", inGroup: null, onRack: 1, lasts: 1 };
  const waits = comer("waits", WAITS);
  const other = comer("other", { ...WAITS, group: "db", onRack: null });
  const heldBy =
    (on: Record<string, Record<string, HeldAs>>): Held =>
    (scope) =>
      new Map(Object.entries(on[scope] ?? {}));
  const behind = (before: Queued[], on: Record<string, Record<string, HeldAs>>): string | null =>
    behindWhom({ remediationId: other.id, plan: other.plan }, before, heldBy(on));

  it("one goes on while work with a cap keeps the rack full, or a lease that a person must release", () => {
    expect(behind([queued(waits)], { [RACK]: { a: "capped" } })).toBeNull();
    expect(behind([queued(waits)], { [RACK]: { a: "capped", b: "uncapped" } })).toBeNull();
    expect(behind([queued(waits)], { [RACK]: { a: "leftOut", b: "uncapped" } })).toBeNull();
  });

  it("one waits once only such work is in the way, or when it would take the room of one that can go", () => {
    expect(behind([queued(waits)], { [RACK]: { b: "uncapped" } })).toBe("waits");
    expect(behind([queued(waits)], {})).toBe("waits");
  });

  it("one does not wait behind who is asleep, or cannot go because its group is full", () => {
    expect(behind([queued(waits, true)], { [RACK]: { b: "uncapped" } })).toBeNull();
    const both = comer("both", { ...WAITS, inGroup: 1 });
    expect(behind([queued(both)], { [RACK]: { b: "uncapped" }, [GROUP]: { c: "capped" } })).toBeNull();
    expect(behind([queued(both)], { [GROUP]: { c: "uncapped" } }), "both places are to be free at once").toBe("both");
  });

  it("two that wait go together, after the one before them", () => {
    const second = comer("second", { ...WAITS, group: "db", onRack: null });
    const line = [queued(waits), queued(other), queued(second)];
    const went = (on: Held, these: Queued[]): boolean[] => {
      const walk = new Walk(on);
      return these.map((one) => walk.pass(one));
    };
    expect(went(heldBy({ [RACK]: { b: "uncapped" } }), line)).toEqual([false, false, false]);
    expect(went(heldBy({}), line)).toEqual([true, false, false]);
    expect(went(heldBy({ [RACK]: { "host waits": "capped" } }), line.slice(1))).toEqual([true, true]);
  });
});
