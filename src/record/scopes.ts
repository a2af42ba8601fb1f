/** Which scopes a plan takes leases on, and which a pause may name to stop it. */
import { GLOBAL_SCOPE, placesOf } from "../contracts/scopes.ts";
import { scopeOf } from "../contracts/ids.ts";
import type { Plan } from "../contracts/plan.ts";
import type { TargetRef } from "../contracts/target.ts";
import { perPlan } from "./per-plan.ts";

interface PlanScopes {
  capped: { scope: string; max: number }[];
  leased: string[];
  windows: string[];
  queued: string[];
  ordered: string[];
}

const scopesOf = perPlan((plan): PlanScopes => {
  const caps = new Map<string, number>([[scopeOf.target(plan.target), 1]]);
  for (const cap of plan.limits.caps) caps.set(cap.scope, Math.min(cap.max, caps.get(cap.scope) ?? cap.max));
  const needs = (plan.limits.surroundings?.dependsOn ?? []).map(scopeOf.needs);
  const { rate, shared } = plan.limits;
  const windows = [
    ...(rate === null ? [] : [scopeOf.runbook(plan.runbook)]),
    ...(shared?.rates ?? []).map((one) => `rate:${one.scope}`),
    ...(shared?.cost.budgets ?? []).map((one) => `cost:${one.scope}`),
  ];
  const leased = [...new Set([...caps.keys(), ...placesOf(plan.target), ...needs])];
  return {
    capped: [...caps].map(([scope, max]) => ({ scope, max })),
    leased,
    windows,
    queued: [...new Set([...caps.keys(), ...windows])],
    ordered: [...new Set([...leased, ...windows])],
  };
});

/** The target is exclusive; the caps are shared up to their number. Two caps on one scope: the smaller one counts. */
export function cappedScopes(plan: Plan): { scope: string; max: number }[] {
  return scopesOf(plan).capped;
}

/**
 * Where an admitted plan takes its leases: everywhere where it counts, also for the caps of other runbooks, and on what
 * its target depends on, so that the healing of that waits.
 */
export function leasedScopes(plan: Plan): string[] {
  return scopesOf(plan).leased;
}

/** Words for the order of those who wait for a window: nobody holds a lease on these. */
export function windowScopes(plan: Plan): string[] {
  return scopesOf(plan).windows;
}

/** Scopes on which waiters keep their order: what is capped, and the windows that are limited. */
export function queuedScopes(plan: Plan): string[] {
  return scopesOf(plan).queued;
}

/** Scopes on which one may have to wait behind those before it: where it queues, or takes a lease without a cap there. */
export function orderedScopes(plan: Plan): string[] {
  return scopesOf(plan).ordered;
}

/** By which those that depend on this target name it. */
export function namesOf({ target }: Pick<Plan, "target">): string[] {
  return [scopeOf.target(target), scopeOf.group(target.group), ...target.services.map(scopeOf.service)];
}

/** Where work on what the target depends on, or on what depends on it, has its leases. */
export function relatedScopes(plan: Pick<Plan, "target">, dependsOn: readonly string[]): string[] {
  return [...dependsOn, ...namesOf(plan).map(scopeOf.needs)];
}

/** Before there is a plan. */
export function pauseScopesOfEpisode(episode: { target: TargetRef; group: string; runbook: string | null }): string[] {
  const scopes = [GLOBAL_SCOPE, scopeOf.target(episode.target), scopeOf.group(episode.group)];
  const { runbook, group } = episode;
  return runbook === null ? scopes : [...scopes, scopeOf.runbook(runbook), scopeOf.runbookInGroup(runbook, group)];
}
