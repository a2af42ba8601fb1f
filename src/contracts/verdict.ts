import type { BreakerKind } from "./facts.ts";
import type { Json } from "./json.ts";

/**
 * Ordered from harmless to worst: the worst outcome of all guardrails wins. `review` is worse than `wait`, so that a
 * person is asked first and the plan queues afterwards. `observe` is worst: it tells nobody, whatever else was found.
 */
export const GUARDRAIL_OUTCOMES = ["pass", "wait", "review", "refuse", "observe"] as const;
export type GuardrailOutcome = (typeof GUARDRAIL_OUTCOMES)[number];

/** Every reason code there is, with what it means to a person. Codes are never renamed or reused. */
export const REASONS = {
  OK: "nothing stands against it",
  PAUSED: "automation is paused for this scope (kill switch)",
  TARGET_UNKNOWN: "no identity rule could name the target",
  TARGET_AMBIGUOUS: "the labels name more than one target",
  TARGET_EMPTY: "the target's id is empty",
  TARGET_OPTED_OUT: "the inventory says that automation leaves this target alone",
  NO_RUNBOOK: "no runbook matches the alert",
  AMBIGUOUS_RUNBOOK: "more than one runbook matches the alert",
  FACTS_UNAVAILABLE: "a fact that the decision needs could not be read",
  PLAN_INVALID: "the runbook gives no valid plan for this target",
  GROUP_NOT_GRANTED: "the runbook may not touch the target's group",
  REQUIREMENT_NOT_MET: "the runbook's `require` is not true for this target",
  MODE_OBSERVE: "the mode only observes",
  MODE_REVIEW: "the mode asks a person",
  ALREADY_OPEN: "another remediation of this target is open",
  COOLDOWN: "the same fix was made on this target too recently",
  ATTEMPTS_EXHAUSTED: "the fix was tried too often in the window; a person must look",
  APPROVAL_REQUIRED: "an irreversible or high-risk step needs the approval of a person",
  STANDING_APPROVAL: "a standing approval covers this runbook version and group",
  GROUP_CAP: "as many targets of the group as allowed are in work",
  RACK_CAP: "as many targets of the rack as allowed are in work",
  SERVICE_CAP: "as many targets of the service as allowed are in work",
  REGION_CAP: "as many targets of the region as allowed are in work",
  GLOBAL_CAP: "as many targets as allowed at all are in work",
  RATE: "a rate of the runbook, the group or of everything is used up in its window",
  MIN_HEALTHY: "too few members of the group would be left healthy",
  FLAPPING: "the same fault recovers and fires again",
  STORM: "so many targets are unhealthy that the cause is a common one; a person must reset the breaker",
  ERROR_BUDGET: "the automation failed too often here; a person approves every plan until one resets the breaker",
  COST_BUDGET: "the estimated cost does not fit into the budget of its window",
  SECURITY_APPROVAL: "a matter of security always needs the approval of a person",
  ROLLOUT: "this version of the runbook does not act on this target by itself yet",
  MAINTENANCE_WINDOW: "a maintenance window is open: people work on the target",
  DEPLOY_WINDOW: "a deploy window is open: a deployment or migration changes the target",
  SILENCED: "a person has silenced alerts of this target: somebody is at work there",
  DEPENDENCY: "something that the target depends on, or that depends on it, is in work",
  CORRELATED: "many targets under one parent are unhealthy: the parent is healed first",
  SLO_BUDGET: "the error budget of a service level objective asks for a person",
  HELD_ELSEWHERE: "another system holds this target",
} as const;
export type ReasonCode = keyof typeof REASONS;

export interface GuardrailResult {
  guardrail: string;
  outcome: GuardrailOutcome;
  code: ReasonCode;
  /** One sentence with the numbers that were seen. */
  detail: string;
  /** The facts this guardrail saw. */
  saw: { [key: string]: Json };
  /** Breakers that this result trips: the record latches them where the decision counts. */
  trips?: { kind: BreakerKind; scope: string; remedy?: string | null }[];
  /** What a `wait` ends with: `window:<id>`, `hold:<id>`, `pause:<id>`, `latch:<scope>`. Whoever ends one wakes its waiters. */
  waitsFor?: string[];
  /** What it needs was read too long ago: admission has it read again, once, before it refuses. */
  stale?: true;
  /** ISO; for `wait`, the earliest time at which it may pass, when that is known. */
  until?: string;
}

export type VerdictOutcome = "act" | "review" | "wait" | "refuse" | "observe";

/** All guardrail results, those that pass too, in the list's order, with the outcome. */
export interface Verdict {
  outcome: VerdictOutcome;
  results: GuardrailResult[];
  /** ISO, the database's time (design §3 law 16). */
  at: string;
  /** Of `observe`: what it would be in mode auto. */
  would?: VerdictOutcome;
}

/** What speaks against acting, in one line. */
export function whyNotPassed(results: readonly GuardrailResult[]): string {
  return results
    .filter((result) => result.outcome !== "pass")
    .map((result) => `${result.code}: ${result.detail}`)
    .join("; ");
}
