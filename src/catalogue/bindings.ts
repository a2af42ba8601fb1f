import { severityOf, type Alert } from "../contracts/alert.ts";
import type { JsonObject } from "../contracts/json.ts";
import type { Target } from "../contracts/target.ts";
import type { Catalogue } from "./catalogue.ts";
import { membersKey } from "./inventory.ts";

/** The roots that expressions may use; `collected` only once evidence was read. */
export const ROOTS = ["alert", "target", "facts", "config"] as const;
export const PLAN_ROOTS = [...ROOTS, "collected"] as const;

/**
 * What expressions see. Nothing of it depends on time, on annotations or on when the alert came, so that the same
 * fault on the same target gives the same plan.
 */
export function bindingsOf(catalogue: Catalogue, target: Target, alert: Alert, collected?: JsonObject): JsonObject {
  const { attributes, ...fields } = target;
  const bindings: JsonObject = {
    alert: { labels: alert.labels, source: alert.source, severity: severityOf(alert.labels) },
    target: { ...attributes, ...fields, attributes },
    facts: { groupSize: groupSize(catalogue, target) },
    config: catalogue.values,
  };
  return collected === undefined ? bindings : { ...bindings, collected };
}

/** Targets of the same kind in the target's group, itself included. */
export function groupSize(catalogue: Catalogue, target: Target): number {
  return catalogue.inventory.members.get(membersKey(target.kind, target.group)) ?? 0;
}
