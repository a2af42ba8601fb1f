/** A parent of correlated targets, as a scope, as a target, and as the alert that starts its remediation. */
import type { Alert } from "./alert.ts";
import type { Breaker } from "./facts.ts";
import { scopeOf } from "./ids.ts";
import type { TargetRef } from "./target.ts";

/** The alert's name that a runbook for parents matches, with `parent_kind`. */
export const CORRELATED_ALERT = "SelfhealCorrelated";
export const OWN_SOURCE = "selfheal";

/** `rack:r1` and `target:rack:r1` name the parent rack/r1; null: nothing that could be healed. */
export function parentOf(scope: string): TargetRef | null {
  const parts = scope.split(":").map(decodeURIComponent);
  const [kind, id, ...rest] = parts[0] === "target" ? parts.slice(1) : parts;
  return kind && id && rest.length === 0 ? { kind, id } : null;
}

/** The scopes by which the target may be a parent. */
export function parentScopesOf(target: TargetRef): string[] {
  return [scopeOf.target(target), [target.kind, target.id].map(encodeURIComponent).join(":")];
}

/** Labels: `parent` (the scope), `parent_kind`, and `<kind>: <id>` for a runbook's `target.from`. */
export function parentAlert(latch: Pick<Breaker, "id" | "scope" | "reason" | "trippedAt">): Alert {
  const { id, scope, reason, trippedAt } = latch;
  const parent = parentOf(scope);
  return {
    fingerprint: `correlated-${id}`,
    status: "firing",
    labels: {
      ...(parent === null ? {} : { [parent.kind]: parent.id, parent_kind: parent.kind }),
      alertname: CORRELATED_ALERT,
      parent: scope,
      severity: "critical",
    },
    annotations: { summary: reason.slice(0, 1_000) },
    startsAt: trippedAt,
    endsAt: null,
    source: OWN_SOURCE,
    receivedAt: trippedAt,
  };
}
