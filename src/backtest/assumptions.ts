/** What a recording does not say, and what is assumed instead. Every report names them. */
import type { Alert } from "../contracts/alert.ts";
import type { JsonObject } from "../contracts/json.ts";

export interface Assumptions {
  /** ms that a plan of this runbook holds its leases. It then heals. */
  workMs: (runbook: string) => number;
  /** ms until a person approves; null: nobody ever does. */
  approveAfterMs: number | null;
  /** ms until a person resets a breaker; null: nobody ever does. */
  resetAfterMs: number | null;
  /** What the runbook's `collect` would have read; null: not known. A `require` that needs it is then refused. */
  evidence: (runbook: string, alert: Alert) => JsonObject | null;
}

const MINUTE_MS = 60_000;
export const DEFAULT_WORK_MS = 30 * MINUTE_MS;

export const DEFAULT_ASSUMPTIONS: Assumptions = {
  workMs: () => DEFAULT_WORK_MS,
  approveAfterMs: 10 * MINUTE_MS,
  resetAfterMs: 60 * MINUTE_MS,
  evidence: () => null,
};
