/** Which mode is in force: what the files say, and what people set since. Pure; ADR 50 has the reasons. */
import { MODES, type ModeSet } from "../contracts/autonomy.ts";
import type { Mode } from "../contracts/facts.ts";
import { scopeOf } from "../contracts/ids.ts";
import { GLOBAL_SCOPE } from "../contracts/scopes.ts";

export interface ModeLevels {
  global: Mode;
  group: Mode;
  runbook: Mode;
}

export interface ModePlace {
  group: string;
  runbook: string;
  runbookHash: string;
}

/** The three levels at one place; the lowest of them counts. `declared`: as the files have them. */
export function modesAt(declared: ModeLevels, place: ModePlace, sets: readonly ModeSet[]): ModeLevels {
  const { runbook, group, runbookHash } = place;
  const at = (scope: string): ModeSet | null => sets.find((one) => one.scope === scope) ?? null;
  const wide = at(scopeOf.runbook(runbook));
  const narrow = at(scopeOf.runbookInGroup(runbook, group));
  return {
    global: inForce(at(GLOBAL_SCOPE), declared.global, null),
    group: inForce(at(scopeOf.group(group)), declared.group, null),
    runbook: narrowest(declared.runbook, runbookHash, narrow, wide),
  };
}

/**
 * What is said of one group counts before what is said of the runbook, unless that came later and is lower, or the word on
 * the group does not lift any more.
 */
function narrowest(declared: Mode, runbookHash: string, narrow: ModeSet | null, wide: ModeSet | null): Mode {
  const wideMode = inForce(wide, declared, runbookHash);
  if (narrow === null) return wideMode;
  const mode = inForce(narrow, declared, runbookHash);
  const isLater = wide !== null && Date.parse(wide.at) > Date.parse(narrow.at);
  return isLater || lapsed(narrow, declared, runbookHash) !== null ? lowest([mode, wideMode]) : mode;
}

/** Lowering always counts. Lifting counts while the files still say what they said then, of the same version. */
export function inForce(set: ModeSet | null, declared: Mode, runbookHash: string | null): Mode {
  if (set === null) return declared;
  if (rankOf(set.mode) <= rankOf(declared)) return set.mode;
  return lapsed(set, declared, runbookHash) === null ? set.mode : declared;
}

/** Why a set mode does not lift any more, or null. */
export function lapsed(set: ModeSet, declared: Mode, runbookHash: string | null): string | null {
  if (set.runbookHash !== null && set.runbookHash !== runbookHash) return "the runbook has changed since";
  if (set.declared !== declared) return `the files said ${set.declared ?? "nothing"} then and say ${declared} now`;
  return null;
}

/** Level by level: a mode that either of them lowers is lowered. */
export function lowerOf(one: ModeLevels, other: ModeLevels): ModeLevels {
  return {
    global: lowest([one.global, other.global]),
    group: lowest([one.group, other.group]),
    runbook: lowest([one.runbook, other.runbook]),
  };
}

export function lowest(modes: readonly Mode[]): Mode {
  const ranks = modes.map(rankOf);
  return MODES[Math.min(...ranks, MODES.length - 1)] ?? "observe";
}

/** An unknown mode only observes. */
function rankOf(mode: Mode): number {
  return Math.max(0, MODES.indexOf(mode));
}
