/** What the record does for the sweeper and for `selfheal doctor`; a part of RecordStore (api.ts). */
import type { FaultKey } from "../contracts/alert.ts";
import type { TargetRef } from "../contracts/target.ts";
import type { EffectRow } from "./api-effects.ts";
import type { RemediationRow } from "./api.ts";

/** An escalation whose message did not go out yet. */
export interface UnsentEscalation {
  remediationId: string;
  key: string;
  route: string;
  summary: string;
  at: string;
  /** Tries so far that were answered, those of one moment as one; 0: nobody knows. */
  attempts: number;
  error: string | null;
  /** For another try: 2^n minutes after the n-th, at most an hour. */
  due: boolean;
  target: TargetRef;
}

export interface OrphanedLeases {
  remediationId: string;
  target: TargetRef;
  scopes: string[];
  since: string;
  /** null: the episode is open, its workflow is gone. */
  closedAt: string | null;
}

/** A firing alert that was delivered and belongs to no remediation. */
export interface LostAlert {
  faultKey: FaultKey;
  target: TargetRef;
  deliveredAt: string;
  /** To be sent again: as long after the last time as that was after it came, at most an hour. */
  due: boolean;
}

export interface RecentEffect {
  effect: EffectRow;
  target: TargetRef;
  /** Of its remediation; null while that is open. */
  closedAt: string | null;
}

/** `info`: nobody is told. `warn`: a message. `page`: a person must act. */
export type FindingSeverity = "info" | "warn" | "page";

/** One thing that record, Temporal or world have and should not (src/watchers/sweep-finding.ts says which there are). */
export interface Finding {
  /** Stable: the same thing has the same key in every sweep. */
  key: string;
  code: string;
  /** Which look found it: only a look that succeeded again can say that it is gone. */
  part: string;
  severity: FindingSeverity;
  sentence: string;
  ids: Record<string, string>;
  /** The sweeper may repair it by itself. */
  safe: boolean;
  /** What was done about it; null: nothing. */
  done: string | null;
  /** The next command for a person. */
  next: string;
}

export interface FindingRow extends Finding {
  firstSeenAt: string;
  lastSeenAt: string;
  /** When people were told; null: not yet. */
  toldAt: string | null;
  tellError: string | null;
  /** Telling was never tried, or failed long enough ago: twice as long after each try, at most an hour. */
  tellDue: boolean;
}

export interface SavedSweep {
  found: Finding[];
  /** The parts that were looked at: what they found before and not now is gone. */
  looked: string[];
  /** `loadbalancer: no answer`: parts that could not be looked at. */
  failures: string[];
  /** The database's time less the server's when it scheduled the sweep: the clocks' offset plus the way. */
  temporalLagMs: number | null;
}

export interface LastSweep {
  at: string;
  failures: string[];
  temporalLagMs: number | null;
}

export interface SweepRecord {
  /** Whether the alert of this name came from the source inside the time, and when last in 30 days. */
  heartbeat(
    source: string,
    alertname: string,
    withinMs: number,
  ): Promise<{ alive: boolean; lastSeenAt: string | null }>;
  /** Every open remediation, oldest first: for the sweeper. */
  openEpisodes(limit: number): Promise<RemediationRow[]>;
  /** Leases that were orphaned at least `olderThanMs` ago (of an open episode: held since then), by remediation. */
  orphanedLeases(olderThanMs: number, limit: number): Promise<OrphanedLeases[]>;
  /**
   * Firing alerts that were delivered at least `olderThanMs` ago, belong to no remediation, have not ended, and whose
   * target has no open remediation: they are in the inbox of a running workflow, or lost.
   */
  lostAlerts(olderThanMs: number, limit: number): Promise<LostAlert[]>;
  /** Rows of the queue whose remediation is closed. */
  queueOfClosed(limit: number): Promise<string[]>;
  /** Effects of episodes closed at least `olderThanMs` ago of which nobody knows what became of them. */
  unsettledOfClosed(olderThanMs: number, limit: number): Promise<EffectRow[]>;
  /** The newest effects of one action, in every direction and state. */
  recentEffects(action: string, limit: number): Promise<RecentEffect[]>;
  /** Not sent, those due for another try first. */
  unsentEscalations(limit: number): Promise<UnsentEscalation[]>;
  /** Writes what a sweep found and what is gone; answers what is there now. */
  saveSweep(sweep: SavedSweep): Promise<FindingRow[]>;
  /** Of somebody who is not the sweeper (a worker that may not start); it stays until a sweep finds it gone. */
  saveFinding(finding: Finding): Promise<void>;
  /** True for one caller only, while nobody was told of it and a try is due; that one tells and calls findingsTold. */
  claimTelling(key: string): Promise<boolean>;
  /** What the last sweep left, oldest first. */
  findings(): Promise<FindingRow[]>;
  /** People were told of these; or not, and why. */
  findingsTold(keys: string[], error: string | null): Promise<void>;
  /** null: there was none yet. */
  lastSweep(): Promise<LastSweep | null>;
  /** Of an open remediation: a person must act. False, changing nothing, when it is closed. */
  markNeedsHuman(remediationId: string, reason: string): Promise<boolean>;
}
