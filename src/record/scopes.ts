/** Which scopes a plan takes leases on, and which a pause may name to stop it. */
import { GLOBAL_SCOPE } from "../contracts/scopes.ts";
import { scopeOf } from "../contracts/ids.ts";
import type { Plan } from "../contracts/plan.ts";
import type { TargetRef } from "../contracts/target.ts";

/** The target is exclusive; the caps are shared up to their number. Two caps on one scope: the smaller one counts. */
export function cappedScopes(plan: Plan): { scope: string; max: number }[] {
  const caps = new Map<string, number>([[scopeOf.target(plan.target), 1]]);
  for (const cap of plan.limits.caps) caps.set(cap.scope, Math.min(cap.max, caps.get(cap.scope) ?? cap.max));
  return [...caps].map(([scope, max]) => ({ scope, max }));
}

/** Scopes on which waiters keep their order: what is capped, and the runbook when its rate is limited. */
export function queuedScopes(plan: Plan): string[] {
  const scopes = cappedScopes(plan).map((cap) => cap.scope);
  return plan.limits.rate === null ? scopes : [...new Set([...scopes, scopeOf.runbook(plan.runbook)])];
}

/** Before there is a plan. */
export function pauseScopesOfEpisode(episode: { target: TargetRef; group: string; runbook: string | null }): string[] {
  const scopes = [GLOBAL_SCOPE, scopeOf.target(episode.target), scopeOf.group(episode.group)];
  return episode.runbook === null ? scopes : [...scopes, scopeOf.runbook(episode.runbook)];
}
