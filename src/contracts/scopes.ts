import { scopeOf } from "./ids.ts";
import type { Plan } from "./plan.ts";
import type { Target } from "./target.ts";

/** The scope that every pause of everything names. */
export const GLOBAL_SCOPE = "global";

/**
 * Where a remediation of this target counts, whatever its own runbook limits: so a cap of one runbook sees the work of
 * all others. The target itself is not among them.
 */
export function placesOf(target: Pick<Target, "group" | "rack" | "region" | "services">): string[] {
  return [
    GLOBAL_SCOPE,
    scopeOf.group(target.group),
    ...(target.rack === null ? [] : [scopeOf.rack(target.rack)]),
    ...(target.region === null ? [] : [scopeOf.region(target.region)]),
    ...target.services.map(scopeOf.service),
  ];
}

/** Every scope that people may name, where these groups, runbooks and targets are all there are. */
export function scopesIn(
  groups: readonly string[],
  runbooks: readonly string[],
  targets: readonly Pick<Target, "kind" | "id" | "group" | "rack" | "region" | "services">[],
): Set<string> {
  return new Set([
    GLOBAL_SCOPE,
    ...groups.map(scopeOf.group),
    ...runbooks.map(scopeOf.runbook),
    ...runbooks.flatMap((name) => groups.map((group) => scopeOf.runbookInGroup(name, group))),
    ...targets.flatMap((target) => [scopeOf.target(target), ...placesOf(target)]),
  ]);
}

/** Every scope whose pause holds this plan: the guardrail's forecast and the record's fence must agree on them. */
export function pauseScopesOf(plan: Plan): string[] {
  const { target } = plan;
  const scopes = [
    ...placesOf(target),
    scopeOf.target(target),
    scopeOf.runbook(plan.runbook),
    scopeOf.runbookInGroup(plan.runbook, target.group),
    ...plan.limits.caps.map((cap) => cap.scope),
  ];
  return [...new Set(scopes)];
}
