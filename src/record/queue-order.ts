/** In which order those go who wait for capacity, and what a waiter keeps from those behind it. Pure. */
import type { Severity } from "../contracts/alert.ts";
import type { Plan } from "../contracts/plan.ts";
import type { GuardrailResult, ReasonCode } from "../contracts/verdict.ts";
import { queuedScopes, windowScopes } from "./scopes.ts";

const HEAD_START_MS: Record<Severity, number> = { critical: 60 * 60_000, warning: 30 * 60_000, info: 0 };

/** ms since 1970 by which the queue is sorted, of one that waits since then. */
export function rankOf(since: number, severity: Severity): number {
  return since - HEAD_START_MS[severity];
}

/** Waits that end when another remediation gives capacity back. */
const CAPACITY: readonly ReasonCode[] = [
  "GROUP_CAP",
  "RACK_CAP",
  "SERVICE_CAP",
  "REGION_CAP",
  "GLOBAL_CAP",
  "MIN_HEALTHY",
  "ALREADY_OPEN",
];
/** Waits that end when a window has moved on. */
const WINDOWS: readonly ReasonCode[] = ["RATE", "COST_BUDGET"];

/**
 * The scopes on which later ones must wait behind this waiter. One that waits only for capacity keeps all of its scopes,
 * one that waits for a rate or a budget keeps its windows, so that cheaper ones do not pass it for ever, and one that
 * waits for something of its own (a cooldown, a pause) keeps nothing: it would only block others that could go.
 */
export function heldPlaces(plan: Plan, waiting: readonly GuardrailResult[]): string[] {
  const codes = waiting.filter((result) => result.outcome === "wait").map((result) => result.code);
  if (codes.every((code) => CAPACITY.includes(code))) return queuedScopes(plan);
  if (codes.every((code) => CAPACITY.includes(code) || WINDOWS.includes(code))) return windowScopes(plan);
  return [];
}
