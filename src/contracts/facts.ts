/** The facts that the policy sees. Whatever could not be read is null, and null refuses. */
import type { Json } from "./json.ts";
import type { Risk } from "./plan.ts";
import type { ProbeReading } from "./probe.ts";
import type { SurroundingFacts } from "./surroundings.ts";
import type { Target } from "./target.ts";

export type Mode = "observe" | "review" | "auto";

export interface Pause {
  id: string;
  /** `global`, or a scope name of ids.ts. */
  scope: string;
  reason: string;
  by: string;
  at: string;
  /** ISO or null: until lifted. */
  until: string | null;
}

export interface StandingApproval {
  id: string;
  runbook: string;
  runbookHash: string;
  group: string;
  by: string;
  expiresAt: string;
  maxCount: number;
  used: number;
}

/** What admission counts, read in one transaction. */
export interface CountedFacts {
  /** ISO; the last time this runbook acted on this target. */
  lastActedAt: string | null;
  /** Times this runbook acted on this target inside the attempts window. */
  attempts: number;
  /** Times this runbook acted at all inside the rate window. */
  rateUsed: number;
  /** ISO; when the oldest of these acted. null: there is none. */
  rateSince: string | null;
  /** Targets that others hold on each scope of the plan: in work, orphaned, or left out of service. */
  held: Record<string, number>;
  /** How many of these are only left out of service by a closed remediation: none of them ends by itself. */
  leftOut: Record<string, number>;
  /** The id of another open remediation of the target, if there is one. */
  openElsewhere: string | null;
  /** A standing approval that covers this runbook hash and group now, with a use left. */
  standing: StandingApproval | null;
  /** People whose approval of this very plan hash counts and is not expired. */
  approvedBy: string[];
  pauses: Pause[];
  /** What the limits over all runbooks need; null: the plan has none. */
  shared: SharedFacts | null;
  /** What goes on around the target; null: the plan has no limits by it. */
  surroundings: SurroundingFacts | null;
}

export const BREAKER_KINDS = ["storm", "errorBudget", "correlation"] as const;
/**
 * `storm`: nothing new acts in its scope. `errorBudget`: a person approves every plan in its scope. `correlation`: the
 * parent that `scope` names is healed, and what is under it waits.
 */
export type BreakerKind = (typeof BREAKER_KINDS)[number];

/** A latch: only a person resets it; that of a correlation, the healing of its parent too. */
export interface Breaker {
  id: string;
  kind: BreakerKind;
  scope: string;
  reason: string;
  trippedAt: string;
}

/** Use of one window: how often, at what cost, and since when (ISO; null: not at all). */
export interface WindowUse {
  count: number;
  cost: number;
  since: string | null;
}

/** What stands outside the record: servers that the load balancer or a health query say are not well. */
export interface OutsideHealth {
  /** ISO, the database's time. */
  at: string;
  /** Ids of members of the group; null: it could not be read. */
  unhealthy: string[] | null;
  detail: string;
}

/** Counted over all runbooks, in the transaction of the other counts. Others' work only, never this remediation's. */
export interface SharedFacts {
  /** The last time that any runbook acted on this target. */
  targetLastActed: { at: string; runbook: string } | null;
  targetAttempts: number;
  /** By scope. */
  rates: Record<string, WindowUse>;
  budgets: Record<string, WindowUse>;
  /** How often the alerts of this remediation fired inside the flapping window, and when last. */
  firings: { count: number; lastAt: string | null };
  /** Distinct targets with new alerts inside the storm's window, by scope; since its breaker was last reset. */
  unhealthy: Record<string, number>;
  /** Failures after an effect inside the error budget's window; since its breaker was last reset. */
  failures: number;
  breakers: Breaker[];
  /** Members of the group other than this target, by id. */
  health: { inWork: string[]; leftOut: string[]; outside: OutsideHealth | null };
}

export interface DecisionFacts {
  /** The database's time, ISO. */
  now: string;
  target: Target | null;
  /** Result of the runbook's `require`; null when it could not be evaluated. */
  requirement: { holds: boolean | null; detail: string };
  /** Groups that the runbook may touch; null: every group. `team`: whose it is, null: nobody's in particular. */
  grant: { team: string | null; groups: readonly string[] | null };
  modes: { global: Mode; group: Mode; runbook: Mode };
  reading: ProbeReading;
  /** null when a collect failed. */
  collected: { [key: string]: Json } | null;
  planHash: string;
  risk: Risk;
  /** null when the record could not be read. */
  counted: CountedFacts | null;
}
