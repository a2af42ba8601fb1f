import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MODES, type ModeSet } from "../../src/contracts/autonomy.ts";
import type { Mode } from "../../src/contracts/facts.ts";
import { lapsed, lowest, modesAt, type ModeLevels } from "../../src/policy/modes.ts";
import { ago } from "./support.ts";

const PLACE = { group: "web", runbook: "disk", runbookHash: "v1" };
const FILES: ModeLevels = { global: "auto", group: "auto", runbook: "observe" };

function set(scope: string, mode: Mode, more: Partial<ModeSet> = {}): ModeSet {
  const declared = scope.startsWith("runbook:") ? "observe" : "auto";
  return { id: scope, scope, mode, declared, runbookHash: null, by: "ann", reason: "r", at: ago(0), ...more };
}
const at = (sets: ModeSet[], files = FILES): ModeLevels => modesAt(files, PLACE, sets);

describe("the mode in force", () => {
  it("is the files' where nobody set another, or only elsewhere", () => {
    expect(at([])).toEqual(FILES);
    expect(at([set("group:db", "observe"), set("runbook:power", "auto"), set("runbook:disk@db", "auto")])).toEqual(
      FILES,
    );
  });

  it("is what a person set, down and up", () => {
    expect(at([set("global", "review"), set("group:web", "observe")])).toMatchObject({
      global: "review",
      group: "observe",
    });
    expect(at([set("runbook:disk", "auto")]).runbook).toBe("auto");
    expect(at([set("runbook:disk@web", "review")]).runbook).toBe("review");
  });

  it("is not lifted any more once the files say something else, or the runbook is another version", () => {
    expect(at([set("runbook:disk", "auto")], { ...FILES, runbook: "review" }).runbook).toBe("review");
    expect(at([set("runbook:disk@web", "auto", { runbookHash: "v0" })]).runbook).toBe("observe");
    expect(at([set("runbook:disk@web", "auto", { runbookHash: "v1" })]).runbook).toBe("auto");
  });

  it("stays lowered whatever becomes of the files and the version", () => {
    const low = set("runbook:disk", "observe", { declared: "review", runbookHash: "v0" });
    expect(at([low], { ...FILES, runbook: "auto" }).runbook).toBe("observe");
  });

  it("of one group comes before the runbook's, unless a lower one was set for the runbook later", () => {
    const narrow = set("runbook:disk@web", "auto", { at: ago(1_000) });
    expect(at([narrow, set("runbook:disk", "observe", { at: ago(2_000) })]).runbook).toBe("auto");
    expect(at([narrow, set("runbook:disk", "observe", { at: ago(0) })]).runbook).toBe("observe");
    const low = set("runbook:disk@web", "observe", { at: ago(1_000) });
    expect(at([low, set("runbook:disk", "auto", { at: ago(0) })]).runbook).toBe("observe");
  });

  it("of a group that was promoted with another version lifts nothing that was lowered for the runbook", () => {
    const promoted = set("runbook:disk@web", "auto", { runbookHash: "v0", declared: "auto", at: ago(0) });
    const low = set("runbook:disk", "review", { declared: "auto", at: ago(1_000) });
    const auto = { ...FILES, runbook: "auto" } as const;
    expect(at([low, { ...promoted, runbookHash: "v1" }], auto).runbook).toBe("auto");
    expect(at([low, promoted], auto).runbook).toBe("review");
  });
});

const mode = fc.constantFrom(...MODES);
const scope = fc.constantFrom("global", "group:web", "runbook:disk", "runbook:disk@web", "group:db");
const modeSet = fc.record({
  scope,
  mode,
  declared: fc.option(mode),
  runbookHash: fc.constantFrom(null, "v0", "v1"),
  age: fc.integer({ min: 0, max: 5 }),
});
const sets = fc
  .uniqueArray(modeSet, { selector: (one) => one.scope })
  .map((all) => all.map(({ age, ...one }) => ({ ...set(one.scope, one.mode), ...one, at: ago(age) })));
const files = fc.record({ global: mode, group: mode, runbook: mode });

it("never lies above the files but by a set mode that is of this version and saw the files as they are", () => {
  fc.assert(
    fc.property(sets, files, (all, declared) => {
      const found = modesAt(declared, PLACE, all);
      for (const level of ["global", "group", "runbook"] as const) {
        if (MODES.indexOf(found[level]) <= MODES.indexOf(declared[level])) continue;
        const scopes =
          level === "runbook" ? ["runbook:disk", "runbook:disk@web"] : [level === "group" ? "group:web" : level];
        const why = all.filter((one) => scopes.includes(one.scope) && one.mode === found[level]);
        const lifts = why.some(
          (one) => one.declared === declared[level] && (one.runbookHash === null || one.runbookHash === "v1"),
        );
        // A version is of runbooks alone: elsewhere such a word lifts nothing.
        expect(lifts && (level === "runbook" || why.some((one) => one.runbookHash === null))).toBe(true);
      }
    }),
  );
});

it("never lies higher because of a word that does not lift any more", () => {
  fc.assert(
    fc.property(sets, files, (all, declared) => {
      const rank = (levels: ModeLevels): number => MODES.indexOf(levels.runbook);
      const lasting = all.filter(
        (one) => !one.scope.startsWith("runbook:") || lapsed(one, declared.runbook, PLACE.runbookHash) === null,
      );
      expect(rank(modesAt(declared, PLACE, all))).toBeLessThanOrEqual(rank(modesAt(declared, PLACE, lasting)));
    }),
  );
});

it("always obeys the newest word that lowers", () => {
  fc.assert(
    fc.property(sets, files, scope, mode, (all, declared, where, low) => {
      fc.pre(where !== "group:db");
      const others = all.filter((one) => one.scope !== where);
      const found = modesAt(declared, PLACE, [...others, set(where, low, { at: ago(-1_000) })]);
      const place = modesAt(declared, PLACE, []);
      const level = where === "global" ? "global" : where === "group:web" ? "group" : "runbook";
      if (MODES.indexOf(low) > MODES.indexOf(place[level])) return;
      expect(MODES.indexOf(lowest([found[level], low]))).toBe(MODES.indexOf(found[level]));
    }),
  );
});
