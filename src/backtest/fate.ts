/** What became of one fault in one world. */
import type { ReasonCode } from "../contracts/verdict.ts";

/**
 * `acted`: the plan was run. `observed`, `refused`, `recovered`: closed without acting. `notApproved`: nobody approved in
 * time. `approving`, `waiting`: still so when the recording ended. `unmatched`: no runbook. `repeat`: the fault was
 * decided before and did not start again.
 */
export const FATES = [
  "acted",
  "observed",
  "refused",
  "recovered",
  "notApproved",
  "approving",
  "waiting",
  "unmatched",
  "repeat",
] as const;
export type FateKind = (typeof FATES)[number];

export interface Fate {
  kind: FateKind;
  runbook: string | null;
  target: string | null;
  group: string | null;
  /** Why, or for what it waited: codes of the results that did not pass, each once, in the order of the guardrails. */
  codes: ReasonCode[];
  /** One sentence with the numbers. */
  detail: string;
  /** Times a person was asked. */
  asked: number;
  /** Codes for which it stood in the queue. */
  waitedFor: ReasonCode[];
  waitedMs: number;
  /** Of the remediation, in its world; null: there was none. Faults of one remediation share it. */
  episode: number | null;
}
