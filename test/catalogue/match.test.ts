/** Which entries match, why others do not, and which leave nothing to another: three functions that must agree. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Catalogue, Runbook } from "../../src/catalogue/catalogue.ts";
import { covers } from "../../src/catalogue/check-overlap.ts";
import { runbooksFor, whyNot } from "../../src/catalogue/match.ts";

type Entry = Runbook["spec"]["match"][number];

const value = fc.constantFrom("", "disk", "disk2", "x\ny");
const matcher = fc.oneof(
  value,
  fc.constantFrom("disk.*", "disk|disk2", ".*", "d.sk", "", "(").map((matches) => ({ matches })),
);
const label = fc.constantFrom("alertname", "host", "toString");
const entry = fc.dictionary(label, matcher) as fc.Arbitrary<Entry>;
const labels = fc.dictionary(label, value);

const runbookOf = (...match: Entry[]): Runbook => ({ name: "disk", spec: { match } }) as unknown as Runbook;
const matches = (one: Entry, of: Record<string, string>): boolean =>
  runbooksFor({ runbooks: [runbookOf(one)] } as unknown as Catalogue, of).length === 1;

describe("an entry", () => {
  it("that covers another one matches every alert that the other matches", () => {
    fc.assert(
      fc.property(entry, entry, labels, (wide, narrow, of) => {
        if (covers(wide, narrow) && matches(narrow, of)) expect(matches(wide, of)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it("covers itself, and one with more labels", () => {
    fc.assert(fc.property(entry, entry, (one, more) => covers(one, { ...more, ...one })));
  });

  it("has something against an alert exactly when it does not match", () => {
    fc.assert(
      fc.property(entry, entry, labels, (one, other, of) => {
        const runbook = runbookOf(one, other);
        expect(whyNot(runbook, of) === null).toBe(matches(one, of) || matches(other, of));
      }),
    );
  });
});
