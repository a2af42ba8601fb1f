import { scopeOf } from "./ids.ts";
import type { Plan } from "./plan.ts";

/** The scope that every pause of everything names. */
export const GLOBAL_SCOPE = "global";

/** Every scope whose pause holds this plan: the guardrail's forecast and the record's fence must agree on them. */
export function pauseScopesOf(plan: Plan): string[] {
  const { target } = plan;
  const scopes = [
    GLOBAL_SCOPE,
    scopeOf.target(target),
    scopeOf.group(target.group),
    scopeOf.runbook(plan.runbook),
    ...(target.rack === null ? [] : [scopeOf.rack(target.rack)]),
    ...(target.region === null ? [] : [scopeOf.region(target.region)]),
    ...target.services.map(scopeOf.service),
    ...plan.limits.caps.map((cap) => cap.scope),
  ];
  return [...new Set(scopes)];
}
