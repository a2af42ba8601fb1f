/** What no runbook shows by itself: two of one name, and alerts that more than one of them would match. */
import type { Written } from "./check-known.ts";
import { matchesWhole } from "./match.ts";
import type { RunbookSpec } from "./grammar/runbook.ts";
import type { Problem } from "./problems.ts";

export function checkSameNames(all: readonly Written[]): Problem[] {
  const names = all.map(({ spec }) => spec.metadata.name);
  return all.flatMap(({ source }, index) => {
    const first = names.indexOf(names[index] ?? "");
    if (first === index) return [];
    const message = `this name is the one of ${all[first]?.source.file} too`;
    return [
      source.problem(["metadata", "name"], "value", { message, wouldBeRight: "each name once", value: names[index] }),
    ];
  });
}

/** Entries of which one matches whatever the other matches: such an alert would go to nobody. */
export function checkOverlap(all: readonly Written[]): Problem[] {
  return all.flatMap(({ source, spec }, mine) =>
    spec.match.flatMap((entry, index) => {
      const other = all.find((one, at) => at !== mine && one.spec.match.some((theirs) => covers(theirs, entry)));
      if (other === undefined) return [];
      const message = `every alert that this matches also matches ${other.spec.metadata.name}`;
      const wouldBeRight = "entries that exclude each other";
      return [source.problem(["match", index], "value", { message, wouldBeRight, value: entry })];
    }),
  );
}

/** Entries of one runbook that never decide anything: an earlier one matches all that they match. */
export function checkUnreachable({ source, spec }: Pick<Written, "source" | "spec">): Problem[] {
  return spec.match.flatMap((entry, index) => {
    const first = spec.match.findIndex(
      (theirs, at) => at !== index && covers(theirs, entry) && (at < index || !covers(entry, theirs)),
    );
    if (first === -1) return [];
    const message = `this entry is never needed: match[${first}] matches every alert that it matches`;
    const wouldBeRight = "one of the two alone, or labels that differ";
    return [source.problem(["match", index], "value", { message, wouldBeRight, value: entry, severity: "warning" })];
  });
}

type Entry = RunbookSpec["match"][number];

/** Of two patterns only the same text is known to match the same; any pattern can be tried on a fixed text. */
export function covers(wide: Entry, narrow: Entry): boolean {
  return Object.entries(wide).every(([label, matcher]) => {
    const theirs = Object.hasOwn(narrow, label) ? narrow[label] : undefined;
    if (theirs === undefined) return false;
    if (typeof matcher === "string") return theirs === matcher;
    return typeof theirs === "string" ? matchesWhole(theirs, matcher.matches) : theirs.matches === matcher.matches;
  });
}
