import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MeasuredRow, Span } from "../../src/contracts/measures.ts";
import { OUTCOMES } from "../../src/contracts/remediation.ts";
import { toMeasured } from "../../src/measures/facts.ts";
import { measuresOf, type Beside } from "../../src/measures/measures.ts";
import { covered } from "../../src/measures/spans.ts";
import { aRow, anEffect, at } from "./support.ts";

const NOTHING: Beside = { unmatchedFaults: 0, coverage: null };
const measure = (rows: MeasuredRow[], id: string, beside = NOTHING) => {
  const found = measuresOf(rows.map(toMeasured), beside).find((one) => one.id === id);
  if (found === undefined) throw new Error(`no measure ${id}`);
  return found;
};
const value = (rows: MeasuredRow[], id: string): number | null => measure(rows, id).value;
const progress = (time: string, what: string) => ({ kind: "progress" as const, at: at(time), what });
const command = (time: string, what: string) => ({ kind: "command" as const, at: at(time), what });

describe("M1, time to repair", () => {
  it("is from the start of the alert to the end, of what healed alone", () => {
    const rows = [aRow(), aRow({ outcome: "failed", closedAt: at("20:00") }), aRow({ startedAt: at("10:20") })];
    expect(measure(rows, "M1")).toMatchObject({ value: ((32 + 10) / 2) * 60, of: 2, target: null, met: null });
  });

  it("without waiting leaves out approvals, takeovers and tickets, each minute once", () => {
    const marks = [
      progress("10:00", "confirm"),
      progress("10:01", "approve"),
      // Taken over while it waits: still the same minutes.
      { kind: "held" as const, at: at("10:03"), what: "" },
      command("10:04", "take"),
      command("10:06", "release"),
      progress("10:05", "confirm"),
    ];
    const ticketWaits = [
      { from: at("10:10"), to: at("10:20") },
      { from: at("10:15"), to: at("10:25") },
    ];
    expect(value([aRow({ marks, ticketWaits })], "M1.own")).toBe((32 - 5 - 15) * 60);
  });

  it("counts a wait that nobody ended up to the end", () => {
    expect(value([aRow({ marks: [progress("10:10", "approve")] })], "M1.own")).toBe(12 * 60);
    expect(value([aRow({ marks: [{ kind: "held", at: at("10:20"), what: "" }] })], "M1.own")).toBe(22 * 60);
  });

  it("of an alert that fired on after an earlier remediation counts from the end of that one", () => {
    expect(value([aRow({ startedAt: at("01:00"), previousClosedAt: at("10:00") })], "M1")).toBe(30 * 60);
    expect(value([aRow({ previousClosedAt: at("08:00") })], "M1")).toBe(32 * 60);
  });

  it("has a target for critical ones, and gives median and 95th percentile", () => {
    const rows = Array.from({ length: 20 }, (_, index) =>
      aRow({ severity: "critical", closedAt: at(`10:${String(index + 1).padStart(2, "0")}`) }),
    );
    expect(measure(rows, "M1.critical")).toMatchObject({ met: true, spread: { median: 12 * 60, p95: 21 * 60 } });
    expect(measure([aRow({ severity: "critical" })], "M1.critical")).toMatchObject({ value: 32 * 60, met: false });
    expect(measure([aRow()], "M1.critical")).toMatchObject({ value: null, met: null, of: 0 });
  });

  it("is never negative, whatever the source's clock says", () => {
    expect(value([aRow({ startedAt: "2030-01-01T00:00:00Z" })], "M1")).toBe(0);
    expect(value([aRow({ startedAt: "no time" })], "M1")).toBeNull();
    expect(value([aRow({ startedAt: null })], "M1")).toBeNull();
  });
});

describe("M2, healed without a person", () => {
  it("is over all that needed somebody, unmatched faults too", () => {
    const rows = [
      aRow(),
      aRow({ outcome: "observed" }),
      aRow({ outcome: "recovered" }),
      aRow({ outcome: "cancelled" }),
    ];
    expect(measure(rows, "M2", { unmatchedFaults: 2, coverage: null })).toMatchObject({
      value: 1 / 4,
      of: 4,
      met: false,
    });
  });

  it.each([
    ["a person approved it", { approved: true }],
    ["a person held it", { marks: [{ kind: "held" as const, at: at("10:10"), what: "" }] }],
    ["a person said how it goes on", { marks: [command("10:10", "skip")] }],
    ["it did not heal", { outcome: "escalated" as const }],
  ])("does not count where %s", (_, changes) => {
    expect(value([aRow(changes)], "M2")).toBe(0);
  });
});

describe("M3, M4 and M7, of those that acted", () => {
  it("are over what had an effect only", () => {
    const untouched = aRow({ firstEffectAt: null, outcome: "refused", review: "falsePositive" });
    const rows = [aRow(), aRow({ outcome: "failed" }), untouched];
    expect(measure(rows, "M3")).toMatchObject({ value: 0.5, of: 2, met: false });
    expect(measure(rows, "M4")).toMatchObject({ value: 0, of: 2, met: true });
    expect(measure(rows, "M7")).toMatchObject({ value: 0, of: 2, met: true });
  });

  it("call it a false positive when the probe's last word before the first effect was healthy", () => {
    const reading = (time: string, what: string) => ({ kind: "confirmed" as const, at: at(time), what });
    const before = [reading("10:00:10", "unhealthy"), reading("10:00:50", "healthy")];
    expect(value([aRow({ marks: before })], "M4")).toBe(1);
    expect(
      value([aRow({ marks: before.toReversed().map((one, i) => ({ ...one, at: at(`10:00:${20 + i}`) })) })], "M4"),
    ).toBe(0);
    expect(value([aRow({ marks: [reading("10:00", "unhealthy"), reading("10:20", "healthy")] })], "M4")).toBe(0);
  });

  it("call it a false positive when a person says so", () => {
    expect(value([aRow({ review: "falsePositive" })], "M4")).toBe(1);
    expect(value([aRow({ review: "masking" })], "M4")).toBe(0);
  });

  it("call it taken back when an undo was sent, whatever became of it", () => {
    expect(value([aRow({ effects: [anEffect(), anEffect({ direction: "undo", state: "failed" })] })], "M7")).toBe(1);
    expect(value([aRow({ effects: [anEffect({ direction: "undo", state: "notHappened" })] })], "M7")).toBe(0);
    expect(value([aRow({ effects: [anEffect({ direction: "finishHealthy" })] })], "M7")).toBe(0);
  });
});

describe("M5, M6, M8, M9 and M10", () => {
  it("time the start from the arrival, without approvals", () => {
    const marks = [progress("10:00:10", "approve"), progress("10:00:50", "confirm")];
    expect(value([aRow({ marks })], "M5")).toBe(60);
    expect(measure([aRow({ marks })], "M5.own")).toMatchObject({ value: 20, met: true });
    expect(value([aRow({ firstEffectAt: null })], "M5")).toBeNull();
    const [previousClosedAt, openedAt, firstEffectAt] = [at("10:30"), at("14:00"), at("14:01")];
    expect(value([aRow({ previousClosedAt, openedAt, firstEffectAt, closedAt: at("14:30") })], "M5")).toBe(60);
  });

  it("count what went to a person, not what only observed", () => {
    const rows = [
      aRow(),
      aRow({ outcome: "refused", needsHuman: true }),
      aRow({ outcome: "observed", needsHuman: true }),
    ];
    expect(measure(rows, "M6")).toMatchObject({ value: 0.5, of: 2, met: false });
  });

  it("average the cost of what was admitted, and take the longest lag", () => {
    const rows = [aRow(), aRow({ cost: 0, auditLagMs: 70_000 }), aRow({ cost: null, auditLagMs: null })];
    expect(measure(rows, "M8")).toMatchObject({ value: 2.5, of: 2 });
    expect(measure(rows, "M10")).toMatchObject({ value: 70, of: 2, met: false });
  });

  it("take the coverage as it is", () => {
    const beside = { unmatchedFaults: 0, coverage: { targets: 10, covered: 6 } };
    expect(measure([], "M9", beside)).toMatchObject({ value: 0.6, of: 10, met: true });
  });
});

describe("of nothing", () => {
  it("no measure has a value, and none is met or missed", () => {
    expect(measuresOf([], NOTHING).filter((one) => one.value !== null || one.met !== null || one.of !== 0)).toEqual([]);
  });
});

describe("of anything", () => {
  const time = fc
    .integer({ min: 0, max: 86_399 })
    .map((s) => new Date(Date.parse(at("00:00")) + s * 1000).toISOString());
  const span = fc.record({ from: time, to: time });
  const row = fc
    .record({
      outcome: fc.constantFrom(...OUTCOMES),
      severity: fc.constantFrom("critical" as const, "warning" as const),
      needsHuman: fc.boolean(),
      approved: fc.boolean(),
      startedAt: fc.option(time),
      receivedAt: fc.option(time),
      previousClosedAt: fc.option(time),
      firstEffectAt: fc.option(time),
      closedAt: time,
      ticketWaits: fc.array(span, { maxLength: 4 }),
      marks: fc.array(
        fc.record({
          kind: fc.constantFrom("progress", "held", "command", "effectIntended", "confirmed", "read"),
          at: time,
          what: fc.constantFrom("approve", "act", "take", "release", "healthy", "unhealthy"),
        }),
        { maxLength: 8 },
      ),
      review: fc.constantFrom(null, "good", "falsePositive"),
    })
    .map((changes) => aRow(changes));

  it("shares lie between 0 and 1, times are not negative, and without waiting is never longer", () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 12 }), fc.nat(5), (rows, unmatchedFaults) => {
        const all = measuresOf(rows.map(toMeasured), { unmatchedFaults, coverage: null });
        for (const { unit, value: is, of } of all) {
          expect(is === null).toBe(of === 0);
          if (is === null) continue;
          expect(is).toBeGreaterThanOrEqual(0);
          if (unit === "share") expect(is).toBeLessThanOrEqual(1);
        }
        const of = (id: string): number => all.find((one) => one.id === id)?.value ?? 0;
        expect(of("M1.own")).toBeLessThanOrEqual(of("M1"));
        expect(of("M5.own")).toBeLessThanOrEqual(of("M5"));
      }),
    );
  });

  it("the covered time is that of the seconds that lie in a span, each once", () => {
    const second = fc.integer({ min: 0, max: 40 });
    const iso = (s: number): string => new Date(s * 1000).toISOString();
    const small = fc.tuple(second, second).map(([from, to]): [number, number] => [from, to]);
    fc.assert(
      fc.property(fc.array(small, { maxLength: 6 }), small, (spans, [from, to]) => {
        const inside = (s: number, [a, b]: [number, number]): boolean => a <= s && s < b;
        const expected = Array.from({ length: 41 }, (_, s) => s).filter(
          (s) => inside(s, [from, to]) && spans.some((one) => inside(s, one)),
        ).length;
        const asSpan = ([a, b]: [number, number]): Span => ({ from: iso(a), to: iso(b) });
        expect(covered(spans.map(asSpan), asSpan([from, to]))).toBe(expected * 1000);
      }),
    );
  });
});
