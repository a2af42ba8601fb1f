/**
 * What the policy counts, from memory: one function a fact, with the name that the fact has in contracts/facts.ts. A new
 * fact does not compile until it has its function here; test/record/twin.test.ts compares each with the record's SQL.
 */
import type { CountedFacts, SharedFacts } from "../../contracts/facts.ts";
import { scopeOf } from "../../contracts/ids.ts";
import type { Plan, SharedLimits } from "../../contracts/plan.ts";
import { GLOBAL_SCOPE } from "../../contracts/scopes.ts";
import { leasedScopes } from "../../record/scopes.ts";
import { iso } from "./admissions.ts";
import { perPlan } from "../../record/per-plan.ts";
import { admissionsOf, targetKey, type History } from "./history.ts";
import { SURROUNDING } from "./surroundings.ts";

export interface About {
  history: History;
  /** The remediation that asks: its own work does not count against it. */
  id: string;
  plan: Plan;
  planHash: string;
  /** ms since 1970. */
  now: number;
}

interface Counting extends About {
  /** Targets on each scope on which the plan takes leases: all, and those only left out of service. */
  leased: { all: Record<string, number>; left: Record<string, number> };
}

/** Under which names the plan's past is kept. */
const namesOf = perPlan(({ target, runbook }) => {
  const key = targetKey(target);
  return {
    target: key,
    ofTarget: admissionsOf.target(key),
    ofFix: admissionsOf.fix(key, runbook),
    ofRunbook: admissionsOf.runbook(runbook),
    ofGroup: admissionsOf.group(target.group),
    failures: `${runbook} ${target.group}`,
  };
});

export type Each<Facts, On = About> = { [Fact in keyof Facts]: (about: On) => Facts[Fact] };

const COUNTED: Each<CountedFacts, Counting> = {
  lastActedAt: ({ history, id, plan }) => {
    const last = history.admissions.of(namesOf(plan).ofFix).lastActed(id);
    return last === null ? null : iso(last.at);
  },
  attempts: ({ history, id, plan, now }) => {
    const fixes = history.admissions.of(namesOf(plan).ofFix);
    return fixes.actedCount(now, plan.limits.attempts.windowMs, id);
  },
  rateUsed: (about) => rateOf(about).count,
  rateSince: (about) => rateOf(about).since,
  held: ({ leased }) => leased.all,
  leftOut: ({ leased }) => leased.left,
  openElsewhere: ({ history, id, plan }) => history.openElsewhere(namesOf(plan).target, id),
  standing: ({ history, plan, now }) => history.standingFor(plan, now),
  approvedBy: ({ history, id, planHash, now }) => history.approvedBy(id, planHash, now),
  pauses: ({ history, now }) => history.pauses.filter((one) => one.until === null || Date.parse(one.until) > now),
  shared: (about) => {
    const { shared } = about.plan.limits;
    return shared === undefined ? null : each(SHARED, { ...about, shared });
  },
  surroundings: (about) => {
    const { surroundings } = about.plan.limits;
    return surroundings === undefined ? null : each(SURROUNDING, { ...about, surroundings });
  },
};

const SHARED: Each<SharedFacts, About & { shared: SharedLimits }> = {
  targetLastActed: ({ history, id, plan }) => {
    const last = history.admissions.of(namesOf(plan).ofTarget).lastActed(id);
    return last === null ? null : { at: iso(last.at), runbook: last.runbook };
  },
  targetAttempts: ({ history, id, plan, now, shared }) => {
    const fixes = history.admissions.of(namesOf(plan).ofTarget);
    return fixes.actedCount(now, shared.target.attempts?.windowMs ?? 0, id);
  },
  rates: (about) => windows(about, about.shared.rates),
  budgets: (about) => windows(about, about.shared.cost.budgets),
  firings: ({ history, id, now, shared }) => {
    const since = now - (shared.flapping?.windowMs ?? 0);
    const times = (history.remediation(id)?.fingerprints ?? []).map((one) => history.firings.of(one));
    const fired = times
      .map((one) => ({ count: one.countSince(since), last: one.last() }))
      .filter((one) => one.count > 0);
    const last = Math.max(...fired.map((one) => one.last ?? 0));
    return {
      count: fired.reduce((sum, one) => sum + one.count, 0),
      lastAt: fired.length === 0 ? null : iso(last),
    };
  },
  unhealthy: ({ history, now, shared }) =>
    Object.fromEntries(
      shared.storms.map(({ scope, group, windowMs }) => {
        const since = Math.max(now - windowMs, history.resets.get(`storm ${scope}`) ?? Number.NEGATIVE_INFINITY);
        return [scope, history.alerted.of(group ?? "").countSince(since, windowMs)];
      }),
    ),
  failures: ({ history, plan, now, shared: { errorBudget } }) => {
    const reset = history.resets.get(`errorBudget ${errorBudget?.scope ?? ""}`) ?? Number.NEGATIVE_INFINITY;
    const since = Math.max(now - (errorBudget?.windowMs ?? 0), reset);
    return history.failures.of(namesOf(plan).failures).countSince(since);
  },
  breakers: ({ history, shared: { errorBudget, storms } }) => {
    const scopes = [errorBudget?.scope ?? "", ...storms.map((one) => one.scope)];
    return history.breakers.filter((one) => scopes.includes(one.scope));
  },
  health: ({ history, id, plan: { target } }) => {
    const members = history.leases.members(scopeOf.group(target.group), id, targetKey(target));
    const idsOfKind = (keys: string[]): string[] =>
      keys.flatMap((key) => (key.startsWith(`${target.kind} `) ? [key.slice(target.kind.length + 1)] : [])).sort();
    return {
      inWork: idsOfKind(members.inWork),
      leftOut: idsOfKind(members.leftOut),
      outside: history.outside.get(`${target.kind} ${target.group}`) ?? null,
    };
  },
};

export function countedFrom(about: About): CountedFacts {
  return each(COUNTED, { ...about, leased: leasedBy(about) });
}

function each<Facts, On>(functions: Each<Facts, On>, about: On): Facts {
  const facts: Partial<Facts> = {};
  for (const name in functions) facts[name] = functions[name](about);
  return facts as Facts;
}

function rateOf({ history, id, plan, now }: About) {
  const admissions = history.admissions.of(namesOf(plan).ofRunbook);
  return admissions.use(now, plan.limits.rate?.windowMs ?? 0, history.admission(id));
}

function leasedBy({ history, id, plan }: About): Counting["leased"] {
  const { target } = namesOf(plan);
  const leased: Counting["leased"] = { all: {}, left: {} };
  for (const scope of leasedScopes(plan)) {
    const { all, left } = history.leases.count(scope, id, target);
    leased.all[scope] = all;
    leased.left[scope] = left;
  }
  return leased;
}

function windows(
  { history, id, plan, now }: About,
  limits: { scope: string; windowMs: number }[],
): SharedFacts["rates"] {
  return Object.fromEntries(
    limits.map(({ scope, windowMs }) => {
      const key = scope === GLOBAL_SCOPE ? admissionsOf.all : namesOf(plan).ofGroup;
      return [scope, history.admissions.of(key).use(now, windowMs, history.admission(id))];
    }),
  );
}
