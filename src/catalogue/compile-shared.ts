/** The limits over all runbooks, pinned into a plan: `limits`, `defaults` and the group's own `limits` of selfheal.yaml. */
import type { Alert } from "../contracts/alert.ts";
import { scopeOf } from "../contracts/ids.ts";
import type { MinHealthy, ScopedRate, SharedLimits, StormLimit } from "../contracts/plan.ts";
import { GLOBAL_SCOPE } from "../contracts/scopes.ts";
import type { Target } from "../contracts/target.ts";
import { groupSize } from "./bindings.ts";
import { hashOf } from "./canonical.ts";
import type { Catalogue, Runbook } from "./catalogue.ts";
import { ANY_KIND, sizeKey } from "./inventory.ts";
import type { GlobalLimits, GroupLimits } from "./grammar/limits.ts";

const HOUR_MS = 3_600_000;

/** Where nobody says anything. `timeScale` divides these as it divides what people write. */
function builtIn(timeScale: number) {
  const hours = (count: number): number => Math.max(1, Math.round((count * HOUR_MS) / timeScale));
  return {
    attempts: { max: 6, windowMs: hours(7 * 24) },
    flapping: { from: 4, person: 8, within: hours(6), backoff: hours(1 / 6) },
    storm: { share: 50, within: hours(1 / 6), atLeast: 5 },
    globalStorm: { share: 25, within: hours(1 / 6), atLeast: 10 },
    errorBudget: { max: 3, windowMs: hours(24) },
    pauseOnFailure: true,
  };
}

/** The group's own, key by key before the defaults. */
export function groupLimitsOf({ groups, defaults }: Catalogue, { group }: Pick<Target, "group">): GroupLimits {
  return { ...defaults, ...(Object.hasOwn(groups, group) ? groups[group]?.limits : {}) };
}

export function compileShared(
  catalogue: Catalogue,
  runbook: Runbook,
  target: Target,
  alerts: readonly Alert[],
): SharedLimits {
  const otherwise = builtIn(catalogue.timeScale);
  const ofGroup = groupLimitsOf(catalogue, target);
  const all = catalogue.limits;
  const group = scopeOf.group(target.group);
  const inGroup = scopeOf.runbookInGroup(runbook.name, target.group);
  const flapping = ofGroup.flapping ?? otherwise.flapping;
  const errorBudget = ofGroup.errorBudget ?? otherwise.errorBudget;
  return {
    target: { cooldownMs: ofGroup.cooldown ?? null, attempts: ofGroup.attempts ?? otherwise.attempts },
    rates: [...scoped(group, ofGroup.rate), ...scoped(GLOBAL_SCOPE, all.rate)],
    cost: {
      estimate: runbook.spec.limits.cost,
      budgets: [...scoped(group, ofGroup.budget), ...scoped(GLOBAL_SCOPE, all.budget)],
    },
    minHealthy: minHealthyOf(ofGroup.minHealthy, target, groupSize(catalogue, target)),
    flapping:
      flapping === "off"
        ? null
        : { from: flapping.from, person: flapping.person, windowMs: flapping.within, backoffMs: flapping.backoff },
    storms: [
      ...storm(ofGroup.storm ?? otherwise.storm, group, target.group, sizeOf(catalogue, group)),
      ...storm(all.storm ?? otherwise.globalStorm, GLOBAL_SCOPE, null, sizeOf(catalogue, GLOBAL_SCOPE)),
    ],
    errorBudget: errorBudget === "off" ? null : { scope: inGroup, ...errorBudget },
    pauseOnFailure: (ofGroup.pauseOnFailure ?? otherwise.pauseOnFailure) ? inGroup : null,
    rollout: rolloutOf(catalogue, runbook, target, ofGroup),
    security: securityOf(catalogue, runbook, alerts),
  };
}

function scoped(scope: string, limit: { max: number; windowMs: number } | undefined): ScopedRate[] {
  return limit === undefined ? [] : [{ scope, ...limit }];
}

/** Of all kinds, because the alerts of all kinds count. */
function sizeOf({ inventory }: Catalogue, place: string): number {
  return inventory.sizes.get(sizeKey(ANY_KIND, place)) ?? 0;
}

function storm(
  limit: NonNullable<GlobalLimits["storm"]>,
  scope: string,
  group: string | null,
  size: number,
): StormLimit[] {
  if (limit === "off") return [];
  const trips = Math.max(limit.atLeast, Math.ceil((size * limit.share) / 100));
  const because = `${limit.share}% of ${size}, at least ${limit.atLeast}`;
  return [{ scope, group, trips, windowMs: limit.within, because }];
}

/** Rounded up: 80 % of 3 leaves 3. */
function minHealthyOf(limit: GroupLimits["minHealthy"], target: Target, members: number): MinHealthy | null {
  if (limit === undefined) return null;
  const { keep, loadBalancer, query, maxAge } = limit;
  const byCount = typeof keep === "number";
  return {
    scope: scopeOf.group(target.group),
    members,
    min: byCount ? keep : Math.ceil((members * keep.percent) / 100),
    because: byCount ? `${keep} in group ${target.group}` : `${keep.percent}% of ${members} in group ${target.group}`,
    outsideMaxAgeMs: loadBalancer || query !== undefined ? maxAge : null,
  };
}

/** Always the same targets for one version of a runbook, and other ones for the next. */
function rolloutOf(
  catalogue: Catalogue,
  runbook: Runbook,
  target: Target,
  ofGroup: GroupLimits,
): SharedLimits["rollout"] {
  const widened = catalogue.rollouts
    .filter((one) => one.runbook === runbook.name && one.runbookHash === runbook.hash)
    .map((one) => one.share);
  const stated = runbook.spec.limits.rollout ?? ofGroup.rollout ?? 100;
  const percent = Math.max(stated, ...widened);
  if (percent >= 100) return null;
  const digits = hashOf([runbook.hash, target.kind, target.id]).slice(0, 8);
  return { percent, bucket: Math.floor((Number.parseInt(digits, 16) / 2 ** 32) * 10_000) / 100 };
}

const SECURITY = "security";

function securityOf({ approvals }: Catalogue, { name, spec }: Runbook, alerts: readonly Alert[]): string | null {
  if (spec.metadata.tags.includes(SECURITY)) return `the runbook ${name} is tagged ${SECURITY}`;
  for (const { labels } of alerts) {
    const entry = approvals.security.find((one) => Object.entries(one).every(([key, value]) => labels[key] === value));
    if (entry !== undefined) {
      const said = Object.entries(entry).map(([key, value]) => `${key}="${value}"`);
      return `an alert has ${said.join(" and ")}`;
    }
  }
  return null;
}
