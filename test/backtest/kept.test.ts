import fc from "fast-check";
import { expect, it } from "vitest";
import { Kept } from "../../src/backtest/kept.ts";

it("answers what was made for the key, and makes what is used all the time only once", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 300 }), (asked) => {
      const kept = new Kept<{ key: string }>(10);
      const made: string[] = [];
      const get = (key: string) => kept.get(key, () => (made.push(key), { key }));
      for (const number of asked) {
        expect(get(`k${number}`).key).toBe(`k${number}`);
        get("always");
      }
      expect(made.filter((key) => key === "always").length).toBeLessThanOrEqual(1);
    }),
  );
});

it("keeps no more than it may", () => {
  const kept = new Kept<number>(10);
  for (let key = 0; key < 1_000; key++) kept.get(String(key), () => key);
  let known = 0;
  for (let key = 999; key >= 0; key--) {
    let isKnown = true;
    kept.get(String(key), () => ((isKnown = false), key));
    if (!isKnown) break;
    known += 1;
  }
  expect(known).toBeGreaterThanOrEqual(5);
  expect(known).toBeLessThanOrEqual(10);
});
