/** What people say of the automation as a whole, and what it has shown; a part of RecordStore (api.ts). */
import type { Attestation, Case, ModeSet, ReviewVerdict } from "../contracts/autonomy.ts";
import type { StandingApproval } from "../contracts/facts.ts";
import type { JsonObject } from "../contracts/json.ts";
import type { TargetRef } from "../contracts/target.ts";

export interface ModeWish extends Pick<ModeSet, "scope" | "declared" | "runbookHash" | "by" | "reason"> {
  /** null: as the files say it, from now on. */
  mode: ModeSet["mode"] | null;
  /** What else is written down, e.g. what was missing when somebody overrode the gate. */
  about: JsonObject;
}

export type StandingState = "usable" | "usedUp" | "expired" | "withdrawn" | "lapsed";

export interface StandingRow extends StandingApproval {
  reason: string;
  grantedAt: string;
  /** By selfheal.yaml. */
  declared: boolean;
  state: StandingState;
  withdrawnBy: string | null;
  /** Newest first, at most 20. */
  uses: { remediationId: string; target: TargetRef; at: string }[];
}

export interface StandingWish extends Omit<StandingApproval, "id" | "used"> {
  reason: string;
}

export interface Review {
  remediationId: string;
  verdict: ReviewVerdict;
  by: string;
  reason: string;
}

export interface AutonomyRecord {
  /** Those in force: at most one a scope. */
  modes(): Promise<ModeSet[]>;
  /** Ends what was set at the scope. Answers what is in force there now; null: what the files say. Audited in `control`. */
  setMode(wish: ModeWish): Promise<ModeSet | null>;

  /** Given by hand: it lapses for good once a catalogue is activated that has another version of its runbook. */
  giveStanding(wish: StandingWish): Promise<StandingApproval>;
  /** Newest first, at most 200: those that may be used no more, too. */
  standingRows(): Promise<StandingRow[]>;
  /**
   * Ends every approval given by hand whose version is not `current`, and every one of selfheal.yaml that is not
   * `declared` (ids) any more; answers their ids.
   */
  lapseStanding(current: readonly { runbook: string; hash: string }[], declared: readonly string[]): Promise<string[]>;

  /** Of a closed remediation; a later one takes its place. Rejects with RecordConflict when it is open. */
  review(review: Review): Promise<void>;
  /** Closed inside the window and with a runbook, newest first, at most 50,000. */
  cases(windowMs: number, only?: { runbook: string; group: string }): Promise<Case[]>;
  attest(attestation: Omit<Attestation, "id" | "at">): Promise<Attestation>;
  /** Of one version, newest first. */
  attestations(runbook: string, runbookHash: string): Promise<Attestation[]>;

  /**
   * One beat further, or, where `seen` (of Temporal) is ahead, the record was restored to an older state: it goes on
   * after `seen`, and the global mode is review until a person says otherwise. All in one transaction.
   */
  beat(seen: number | null): Promise<{ beat: number; restored: boolean }>;
}
