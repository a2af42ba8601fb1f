import fc from "fast-check";
import { expect, it } from "vitest";
import { isoTime } from "../../src/starters/sources/bounds.ts";

it("a time is the same moment in UTC with milliseconds, however it was written", () => {
  const range = { min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T00:00:00Z"), noInvalidDate: true };
  fc.assert(
    fc.property(fc.date(range), fc.integer({ min: -14, max: 14 }), (at, hours) => {
      const written = at.toISOString();
      const [sign, size] = [hours < 0 ? "-" : "+", String(Math.abs(hours)).padStart(2, "0")];
      const there = new Date(at.getTime() + hours * 3_600_000).toISOString();
      expect(isoTime(written)).toBe(written);
      fc.pre(/^\d{4}-/.test(there));
      expect(isoTime(there.replace("Z", `${sign}${size}:00`))).toBe(written);
      expect(isoTime(written.replace(/\.\d+Z/, "Z"))).toBe(written.replace(/\.\d+Z/, ".000Z"));
    }),
  );
});

/** As the engine reads it: the same whether or not it is written as we write it. */
it.each(["2026-02-29", "2026-02-30", "2026-04-31", "2026-13-01", "2026-00-10", "2026-01-00", "2024-02-29"])(
  "a day that is none is said so, or is the one that Date makes of it: %s",
  (day) => {
    const time = `${day}T12:00:00.000Z`;
    const ms = Date.parse(time);
    expect(isoTime(time)).toBe(Number.isNaN(ms) ? null : new Date(ms).toISOString());
  },
);

it.each([null, 7, "", "2026-11-21", "2026-11-21T02:11:03", "2026-11-21 02:11:03Z", "2026-11-21T24:11:03.000Z"])(
  "is no time: %j",
  (value) => expect(isoTime(value)).toBeNull(),
);
