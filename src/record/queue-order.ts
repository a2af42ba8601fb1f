/** In which order those go who wait for capacity, and what a waiter keeps from those behind it. Pure. */
import type { Severity } from "../contracts/alert.ts";
import type { CountedFacts } from "../contracts/facts.ts";
import { scopeOf } from "../contracts/ids.ts";
import type { Plan, ScopeCap } from "../contracts/plan.ts";
import type { GuardrailResult, ReasonCode } from "../contracts/verdict.ts";
import type { LeaseState } from "./api.ts";
import { cappedScopes, leasedScopes, queuedScopes, windowScopes } from "./scopes.ts";

const HEAD_START_MS: Record<Severity, number> = { critical: 60 * 60_000, warning: 30 * 60_000, info: 0 };

/** ms since 1970 by which the queue is sorted, of one that waits since then. */
export function rankOf(since: number, severity: Severity): number {
  return since - HEAD_START_MS[severity];
}

/** Waits that end when another remediation gives capacity back. */
const CAPACITY: readonly ReasonCode[] = [
  "GROUP_CAP",
  "RACK_CAP",
  "SERVICE_CAP",
  "REGION_CAP",
  "GLOBAL_CAP",
  "MIN_HEALTHY",
  "ALREADY_OPEN",
];
/** Waits that end when a window has moved on. */
const WINDOWS: readonly ReasonCode[] = ["RATE", "COST_BUDGET"];

/**
 * The scopes on which later ones must wait behind this waiter. One that waits only for capacity keeps all of its scopes,
 * one that waits for a rate or a budget keeps its windows, so that cheaper ones do not pass it for ever, and one that
 * waits for something of its own (a cooldown, a pause) keeps nothing: it would only block others that could go.
 */
export function heldPlaces(plan: Plan, waiting: readonly GuardrailResult[]): string[] {
  const codes = waiting.filter((result) => result.outcome === "wait").map((result) => result.code);
  if (codes.every((code) => CAPACITY.includes(code))) return queuedScopes(plan);
  if (codes.every((code) => CAPACITY.includes(code) || WINDOWS.includes(code))) return windowScopes(plan);
  return [];
}

type Cap = Pick<ScopeCap, "scope" | "max">;

/** Of what is no cap of the plan: only when fewer targets are held there is it worth a look. */
export function fewerInWork(plan: Plan, counted: CountedFacts, results: readonly GuardrailResult[]): Cap[] {
  const waitsBy = (code: ReasonCode): boolean => results.some((one) => one.code === code && one.outcome === "wait");
  const group = scopeOf.group(plan.target.group);
  const busy = counted.surroundings?.busy ?? [];
  return [
    ...(waitsBy("MIN_HEALTHY") ? [{ scope: group, max: counted.held[group] ?? 0 }] : []),
    ...(waitsBy("DEPENDENCY") ? busy.map(({ scope, held }) => ({ scope, max: held })) : []),
  ];
}

/** One in the queue. */
export interface Queued {
  remediationId: string;
  /** `kind id` */
  target: string;
  /** Of its plan, and where fewer in work may help. */
  caps: readonly Cap[];
  /** Where it takes leases once it goes, with a cap of its own there or without. */
  leases: readonly string[];
  /** Scopes on which later ones wait behind it. */
  holds: readonly string[];
  /** It waits for a known time, a pause, a breaker or a hold: no use in waking it, but it may keep its place. */
  asleep: boolean;
}

/**
 * How a target is held on a scope: only left out of service, or by work without a cap of its own there, or in any other
 * way (a lease that a person must release, too).
 */
export type HeldAs = "leftOut" | "uncapped" | "capped";

/** The targets held on a scope. */
export type Held = (scope: string) => ReadonlyMap<string, HeldAs>;

/** Of one target, by all its leases on a scope. */
export function heldAs(leases: readonly { state: LeaseState; capped: boolean }[]): HeldAs {
  if (leases.every(({ state }) => state === "leftOut")) return "leftOut";
  return leases.every(({ state, capped }) => state === "held" && !capped) ? "uncapped" : "capped";
}

/**
 * Walks the queue from its front: each that could go takes its capacity, each that could not keeps its scopes. Work without
 * a cap on a scope goes on there while others do, but leaves alone the room of one who goes, and no more of it enters once
 * nothing else keeps a waiter out (ADR 0043).
 */
export class Walk {
  /** By scope, who could not go and keeps it, or who took capacity there last. */
  readonly kept = new Map<string, string>();
  readonly taken = new Map<string, string>();
  /** By scope, whom nothing but work without a cap keeps out. */
  private readonly cleared = new Map<string, string>();
  /** By scope, the least number of targets that one of those who went can go with, and the last such. */
  private readonly least = new Map<string, { max: number; of: string }>();
  private readonly held: Held;
  /** As `held`, with what was taken on the way. */
  private readonly now = new Map<string, Map<string, HeldAs>>();

  constructor(held: Held) {
    this.held = held;
  }

  /** True: it could go, and its capacity is taken. */
  pass(one: Queued): boolean {
    const { caps, holds, asleep, target } = one;
    const isKept = [...caps.map(({ scope }) => scope), ...holds].some((scope) => this.kept.has(scope));
    const isTurn = !asleep && !isKept && this.inItsPlaces(one) === null;
    if (isTurn && caps.every(({ scope, max }) => this.othersOn(scope, target) < max)) {
      this.take(one);
      return true;
    }
    const isClear =
      isTurn && caps.every(({ scope, max }) => this.othersOn(scope, target) - this.uncappedOn(scope) < max);
    for (const scope of holds) {
      if (!this.kept.has(scope)) this.kept.set(scope, one.remediationId);
      if (isClear) this.cleared.set(scope, one.remediationId);
    }
    return false;
  }

  /** Who must go before this one takes its leases, where it has a cap or none; null: nobody. */
  inItsPlaces({ leases, target }: Pick<Queued, "leases" | "target">): string | null {
    for (const scope of leases) {
      const cleared = this.cleared.get(scope);
      if (cleared !== undefined) return cleared;
      const least = this.least.get(scope);
      if (least !== undefined && !this.on(scope).has(target) && this.on(scope).size >= least.max) return least.of;
    }
    return null;
  }

  private take({ caps, leases, holds, target, remediationId }: Queued): void {
    for (const scope of leases) this.put(scope, target, "uncapped", remediationId);
    for (const { scope, max } of caps) {
      this.put(scope, target, "capped", remediationId);
      if (holds.includes(scope) && max <= (this.least.get(scope)?.max ?? Infinity))
        this.least.set(scope, { max, of: remediationId });
    }
  }

  private put(scope: string, target: string, as: HeldAs, remediationId: string): void {
    const on = this.now.get(scope) ?? new Map(this.held(scope));
    this.now.set(scope, on.set(target, as));
    this.taken.set(scope, remediationId);
  }

  /** What the target itself was left out by does not stand in its own way. */
  private othersOn(scope: string, target: string): number {
    const on = this.on(scope);
    return on.size - (on.get(target) === "leftOut" ? 1 : 0);
  }

  private uncappedOn(scope: string): number {
    return [...this.on(scope).values()].filter((as) => as === "uncapped").length;
  }

  private on(scope: string): ReadonlyMap<string, HeldAs> {
    return this.now.get(scope) ?? this.held(scope);
  }
}

/** Scopes that are kept as a whole: of what only the policy can count (windows, members that must stay healthy). */
export function wholeScopes(plan: Plan): string[] {
  return plan.limits.shared?.minHealthy ? queuedScopes(plan) : windowScopes(plan);
}

/** The first ahead that keeps a scope of which no part can be left to others (ADR 0043). */
export function keptWhole(plan: Plan, ahead: readonly Queued[]): string | null {
  const whole = wholeScopes(plan);
  return ahead.find(({ holds }) => holds.some((scope) => whole.includes(scope)))?.remediationId ?? null;
}

/**
 * Which of those ahead the plan must wait behind; null: each of them still finds its room when this one goes first. They
 * were told at the same moment, and who confirms faster is not sent back (ADR 0043). `held`: without its own leases.
 */
export function behindWhom(
  { remediationId, plan }: { remediationId: string; plan: Plan },
  ahead: readonly Queued[],
  held: Held,
): string | null {
  const walk = new Walk(held);
  for (const one of ahead) walk.pass(one);
  const keeper = queuedScopes(plan).find((scope) => walk.kept.has(scope));
  if (keeper !== undefined) return walk.kept.get(keeper) ?? null;
  const caps = cappedScopes(plan);
  const target = `${plan.target.kind} ${plan.target.id}`;
  const me = { remediationId, target, caps, leases: leasedScopes(plan), holds: [], asleep: false };
  const first = walk.inItsPlaces(me);
  if (first !== null || walk.pass(me)) return first;
  const full = caps.find(({ scope }) => walk.taken.has(scope));
  return walk.taken.get(full?.scope ?? "") ?? ahead[0]?.remediationId ?? null;
}
