/** Which modes are in force for a plan. */
import type { ModeSet } from "../contracts/autonomy.ts";
import type { Plan } from "../contracts/plan.ts";
import { lowerOf, modesAt, type ModeLevels, type ModePlace } from "../policy/modes.ts";
import type { Catalogue, Runbook } from "./catalogue.ts";

/**
 * What has decided keeps its version, but a mode that the active files lower since counts at once: lowering always does
 * (ADR 53). A runbook that they do not have any more keeps its own mode. `sets`: what people set.
 */
export function modesOfPlan(
  { pinned, active }: { pinned: Catalogue; active: Catalogue },
  plan: Plan,
  sets: readonly ModeSet[],
): ModeLevels {
  const { runbook: name, target } = plan;
  const named = ({ runbooks }: Catalogue): Runbook | undefined => runbooks.find((one) => one.name === name);
  const decided = named(pinned);
  if (decided === undefined) throw new Error(`catalogue ${pinned.version} has no runbook ${name}`);
  const place = placeOf(plan);
  const then = modesAt(pinned.modes(decided, target), place, sets);
  return lowerOf(then, modesAt(active.modes(named(active) ?? decided, target), place, sets));
}

export function placeOf({ target, runbook, runbookHash }: Plan): ModePlace {
  return { group: target.group, runbook, runbookHash };
}
