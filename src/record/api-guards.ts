/** What the record does for the guardrails and for those who steer them; a part of RecordStore (api.ts). */
import type { Alert, Severity } from "../contracts/alert.ts";
import type { Breaker, OutsideHealth, Pause } from "../contracts/facts.ts";
import type { TargetRef } from "../contracts/target.ts";
import type { GuardrailResult } from "../contracts/verdict.ts";
import type { LeaseState } from "./api.ts";

/** A breaker that has just tripped. `key`: of its escalation, which is recorded with it. */
export interface Tripped {
  breaker: Breaker;
  key: string;
  route: "page" | "message";
  title: string;
  text: string;
  /** Of a correlation whose parent a runbook heals: the alert that starts it. It lies in the outbox already. */
  parent: Alert | null;
}

export interface BreakerRow extends Breaker {
  /** Whose decision tripped it. */
  remediationId: string;
  /** Remediations that wait in its scope. */
  waiting: number;
}

export interface QueueHolder {
  remediationId: string;
  target: TargetRef;
  state: LeaseState;
  since: string;
}

export interface QueueRow {
  remediationId: string;
  workflowId: string;
  target: TargetRef;
  runbook: string | null;
  severity: Severity;
  since: string;
  /** From 1. */
  position: number;
  /** Why it waits. */
  detail: string;
  /** ISO; when it may pass at the earliest, where that is known. */
  until: string | null;
  /** In force now, also those that came after `detail` was written. */
  pauses: Pause[];
  scopes: string[];
  /** The capped scopes of its plan, with who holds them. */
  caps: { scope: string; max: number; holders: QueueHolder[] }[];
}

/** A target that a closed remediation left out of service, or may have: it counts against the limits until it is back. */
export interface LeftOut {
  target: TargetRef;
  group: string;
  remediationId: string;
  runbook: string | null;
  /** `orphaned`: what one of its effects did is not known, so its leases stay until a person has looked. */
  state: "leftOut" | "orphaned";
  since: string;
  detail: string;
}

export interface GuardRecord {
  queue(): Promise<QueueRow[]>;

  /** Latches the breakers that these results trip, once whoever else trips them; answers those that this call tripped. */
  trip(remediationId: string, results: readonly GuardrailResult[]): Promise<Tripped[]>;
  /** The breakers that are open. */
  breakers(): Promise<BreakerRow[]>;
  /** Answers the breakers of the scope that this call reset. */
  resetBreakers(reset: { scope: string; by: string; reason: string; how: "drop" | "reEvaluate" }): Promise<Breaker[]>;
  /** Remediations that wait in the queue under a scope. */
  waitingUnder(scope: string): Promise<{ remediationId: string; workflowId: string }[]>;

  /** What load balancer and health query say of a group's members now. Answers the time it was written at. */
  saveGroupHealth(group: { kind: string; group: string }, read: Omit<OutsideHealth, "at">): Promise<string>;

  leftOut(): Promise<LeftOut[]>;
  /** A person says that the target is back in service; answers the remediations that had left it out. */
  back(target: TargetRef, by: string, reason: string): Promise<string[]>;
}
