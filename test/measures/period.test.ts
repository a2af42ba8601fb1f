import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { before, isTimezone, localDate, periodAt, periodOf, PERIOD_KINDS } from "../../src/measures/period.ts";

describe("a period", () => {
  it.each([
    ["day", "2026-10-25", "UTC", "2026-10-25T00:00", "2026-10-26T00:00"],
    // 25 hours: the clocks go back.
    ["day", "2026-10-25", "Europe/Berlin", "2026-10-24T22:00", "2026-10-25T23:00"],
    ["day", "2026-03-29", "Europe/Berlin", "2026-03-28T23:00", "2026-03-29T22:00"],
    // There is no midnight: the day begins at 01:00.
    ["day", "2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00", "2018-11-05T02:00"],
    ["day", "2026-01-01", "Pacific/Kiritimati", "2025-12-31T10:00", "2026-01-01T10:00"],
    ["day", "2026-01-01", "Asia/Kathmandu", "2025-12-31T18:15", "2026-01-01T18:15"],
    ["week", "2026-W43", "UTC", "2026-10-19T00:00", "2026-10-26T00:00"],
    ["week", "2026-W53", "UTC", "2026-12-28T00:00", "2027-01-04T00:00"],
    ["week", "2021-W01", "UTC", "2021-01-04T00:00", "2021-01-11T00:00"],
    ["month", "2026-02", "UTC", "2026-02-01T00:00", "2026-03-01T00:00"],
    ["month", "2026-10", "Europe/Berlin", "2026-09-30T22:00", "2026-10-31T23:00"],
    ["month", "2026-12", "America/Los_Angeles", "2026-12-01T08:00", "2027-01-01T08:00"],
  ] as const)("%s %s in %s", (kind, name, timezone, from, to) => {
    const period = periodOf(kind, name, timezone);
    expect(period).toEqual({ kind, name, timezone, from: `${from}:00.000Z`, to: `${to}:00.000Z` });
  });

  it.each([
    ["day", "2026-02-30"],
    ["day", "2026-10"],
    ["day", "yesterday"],
    ["week", "2025-W53"],
    ["week", "2026-W00"],
    ["week", "2026-43"],
    ["month", "2026-13"],
    ["month", "2026-00"],
    ["month", "2026-10-25"],
  ] as const)("there is no %s %s", (kind, name) => {
    expect(periodOf(kind, name, "UTC")).toBeNull();
  });

  it("of any moment holds that moment, is found again by its name, and borders on the one before", () => {
    const zones = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo"];
    const moment = fc.date({ min: new Date("1990-01-01"), max: new Date("2040-01-01"), noInvalidDate: true });
    fc.assert(
      fc.property(moment, fc.constantFrom(...zones), fc.constantFrom(...PERIOD_KINDS), (when, timezone, kind) => {
        const period = periodAt(kind, when.toISOString(), timezone);
        expect(period.from <= when.toISOString() && when.toISOString() < period.to).toBe(true);
        expect(periodOf(kind, period.name, timezone)).toEqual(period);
        expect(before(period).to).toBe(period.from);
        expect(localDate(Date.parse(period.from), timezone)).not.toBe(localDate(Date.parse(period.from) - 1, timezone));
      }),
      { numRuns: 200 },
    );
  });

  it("knows which time zones there are", () => {
    expect(["UTC", "Europe/Berlin"].map(isTimezone)).toEqual([true, true]);
    expect(["Europe/Berlim", "", "berlin"].map(isTimezone)).toEqual([false, false, false]);
  });
});
