/** What goes on around a target, as far as it limits its plans: pinned from selfheal.yaml, slos.yaml and the inventory. */
import type { Alert } from "../contracts/alert.ts";
import { parentAlert, parentOf, parentScopesOf } from "../contracts/correlation.ts";
import { scopeOf } from "../contracts/ids.ts";
import { placesOf } from "../contracts/scopes.ts";
import type { CalendarWindow, CorrelationLimit, SloLimit, SurroundingLimits } from "../contracts/surroundings.ts";
import type { Target } from "../contracts/target.ts";
import { bindingsOf } from "./bindings.ts";
import type { Catalogue, Runbook } from "./catalogue.ts";
import { CompileError } from "./compile-error.ts";
import { groupLimitsOf } from "./compile-shared.ts";
import { dependenciesOf, dependenciesOfScope } from "./dependencies.ts";
import type { CorrelationSpec } from "./grammar/windows.ts";
import { identify } from "./identity.ts";
import { ANY_KIND, sizeKey } from "./inventory.ts";
import { runbooksFor } from "./match.ts";
import { escapePromql, fill } from "./template.ts";

/** Inventory label by which another system says that a target is its. */
export const HELD_BY_LABEL = "held-by";
/** A plan has a largest size. */
const MOST_DEPENDENCIES = 200;
const SILENCES_MAX_AGE_MS = 5 * 60_000;
const LEASES_MAX_AGE_MS = 5 * 60_000;

export function compileSurroundings(
  catalogue: Catalogue,
  runbook: Runbook,
  target: Target,
  alert: Alert,
): SurroundingLimits {
  const dependsOn = dependenciesOf(catalogue.inventory, target);
  if (dependsOn.length > MOST_DEPENDENCIES) {
    const detail = `${target.id} depends on ${dependsOn.length} scopes, at most ${MOST_DEPENDENCIES} go into a plan`;
    throw new CompileError("PLAN_INVALID", detail);
  }
  const heedsSilences = groupLimitsOf(catalogue, target).silences !== "ignore";
  const asksAlertmanager = heedsSilences && Object.hasOwn(catalogue.connections, "alertmanager");
  return {
    ...windowsOf(catalogue, runbook, target, dependsOn),
    dependsOn,
    silencesMaxAgeMs: asksAlertmanager ? SILENCES_MAX_AGE_MS : null,
    slos: slosOf(catalogue, target, alert),
    heldBy: target.labels[HELD_BY_LABEL]?.trim() || null,
    ...(Object.hasOwn(catalogue.connections, "leases") ? { leasesMaxAgeMs: LEASES_MAX_AGE_MS } : {}),
    correlation: correlationOf(catalogue, target),
  };
}

/** Each window once for each of its scopes that concerns the target. */
function windowsOf(
  catalogue: Catalogue,
  runbook: Runbook,
  target: Target,
  dependsOn: readonly string[],
): Pick<SurroundingLimits, "windows" | "dependencyWindows"> {
  const mine = windowScopesOf(runbook.name, target);
  const names = [scopeOf.target(target), scopeOf.group(target.group), ...target.services.map(scopeOf.service)];
  const all = calendarOf(catalogue);
  const windows = all.filter(({ scope }) => mine.includes(scope));
  const dependencyWindows = all.filter(
    ({ scope }) =>
      !mine.includes(scope) &&
      (dependsOn.includes(scope) ||
        dependenciesOfScope(catalogue.inventory, scope).some((needed) => names.includes(needed))),
  );
  return { windows, dependencyWindows };
}

/** Scopes whose windows hold the target; without a runbook those of its place alone. */
export function windowScopesOf(runbook: string | null, target: Target): string[] {
  const places = [...placesOf(target), scopeOf.target(target)];
  if (runbook === null) return places;
  return [...places, scopeOf.runbook(runbook), scopeOf.runbookInGroup(runbook, target.group)];
}

/** The windows of selfheal.yaml, one for each scope. */
export function calendarOf({ windows }: Pick<Catalogue, "windows">): CalendarWindow[] {
  return windows.flatMap(({ name, kind, scopes, weekly, once }) => {
    const when = weekly === undefined ? once && { once } : { weekly };
    return when === undefined ? [] : scopes.map((scope) => ({ name, kind, scope, when }));
  });
}

function slosOf(catalogue: Catalogue, target: Target, alert: Alert): SloLimit[] {
  const mine = windowScopesOf(null, target);
  const bindings = bindingsOf(catalogue, target, alert);
  return Object.entries(catalogue.slos).flatMap(([name, slo]) => {
    if (!slo.scopes.some((scope) => mine.includes(scope))) return [];
    const filled = fill(slo.errors, bindings, { escape: escapePromql });
    if (!filled.ok) throw new CompileError("FACTS_UNAVAILABLE", `SLO ${name}: ${filled.reason}`);
    const errors = filled.value as SloLimit["errors"];
    const { objective, maxAge: maxAgeMs } = slo;
    const [aggressive, conservative] = [toShares(slo.aggressive), toShares(slo.conservative)];
    return [{ name, objective, errors, maxAgeMs, aggressive, conservative }];
  });
}

function toShares({ budgetLeft, burnRate }: { budgetLeft: number; burnRate: number }): SloLimit["aggressive"] {
  return { budgetLeft: budgetLeft / 100, burnRate };
}

/** A parent does not wait for itself. */
function correlationOf(catalogue: Catalogue, target: Target): SurroundingLimits["correlation"] {
  const { correlation } = catalogue;
  if (correlation === undefined) return null;
  const self = parentScopesOf(target);
  const parents = correlation.parents.flatMap((spec) =>
    scopesOf(catalogue, target, spec.parent)
      .filter(({ scope }) => !self.includes(scope))
      .map(({ scope, size }) => limitOf(catalogue, spec, scope, size)),
  );
  return { parents, holdDownMs: correlation.holdDown };
}

function scopesOf(
  { inventory }: Catalogue,
  target: Target,
  parent: CorrelationSpec["parents"][number]["parent"],
): { scope: string; size: number }[] {
  if (parent === "dependency") {
    const needed = inventory.dependsOn.get(scopeOf.target(target)) ?? [];
    return needed.map((scope) => ({ scope, size: inventory.dependents.get(scope) ?? 0 }));
  }
  const places = placesOf(target).filter((scope) => scope.startsWith(`${parent}:`));
  return places.map((scope) => ({ scope, size: inventory.sizes.get(sizeKey(ANY_KIND, scope)) ?? 0 }));
}

function limitOf(
  catalogue: Catalogue,
  { share, atLeast, within }: CorrelationSpec["parents"][number],
  scope: string,
  size: number,
): CorrelationLimit {
  const trips = Math.max(atLeast, Math.ceil((size * share) / 100));
  const because = `${share}% of ${size}, at least ${atLeast}`;
  return { scope, trips, windowMs: within, because, remedy: remedyOf(catalogue, scope) };
}

/** The runbook that the alert of this parent matches, where that is one, and its target is in the inventory. */
export function remedyOf(catalogue: Catalogue, scope: string): string | null {
  if (parentOf(scope) === null) return null;
  const { labels } = parentAlert({ id: "", scope, reason: "", trippedAt: "" });
  const [runbook, ...others] = runbooksFor(catalogue, labels);
  if (runbook === undefined || others.length > 0) return null;
  const { kind, from } = runbook.spec.target;
  return identify(catalogue.inventory, kind, labels, from).target === null ? null : runbook.name;
}
