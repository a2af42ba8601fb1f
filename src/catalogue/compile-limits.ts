import { scopeOf } from "../contracts/ids.ts";
import type { PlanLimits, ScopeCap } from "../contracts/plan.ts";
import type { Target } from "../contracts/target.ts";
import { groupSize } from "./bindings.ts";
import type { Catalogue, Runbook } from "./catalogue.ts";
import { CompileError } from "./compile-error.ts";
import type { Share } from "./grammar/common.ts";

/** The limits with every share turned into a number. The target itself is exclusive without being named here. */
export function compileLimits(catalogue: Catalogue, runbook: Runbook, target: Target): PlanLimits {
  const { cooldown, attempts, rate, rack, group } = runbook.spec.limits;
  const caps = [groupCap(group, target.group, groupSize(catalogue, target))];
  if (rack !== undefined) caps.push(rackCap(rack, target));
  return { cooldownMs: cooldown, attempts, rate: rate ?? null, caps };
}

/** A share is rounded down, but is never less than 1: a group of one can be healed. */
export function groupCap(share: Share, group: string, size: number): ScopeCap {
  const scope = scopeOf.group(group);
  if ("count" in share) return { scope, max: share.count, because: `${share.count} in group ${group}` };
  const max = Math.max(1, Math.floor((size * share.percent) / 100));
  return { scope, max, because: `${share.percent}% of ${size} in group ${group}` };
}

function rackCap(max: number, target: Target): ScopeCap {
  if (target.rack === null) {
    const detail = `limits.rack needs to know the rack of ${target.id}, and the inventory has none`;
    throw new CompileError("FACTS_UNAVAILABLE", detail);
  }
  return { scope: scopeOf.rack(target.rack), max, because: `${max} in rack ${target.rack}` };
}
