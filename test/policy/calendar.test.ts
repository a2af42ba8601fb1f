import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WEEKDAYS, type WeeklyTime } from "../../src/contracts/surroundings.ts";
import { insideOf } from "../../src/policy/calendar.ts";

const weekly = (changes: Partial<WeeklyTime> = {}): { when: { weekly: WeeklyTime } } => ({
  when: { weekly: { timeZone: "Europe/Warsaw", days: [...WEEKDAYS], from: "22:00", to: "02:00", ...changes } },
});

/** The end, `outside`, at this time. */
function at(window: Parameters<typeof insideOf>[0], time: string): string {
  const inside = insideOf(window, Date.parse(time));
  return inside === null ? "outside" : inside.until.replace(":00.000Z", "Z");
}

const daily = weekly({ timeZone: "UTC", from: "09:30", to: "11:00" });
const friday = weekly({ timeZone: "UTC", days: ["fri"] });
const weekend = weekly({ timeZone: "UTC", days: ["sat", "sun"], from: "00:00", to: "24:00" });
const always = weekly({ timeZone: "UTC", from: "00:00", to: "24:00" });
const night = weekly({ from: "01:00", to: "04:00" });
const gap = weekly({ from: "02:15", to: "02:45" });
const lordHowe = weekly({ timeZone: "Australia/Lord_Howe", from: "01:00", to: "03:00" });
const once = { when: { once: { from: "2026-12-24T17:00:00.000Z", until: "2026-12-27T05:00:00.000Z" } } };

describe("a window", () => {
  it.each([
    ["before it begins", daily, "2026-11-20T09:29:59.999Z", "outside"],
    ["at its first moment", daily, "2026-11-20T09:30:00.000Z", "2026-11-20T11:00Z"],
    ["at its last", daily, "2026-11-20T10:59:59.999Z", "2026-11-20T11:00Z"],
    ["at its end", daily, "2026-11-20T11:00:00.000Z", "outside"],
    ["over midnight: on the day it begins", friday, "2026-11-20T23:00:00.000Z", "2026-11-21T02:00Z"],
    ["over midnight: on the next day", friday, "2026-11-21T01:59:00.000Z", "2026-11-21T02:00Z"],
    ["over midnight: the next evening is another day", friday, "2026-11-21T22:30:00.000Z", "outside"],
    ["over midnight: not in the night before", friday, "2026-11-20T01:00:00.000Z", "outside"],
    ["days that adjoin are one", weekend, "2026-11-21T12:00:00.000Z", "2026-11-23T00:00Z"],
    ["one without an end is looked at again after eight days", always, "2026-11-21T12:00:00.000Z", "2026-11-29T22:00Z"],
    ["winter time in Warsaw is one hour ahead", weekly(), "2026-01-10T21:00:00.000Z", "2026-01-11T01:00Z"],
    ["summer time two", weekly(), "2026-07-10T20:00:00.000Z", "2026-07-11T00:00Z"],
    ["summer time: an hour before is outside", weekly(), "2026-07-10T19:59:00.000Z", "outside"],
    ["the night in which clocks go forward is an hour shorter", night, "2026-03-29T00:00:00.000Z", "2026-03-29T02:00Z"],
    ["the night in which clocks go back is an hour longer", night, "2026-10-24T23:00:00.000Z", "2026-10-25T03:00Z"],
    ["half an hour that does not come on that day", gap, "2026-03-29T01:00:00.000Z", "outside"],
    ["half an hour that comes twice: first", gap, "2026-10-25T00:20:00.000Z", "2026-10-25T00:45Z"],
    ["half an hour that comes twice: second", gap, "2026-10-25T01:20:00.000Z", "2026-10-25T01:45Z"],
    ["clocks that go back by half an hour", lordHowe, "2026-04-04T14:00:00.000Z", "2026-04-04T16:30Z"],
    ["once: before", once, "2026-12-24T16:59:59.999Z", "outside"],
    ["once: inside", once, "2026-12-26T00:00:00.000Z", "2026-12-27T05:00Z"],
    ["once: at its end", once, "2026-12-27T05:00:00.000Z", "outside"],
  ])("%s", (_what, window, time, expected) => {
    expect(at(window, time)).toBe(expected);
  });

  it.each([
    ["a time zone that there is not", weekly({ timeZone: "Europe/Atlantis" })],
    ["a time that cannot be read", { when: { once: { from: "?", until: "2026-12-27T05:00:00.000Z" } } }],
  ])("throws for %s", (_what, window) => {
    expect(() => insideOf(window, Date.parse("2026-11-21T12:00:00.000Z"))).toThrow(/Atlantis|cannot be read/);
  });

  it("is inside up to its end, minute by minute, and outside or in the next one from then on: any zone, any day", () => {
    const clock = fc
      .record({ hours: fc.nat(23), minutes: fc.nat(59) })
      .map(({ hours, minutes }) => `${String(hours).padStart(2, "0")}:${String(minutes).padStart(2, "0")}`);
    const zones = ["Europe/Warsaw", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "UTC"];
    const times = fc
      .record({
        timeZone: fc.constantFrom(...zones),
        days: fc.subarray([...WEEKDAYS], { minLength: 1 }),
        from: clock,
        to: clock,
      })
      .filter(({ from, to }) => from !== to);
    const moment = fc.integer({ min: Date.parse("2026-01-01"), max: Date.parse("2027-01-01") });
    fc.assert(
      fc.property(times, moment, (time, now) => {
        const window = weekly(time);
        const inside = insideOf(window, now);
        if (inside === null) return;
        const end = Date.parse(inside.until);
        expect(end).toBeGreaterThan(now);
        for (let minute = now; minute < end; minute += 13 * 60_000) {
          expect(insideOf(window, minute)?.until).toBe(inside.until);
        }
        expect(insideOf(window, end - 1)).not.toBeNull();
        expect(end - now >= 8 * 86_400_000 || insideOf(window, end) === null).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
