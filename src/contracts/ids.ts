/** The only place that builds and parses workflow ids and idempotency keys. */
import type { FaultKey } from "./alert.ts";
import type { TargetRef } from "./target.ts";

const PREFIX = "heal:";

/** `heal:<kind>:<id>`, each part percent-encoded, so that no id can imitate another. */
export function workflowId(target: TargetRef): string {
  if (target.kind === "" || target.id === "") {
    throw new Error(`a workflow id needs a target with kind and id, got kind="${target.kind}" id="${target.id}"`);
  }
  return `${PREFIX}${encodeURIComponent(target.kind)}:${encodeURIComponent(target.id)}`;
}

/** The target of a remediation's workflow id, or null when the id is not ours. */
export function parseWorkflowId(id: string): TargetRef | null {
  if (!id.startsWith(PREFIX)) return null;
  const [kind, target, ...rest] = id.slice(PREFIX.length).split(":");
  if (!kind || !target || rest.length > 0) return null;
  return { kind: decodeURIComponent(kind), id: decodeURIComponent(target) };
}

/** `<fingerprint>@<startsAt>`; startsAt is normalised to ISO in UTC by the source. */
export function faultKey(alert: { fingerprint: string; startsAt: string }): FaultKey {
  return `${alert.fingerprint}@${alert.startsAt}` as FaultKey;
}

export type EffectDirection = "apply" | "undo" | "finishHealthy" | "finishOtherwise";

export interface EffectRef {
  remediationId: string;
  rung: string;
  step: string;
}

/**
 * The idempotency key of an effect: `<remediationId>/<rung>/<step>`, which every second apply uses again (design §3
 * law 6); taking it back and finishing it are effects of their own: `…/undo`, `…/finishHealthy`.
 */
export function effectKey(ref: EffectRef, direction: EffectDirection = "apply"): string {
  const key = [ref.remediationId, ref.rung, ref.step].map(encodeURIComponent).join("/");
  return direction === "apply" ? key : `${key}/${direction}`;
}

export function parseEffectKey(key: string): (EffectRef & { direction: EffectDirection }) | null {
  const [remediationId, rung, step, direction = "apply", ...rest] = key.split("/").map(decodeURIComponent);
  if (!remediationId || !rung || !step || rest.length > 0 || !isDirection(direction)) return null;
  return { remediationId, rung, step, direction };
}

function isDirection(text: string): text is EffectDirection {
  return text === "apply" || text === "undo" || text === "finishHealthy" || text === "finishOtherwise";
}

/** Names of the scopes that leases are held on. */
export const scopeOf = {
  target: (target: TargetRef): string => `target:${encodeURIComponent(target.kind)}:${encodeURIComponent(target.id)}`,
  group: (name: string): string => `group:${encodeURIComponent(name)}`,
  rack: (name: string): string => `rack:${encodeURIComponent(name)}`,
  runbook: (name: string): string => `runbook:${encodeURIComponent(name)}`,
  /** One runbook in one group: what a failed automation is paused for. */
  runbookInGroup: (name: string, group: string): string =>
    `runbook:${encodeURIComponent(name)}@${encodeURIComponent(group)}`,
  region: (name: string): string => `region:${encodeURIComponent(name)}`,
  service: (name: string): string => `service:${encodeURIComponent(name)}`,
  /** Held by what depends on the scope, so that its healing waits for theirs. */
  needs: (scope: string): string => `needs:${scope}`,
};
