/** The shape of what people send. Synchronous and without effect: validators use it (design §3 law 14). */
import type { RemediationView } from "../contracts/remediation.ts";
import { isClean } from "../contracts/text.ts";

export const MAX_TEXT = 500;

/** Says what is wrong with a decision's shape, or null. */
export function faultOfDecision(message: unknown): string | null {
  if (typeof message !== "object" || message === null)
    return `expected an object {planHash, by}, got ${typeof message}`;
  const { planHash } = message as Record<string, unknown>;
  if (!isText(planHash) || planHash === "") return "planHash: expected the hash of the plan that you looked at";
  return faultOfPerson(message);
}

/** What every message of a person must have: `{by, reason?, remediationId?}`. */
export function faultOfPerson(message: unknown): string | null {
  if (typeof message !== "object" || message === null) return `expected an object {by}, got ${typeof message}`;
  const { by, reason, remediationId, token } = message as Record<string, unknown>;
  if (!isText(by) || by.trim() === "") return "by: expected your name";
  if (reason !== undefined && !isText(reason)) return `reason: expected a text of at most ${MAX_TEXT} characters`;
  if (token !== undefined && !isText(token)) return "token: expected a text";
  return remediationId === undefined || isText(remediationId)
    ? null
    : "remediationId: expected the id of the remediation that you mean";
}

/** One that the record can keep: what it refuses would be tried for ever. */
function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_TEXT && isClean(value);
}

/** A message about another remediation than the one in work must not hit this one. */
export function faultOfMeant(view: RemediationView, remediationId: string | undefined): string | null {
  if (remediationId === undefined || remediationId === view.remediationId) return null;
  return `remediationId: got ${clip(remediationId)}, but ${view.target.id} is in work by ${view.remediationId || "none yet"}`;
}

export function clip(text: string): string {
  return text.slice(0, MAX_TEXT);
}
