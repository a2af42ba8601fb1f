/** How much a runbook may do by itself, and what it has shown for it (ADR 50). */
import type { Mode } from "./facts.ts";
import type { Outcome } from "./remediation.ts";
import type { VerdictOutcome } from "./verdict.ts";

/** From least to most. */
export const MODES: readonly Mode[] = ["observe", "review", "auto"];

/** A mode that a person set at one place. */
export interface ModeSet {
  id: string;
  /** `global`, or a scope name of ids.ts: a group, a runbook, a runbook in a group. */
  scope: string;
  mode: Mode;
  /** What the files said there when it was set: it lifts that only while they still say so. null: nothing. */
  declared: Mode | null;
  /** The version of the runbook that it is about: of another it says nothing. null: of every version. */
  runbookHash: string | null;
  by: string;
  reason: string;
  at: string;
}

export const REVIEW_VERDICTS = ["good", "falsePositive", "masking"] as const;
/** What a person says of a closed remediation: right, nothing was to be done, or it hides a deeper fault. */
export type ReviewVerdict = (typeof REVIEW_VERDICTS)[number];

export const ATTESTATION_KINDS = ["backtest", "rehearsal"] as const;
/** What a person tried before a promotion. */
export type AttestationKind = (typeof ATTESTATION_KINDS)[number];

export interface Attestation {
  id: string;
  runbook: string;
  runbookHash: string;
  kind: AttestationKind;
  passed: boolean;
  /** What was run and what came of it, in a sentence. */
  summary: string;
  by: string;
  at: string;
}

/** One closed remediation as evidence. */
export interface Case {
  remediationId: string;
  runbook: string;
  group: string;
  outcome: Outcome;
  /** Of an observed one: what it would have done. null: it did not observe, or had no plan. */
  would: VerdictOutcome | null;
  /** ISO. */
  closedAt: string;
  /** ISO; by the source's word, once all of its faults ended. null: one fires still, or nobody said. */
  endedAt: string | null;
  /** Milliseconds in which a fault that passes by itself does so: the runbook's flapWindow. null: it had no plan. */
  flapWindowMs: number | null;
  /** A person approved its plan; a person rejected it. */
  approved: boolean;
  rejected: boolean;
  review: ReviewVerdict | null;
}
