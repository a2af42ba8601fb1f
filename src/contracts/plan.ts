import type { Severity } from "./alert.ts";
import type { Json, JsonObject } from "./json.ts";
import type { ProbeSpec } from "./probe.ts";
import type { Route } from "./route.ts";
import type { SurroundingLimits } from "./surroundings.ts";
import type { Target } from "./target.ts";

/** The version of the plan's shape that this interpreter runs; a worker refuses any other (design §3 law 11). */
export const PLAN_SCHEMA = 1;

/** Null when this version can run it, else why not. */
export function whyStrange({ schema }: Pick<Plan, "schema">): string | null {
  return schema === PLAN_SCHEMA ? null : `the plan has schema ${schema}, this worker runs schema ${PLAN_SCHEMA}`;
}

/** Largest plan, as JSON in UTF-8 (design §3 law 13). */
export const MAX_PLAN_BYTES = 64 * 1024;

const RISKS = ["read", "low", "high", "irreversible"] as const;
export type Risk = (typeof RISKS)[number];

export function highestRisk(plan: Plan): Risk {
  const risks = plan.rungs.flatMap((rung) => rung.steps.map((step) => RISKS.indexOf(step.risk)));
  return RISKS[Math.max(0, ...risks)] ?? "read";
}

/** A runbook compiled for one target. All durations are milliseconds of wall-clock time (time scale applied). */
export interface Plan {
  schema: number;
  runbook: string;
  /** Hash of the runbook's own content: what a standing approval is bound to. */
  runbookHash: string;
  owner: string;
  target: Target;
  severity: Severity;
  probe: ProbeSpec;
  /** How long a probe must stay healthy before a remediation closes as recovered without acting. */
  flapWindowMs: number;
  rungs: PlanRung[];
  finish: PlanFinish;
  limits: PlanLimits;
  approval: PlanApproval;
  harm: PlanHarm | null;
  /** Evidence read before anything is touched, by `collect` id. Part of what is approved. */
  collected: JsonObject;
}

export interface PlanRung {
  name: string;
  steps: PlanStep[];
  verify: PlanVerify;
}

export interface PlanStep {
  id: string;
  /** The action, e.g. `loadbalancer.drain`. */
  uses: string;
  actionVersion: number;
  /** Filled in, except for whole-value references to earlier steps: `${{ steps.dc.ticketId }}`. */
  with: { [key: string]: Json };
  risk: Risk;
  undoable: boolean;
  /** It has something to do at the end: when healthy, when not; and whether the healthy end can be gradual. */
  finish: { healthy: boolean; otherwise: boolean; ramped: boolean };
  /** Start-to-close of `apply`; at most 30 s. */
  applyTimeoutMs: number;
  /** How long a request whose reply was lost may still take effect; `not happened` counts only afterwards. */
  lifeMs: number;
  /** How long its effect may take to show (a ticket, a reinstall). */
  withinMs: number;
  onFail: "nextRung" | "escalate";
  /**
   * Once it happened the target is not what it was (a technician swapped its disk), so nothing is undone any more. An
   * irreversible step passes the point of no return by being sent; this is for steps that only wait for others.
   */
  pointOfNoReturn: boolean;
}

export interface PlanVerify {
  /** The probe must hold healthy this long. */
  holdMs: number;
  /** How long to wait for the first healthy reading. */
  withinMs: number;
  also: ProbeSpec[];
}

export interface PlanFinish {
  healthy: { restore: "atOnce" | "ramp"; overMs: number };
  escalate: { afterEffect: EscalationRoute; beforeEffect: EscalationRoute };
}
export type EscalationRoute = Route | "bySeverity";

/** A cap on remediations in flight that hold a lease on `scope`. */
export interface ScopeCap {
  scope: string;
  /** At most this many targets at once; 0: none at all, so that a plan is refused rather than left waiting. */
  max: number;
  /** How the number came about, for people: `10% of 40 in group web`. */
  because: string;
}

export interface PlanLimits {
  cooldownMs: number;
  attempts: { max: number; windowMs: number };
  rate: { max: number; windowMs: number } | null;
  caps: ScopeCap[];
  /** What the configuration limits for all runbooks together. Left out: a plan from before there was any of it. */
  shared?: SharedLimits;
  /** What goes on around the target. Left out: as above. */
  surroundings?: SurroundingLimits;
}

/** So many in a window, at a place of the target (`global`, `group:web`), over all runbooks. */
export interface ScopedRate {
  scope: string;
  max: number;
  windowMs: number;
}

/** Limits over all runbooks: from `limits`, `defaults` and the group's own `limits` of selfheal.yaml. */
export interface SharedLimits {
  target: { cooldownMs: number | null; attempts: { max: number; windowMs: number } | null };
  rates: ScopedRate[];
  /** `estimate` and `max` are of one unit, which the team chooses. */
  cost: { estimate: number; budgets: ScopedRate[] };
  minHealthy: MinHealthy | null;
  flapping: Flapping | null;
  storms: StormLimit[];
  /** Failures of this runbook in this group; `scope` is what its breaker demotes to review. */
  errorBudget: ScopedRate | null;
  /** What is paused when this plan fails after an effect; null: nothing. */
  pauseOnFailure: string | null;
  /** Acts where bucket < percent; both 0 to 100, the bucket from the hash of runbook and target. */
  rollout: { percent: number; bucket: number } | null;
  /** Why this plan is a matter of security, which always needs a person; null: it is none. */
  security: string | null;
}

export interface MinHealthy {
  scope: string;
  /** Members of the group, of the target's kind. */
  members: number;
  /** At least this many must be left while this plan runs. */
  min: number;
  because: string;
  /** Oldest reading of load balancer and health query that counts; null: none is asked for. */
  outsideMaxAgeMs: number | null;
}

/** Of one fault that fires, recovers and fires again: from `from` firings on it waits, at `person` it goes to one. */
export interface Flapping {
  from: number;
  person: number;
  windowMs: number;
  /** After the last firing; doubled with each further one. */
  backoffMs: number;
}

/** Trips when so many distinct targets of the scope had new alerts inside the window. */
export interface StormLimit {
  scope: string;
  /** Of this group alone; null: of everything. */
  group: string | null;
  trips: number;
  windowMs: number;
  because: string;
}

export interface PlanApproval {
  roles: string[];
  /** Different people who must approve; left out: one. */
  quorum?: number;
  expiresMs: number;
  onTimeout: "escalate" | "refuse";
}

/** A declared SLI that stops the plan when it gets worse by more than its bound. */
export interface PlanHarm {
  name: string;
  query: string;
  maxAgeMs: number;
  /** `higher`: a larger value is better (availability). */
  better: "higher" | "lower";
  /** Absolute distance from the baseline that is harm: `0.02` for two points of a ratio. */
  worseBy: number;
}
