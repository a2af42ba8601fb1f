import type { CountedFacts, DecisionFacts, SharedFacts } from "../../src/contracts/facts.ts";
import { PLAN_SCHEMA, type Plan, type PlanStep, type Risk, type SharedLimits } from "../../src/contracts/plan.ts";
import type { SloLimit, SurroundingFacts, SurroundingLimits } from "../../src/contracts/surroundings.ts";
import type { Target } from "../../src/contracts/target.ts";

export const NOW = "2026-11-21T12:00:00.000Z";
export const PLAN_HASH = "p".repeat(64);
export const RUNBOOK_HASH = "r".repeat(64);
export const HOUR_MS = 3_600_000;

/** ISO, `ms` before (or, negative, after) now. */
export function ago(ms: number): string {
  return new Date(Date.parse(NOW) - ms).toISOString();
}

export const TARGET: Target = {
  kind: "host",
  id: "web-1",
  owner: "web-team",
  group: "web",
  rack: "r1",
  region: "eu",
  services: ["shop"],
  labels: {},
  stateless: true,
  attributes: {},
};

export function stepOf(risk: Risk): PlanStep {
  return {
    id: risk,
    uses: `fake.${risk}`,
    actionVersion: 1,
    with: {},
    risk,
    undoable: false,
    finish: { healthy: false, otherwise: false, ramped: false },
    applyTimeoutMs: 1_000,
    lifeMs: 1_000,
    withinMs: 1_000,
    onFail: "nextRung",
    pointOfNoReturn: false,
  };
}

export function planOf(changes: Partial<Plan> = {}, risks: Risk[] = ["low", "irreversible"]): Plan {
  const probe = {
    name: "probe",
    uses: "prometheus.query",
    with: {},
    states: { unhealthy: "value == 1", healthy: "value == 0" },
  };
  return {
    schema: PLAN_SCHEMA,
    runbook: "disk",
    runbookHash: RUNBOOK_HASH,
    owner: "web-team",
    target: TARGET,
    severity: "critical",
    probe,
    flapWindowMs: 60_000,
    rungs: [{ name: "replace", steps: risks.map(stepOf), verify: { holdMs: 1, withinMs: 1, also: [] } }],
    finish: {
      healthy: { restore: "atOnce", overMs: 0 },
      escalate: { afterEffect: "page", beforeEffect: "bySeverity" },
    },
    limits: {
      cooldownMs: 24 * HOUR_MS,
      attempts: { max: 2, windowMs: 7 * 24 * HOUR_MS },
      rate: { max: 20, windowMs: HOUR_MS },
      caps: [
        { scope: "group:web", max: 4, because: "10% of 40 in group web" },
        { scope: "rack:r1", max: 1, because: "1 in rack r1" },
      ],
    },
    approval: { roles: ["dc-ops"], expiresMs: 4 * HOUR_MS, onTimeout: "escalate" },
    harm: null,
    collected: {},
    ...changes,
  };
}

export const STANDING = {
  id: "s1",
  runbook: "disk",
  runbookHash: RUNBOOK_HASH,
  group: "web",
  by: "anna",
  expiresAt: ago(-HOUR_MS),
  maxCount: 10,
  used: 3,
};

export function countedOf(changes: Partial<CountedFacts> = {}): CountedFacts {
  return {
    lastActedAt: null,
    attempts: 0,
    rateUsed: 0,
    rateSince: null,
    held: { "target:host:web-1": 0, "group:web": 0, "rack:r1": 0 },
    leftOut: {},
    openElsewhere: null,
    standing: STANDING,
    approvedBy: [],
    pauses: [],
    shared: sharedFacts(),
    surroundings: null,
    ...changes,
  };
}

export function sharedFacts(changes: Partial<SharedFacts> = {}): SharedFacts {
  return {
    targetLastActed: null,
    targetAttempts: 0,
    rates: {},
    budgets: {},
    firings: { count: 1, lastAt: NOW },
    unhealthy: {},
    failures: 0,
    breakers: [],
    health: { inWork: [], leftOut: [], outside: null },
    ...changes,
  };
}

export const NO_SHARED: SharedLimits = {
  target: { cooldownMs: null, attempts: null },
  rates: [],
  cost: { estimate: 0, budgets: [] },
  minHealthy: null,
  flapping: null,
  storms: [],
  errorBudget: null,
  pauseOnFailure: null,
  rollout: null,
  security: null,
};

export const NO_SURROUNDINGS: SurroundingLimits = {
  windows: [],
  dependencyWindows: [],
  dependsOn: [],
  silencesMaxAgeMs: null,
  slos: [],
  heldBy: null,
  correlation: null,
};

export const SHOP_SLO: SloLimit = {
  name: "shop",
  objective: 0.99,
  errors: { window: "w", recent: "r" },
  maxAgeMs: HOUR_MS,
  aggressive: { budgetLeft: 0.5, burnRate: 1 },
  conservative: { budgetLeft: 0.1, burnRate: 6 },
};

/** One of each, so that every guardrail that looks around has something to read. */
export const ALL_SURROUNDINGS: SurroundingLimits = {
  ...NO_SURROUNDINGS,
  dependsOn: ["target:host:db-1"],
  silencesMaxAgeMs: HOUR_MS,
  leasesMaxAgeMs: HOUR_MS,
  slos: [SHOP_SLO],
  correlation: {
    parents: [{ scope: "rack:r1", trips: 3, windowMs: HOUR_MS, because: "30% of 10", remedy: null }],
    holdDownMs: 60_000,
  },
};

/** A plan that is limited by what goes on around its target. */
export function surrounded(surroundings: Partial<SurroundingLimits>, risks?: Risk[]): Plan {
  const plan = planOf({}, risks);
  return { ...plan, limits: { ...plan.limits, surroundings: { ...NO_SURROUNDINGS, ...surroundings } } };
}

export function around(changes: Partial<SurroundingFacts> = {}): SurroundingFacts {
  return {
    windows: [],
    dependencyWindows: [],
    busy: [],
    silences: null,
    leases: null,
    slos: {},
    holds: [],
    correlated: {},
    latches: [],
    alertedAt: null,
    ...changes,
  };
}

/** A plan with these limits over all runbooks. */
export function limited(shared: Partial<SharedLimits>, risks?: Risk[]): Plan {
  const plan = planOf({}, risks);
  return { ...plan, limits: { ...plan.limits, shared: { ...NO_SHARED, ...shared } } };
}

export function sharing(changes: Partial<SharedFacts>, rest: Partial<CountedFacts> = {}): DecisionFacts {
  return counted({ shared: sharedFacts(changes), ...rest });
}

/** Facts under which the plan may act. */
export function factsOf(changes: Partial<DecisionFacts> = {}): DecisionFacts {
  return {
    now: NOW,
    target: TARGET,
    requirement: { holds: true, detail: "target.diskCount == 1 is true for web-1" },
    grant: { team: null, groups: null },
    modes: { global: "auto", group: "auto", runbook: "auto" },
    reading: { probe: "probe", state: "unhealthy", reason: "value 1 (4 s old)", measured: { value: 1 }, at: NOW },
    collected: {},
    planHash: PLAN_HASH,
    risk: "irreversible",
    counted: countedOf(),
    ...changes,
  };
}

export function counted(changes: Partial<CountedFacts>): DecisionFacts {
  return factsOf({ counted: countedOf(changes) });
}
