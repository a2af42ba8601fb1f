import type { FaultKey } from "./alert.ts";
import type { GuardrailResult } from "./verdict.ts";

export const PHASES = [
  "open",
  "confirm",
  "decide",
  "approve",
  "admit",
  "act",
  "verify",
  /** Its workflow ended without closing it; the next run settles what it had started. */
  "recover",
  "close",
  "closed",
] as const;
export type Phase = (typeof PHASES)[number];

export const OUTCOMES = [
  "healed",
  "recovered",
  "escalated",
  "refused",
  "rejected",
  "cancelled",
  "observed",
  "failed",
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What the query `remediation.state` answers: enough to see what it does, waits for, and who must act. */
export interface RemediationView {
  remediationId: string;
  target: { kind: string; id: string };
  runbook: string | null;
  phase: Phase;
  /** One sentence in the present tense: `waiting for the datacenter ticket 42`. */
  doing: string;
  /** What it waits for and until when, null when it does not wait. */
  waiting: { for: string; since: string; until: string | null } | null;
  planHash: string | null;
  approval: { needed: boolean; roles: string[]; expiresAt: string | null } | null;
  verdict: { outcome: string; reasons: GuardrailResult[] } | null;
  step: string | null;
  pointOfNoReturn: boolean;
  outcome: Outcome | null;
  needsHuman: boolean;
  faults: { key: FaultKey; status: "firing" | "resolved" }[];
}
