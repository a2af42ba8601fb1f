import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/contracts/json.ts";
import { judge } from "../../src/catalogue/probe-state.ts";

const AT = "2026-11-21T02:11:03.124Z";
const spec = (unhealthy = "value == 1", healthy = "value == 0") => ({
  name: "probe",
  uses: "prometheus.query",
  with: {},
  states: { unhealthy, healthy },
});
const stateOf = (measured: Record<string, Json>, of = spec()): string =>
  judge(of, { ok: true, measured, detail: "seen" }, AT).state;

describe("judge", () => {
  it.each([
    [{ value: 1 }, "unhealthy"],
    [{ value: 0 }, "healthy"],
    [{ value: 0.5 }, "unknown"],
    [{ value: null }, "unknown"],
    [{ value: "1" }, "unknown"],
    [{ value: Number.NaN }, "unknown"],
    [{}, "unknown"],
  ] as [Record<string, Json>, string][])("%j is %s", (measured, state) => {
    expect(stateOf(measured)).toBe(state);
  });

  it.each([
    ["both states hold", "value >= 0", "value <= 1"],
    ["neither holds", "value > 5", "value < -5"],
    ["a state is no boolean", "value", "value == 1"],
    ["a state cannot be evaluated", "value == 1", "missing == 0"],
    ["a state does not parse", "value ==", "value == 1"],
  ])("is unknown when %s", (_what, unhealthy, healthy) => {
    expect(stateOf({ value: 1 }, spec(unhealthy, healthy))).toBe("unknown");
  });

  it("NaN is never healthy, even when everything but 1 is", () => {
    expect(stateOf({ value: Number.NaN }, spec("value == 1", "value != 1"))).toBe("unknown");
  });

  it("says why nothing was measured", () => {
    expect(judge(spec(), { ok: false, reason: "no series" }, AT)).toEqual({
      probe: "probe",
      state: "unknown",
      reason: "no series",
      measured: {},
      at: AT,
    });
  });

  it("is healthy only when the healthy state alone holds, whatever was measured", () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.integer({ min: -1, max: 2 }), fc.string(), fc.constant(null)), (value) => {
        expect(stateOf({ value }) === "healthy").toBe(value === 0);
        expect(stateOf({ value }) === "unhealthy").toBe(value === 1);
      }),
    );
  });
});
