import type { Alert } from "../contracts/alert.ts";
import { scopeOf } from "../contracts/ids.ts";
import type { PlanLimits, ScopeCap } from "../contracts/plan.ts";
import { GLOBAL_SCOPE } from "../contracts/scopes.ts";
import type { Target } from "../contracts/target.ts";
import type { Catalogue, Runbook } from "./catalogue.ts";
import { CompileError } from "./compile-error.ts";
import { compileShared, groupLimitsOf } from "./compile-shared.ts";
import { compileSurroundings } from "./compile-surroundings.ts";
import type { Share } from "./grammar/common.ts";
import { sizeKey } from "./inventory.ts";

/** The limits with every share turned into a number. The target itself is exclusive without being named here. */
export function compileLimits(
  catalogue: Catalogue,
  runbook: Runbook,
  target: Target,
  alerts: readonly Alert[],
): PlanLimits {
  const { cooldown, attempts, rate } = runbook.spec.limits;
  const [alert] = alerts;
  return {
    cooldownMs: cooldown,
    attempts,
    rate: rate ?? null,
    caps: capsOf(catalogue, runbook, target),
    shared: compileShared(catalogue, runbook, target, alerts),
    ...(alert === undefined ? {} : { surroundings: compileSurroundings(catalogue, runbook, target, alert) }),
  };
}

/** The runbook's caps and those over all runbooks; where both cap one place, the smaller one counts. */
function capsOf(catalogue: Catalogue, { spec }: Runbook, target: Target): ScopeCap[] {
  const sizeOf = (scope: string): number => catalogue.inventory.sizes.get(sizeKey(target.kind, scope)) ?? 0;
  const own = spec.limits;
  const all = groupLimitsOf(catalogue, target);
  const cap = (share: Share | undefined, scope: string, name: string): ScopeCap[] =>
    share === undefined ? [] : [shareCap(share, scope, name, sizeOf(scope))];
  return [own, all].flatMap((limits) => [
    ...cap(limits.group, scopeOf.group(target.group), `group ${target.group}`),
    ...cap(limits.rack, scopeOf.rack(known("rack", limits.rack, target)), `rack ${target.rack}`),
    ...cap(limits.region, scopeOf.region(known("region", limits.region, target)), `region ${target.region}`),
    ...target.services.flatMap((name) => cap(limits.service, scopeOf.service(name), `service ${name}`)),
    ...cap(limits === own ? own.global : catalogue.limits.cap, GLOBAL_SCOPE, "all"),
  ]);
}

/** A share is rounded down, but is never less than its floor (1, so that a group of one can be healed). */
export function shareCap(share: Share, scope: string, name: string, size: number): ScopeCap {
  if ("count" in share) return { scope, max: share.count, because: `${share.count} in ${name}` };
  const { percent, atLeast, atMost } = share;
  const because = `${percent}% of ${size} in ${name}`;
  if (percent === 0) return { scope, max: 0, because };
  const floored = Math.max(atLeast, Math.floor((size * percent) / 100));
  return { scope, max: Math.min(floored, atMost ?? floored), because };
}

function known(what: "rack" | "region", limit: Share | undefined, target: Target): string {
  const name = target[what];
  if (name !== null || limit === undefined) return name ?? "";
  const detail = `limits.${what} needs to know the ${what} of ${target.id}, and the inventory has none`;
  throw new CompileError("FACTS_UNAVAILABLE", detail);
}
