/** How the record ends an episode's first pass and the episode itself; a part of RecordStore (api.ts). */
import type { FaultKey } from "../contracts/alert.ts";
import type { JsonObject } from "../contracts/json.ts";
import type { Plan } from "../contracts/plan.ts";
import type { Outcome, Phase } from "../contracts/remediation.ts";
import type { Verdict } from "../contracts/verdict.ts";

export interface CloseRequest {
  remediationId: string;
  outcome: Outcome;
  needsHuman: boolean;
  detail: string;
  /** Every fault that it decided (law 5). */
  faults: FaultKey[];
  /** `<rung>/<step>` of each effect that whoever closes knows of; left out: all. */
  began?: string[];
}
export interface Closed {
  /** Head of the remediation's audit chain. */
  auditHead: string;
  /** Somebody may go on now. */
  gaveBack: boolean;
  /** Nothing was closed: these effects may have happened, were not taken back, and `began` does not name them. */
  unsettled?: string[];
}

/** What a verdict puts in force; without a plan it takes the earlier one out of force. */
export interface DecisionMade {
  verdict: Verdict;
  plan: Plan | null;
  planHash: string | null;
  catalogueVersion: string;
}

/** Where it stands, and for how long at most (ISO). */
export interface Progress {
  phase: Phase;
  doing: string;
  until: string | null;
}

/** Everything that the first pass of an episode found out. */
export interface Assessment {
  remediationId: string;
  /** Null: as before. */
  progress: Progress | null;
  /** Of its audit chain, oldest first. */
  entries: { key: string; kind: string; body: JsonObject }[];
  decision: DecisionMade | null;
  /** Null: it goes on. */
  close: CloseRequest | null;
}

export interface EpisodeRecord {
  /**
   * One transaction for all of it. Answers null while it is open; one that is closed by then (by somebody else, too) is
   * left as it is.
   */
  saveAssessment(assessment: Assessment): Promise<Closed | null>;
  /**
   * Closes the episode, marks its faults as decided, releases its leases (as orphaned while an effect is not settled:
   * law 2), leaves the queue, ends its waits. Closed already it answers what closed it.
   */
  close(request: CloseRequest): Promise<Closed>;
}
