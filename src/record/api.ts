/** What the record does for starters, activities and readers. PostgreSQL behind it; idempotent by key throughout. */
import type { Alert, FaultKey, Severity } from "../contracts/alert.ts";
import type { ModeSet } from "../contracts/autonomy.ts";
import type { CountedFacts, Pause, StandingApproval } from "../contracts/facts.ts";
import type { Json, JsonObject } from "../contracts/json.ts";
import type { Plan } from "../contracts/plan.ts";
import type { Outcome, Phase } from "../contracts/remediation.ts";
import type { TargetRef } from "../contracts/target.ts";
import type { GuardrailResult, Verdict } from "../contracts/verdict.ts";
import type { AuditRecord } from "./api-audit.ts";
import type { AutonomyRecord } from "./api-autonomy.ts";
import type { EffectRecord, EffectRow } from "./api-effects.ts";
import type { EpisodeRecord } from "./api-episodes.ts";
import type { GuardRecord, Tripped } from "./api-guards.ts";
import type { HttpRecord } from "./api-http.ts";
import type { IdentityRecord } from "./api-identity.ts";
import type { MeasureRecord } from "./api-measures.ts";
import type { NotificationRecord } from "./api-notifications.ts";
import type { PeopleRecord } from "./api-people.ts";
import type { SurroundingRecord } from "./api-surroundings.ts";
import type { SweepRecord } from "./api-sweep.ts";
import type { TemporalRecord } from "./api-temporal.ts";

/** What became of a received alert. */
export type Disposition = "received" | "delivered" | "unmatched" | "ignored";

export interface ReceivedAlert {
  alert: Alert;
  target: TargetRef | null;
  /** The target's group, where the inventory knows it: what the storm breaker counts by. */
  group?: string | null;
  /** Scopes under which it is correlated: its places, and what it depends on. */
  places?: string[];
  runbook: string | null;
  /** For `unmatched` and `ignored`: why. */
  disposition: "received" | "unmatched" | "ignored";
  reason: string | null;
  /** The runbook's re-open time (law 5): a fault decided longer ago than this is a new one. Left out: never again. */
  reopenAfterMs?: number | null;
}

export interface AlertRow extends Alert {
  faultKey: FaultKey;
  target: TargetRef | null;
  disposition: Disposition;
  reason: string | null;
  remediationId: string | null;
  /** Times the same fact came again. */
  repeats: number;
  lastSeenAt: string;
}

export interface Ingest {
  /**
   * Inserts what is new and counts what is not, in one transaction. Answers one row an alert, in order: `deliver` is
   * false when the same fact (fault and status) was delivered already, so only `delivered` deduplicates (law 9).
   * `decidedBy` is the closed episode that decided this fault (law 5), null when there is none or it may be re-opened.
   */
  receive(alerts: ReceivedAlert[]): Promise<{ faultKey: FaultKey; deliver: boolean; decidedBy: string | null }[]>;
  markDelivered(keys: { faultKey: FaultKey; status: Alert["status"] }[]): Promise<void>;
  /** Firing alerts that were delivered to a run which is gone, and belong to no remediation; answers how many. */
  returnToOutbox(faults: FaultKey[]): Promise<number>;
  /** Received at least `olderThanMs` ago and never delivered. */
  undelivered(olderThanMs: number, limit: number): Promise<AlertRow[]>;
}

/** Which commit a catalogue was read at. `clean` false: files were changed since and not committed. */
export interface CatalogueOrigin {
  commit: string;
  /** `Name <mail>` of the commit. */
  author: string;
  /** ISO. */
  committedAt: string;
  clean: boolean;
}

/** `leftOut`: its remediation is closed and left the target out of service; it counts until the target is back. */
export type LeaseState = "held" | "orphaned" | "leftOut";

export interface OpenEpisode {
  remediationId: string;
  target: TargetRef;
  workflowId: string;
  runId: string;
  runbook: string | null;
  group: string;
  owner: string;
  severity: Severity;
  faults: FaultKey[];
  /** As in ReceivedAlert. */
  reopenAfterMs?: number | null;
}
export type Opened =
  | { kind: "opened" }
  /** Every fault was decided by a closed episode; they were appended to it as repeats (law 5). */
  | { kind: "decidedBefore"; remediationId: string }
  /** The partial unique index says that another episode of this target is open (law 8). */
  | { kind: "otherOpen"; remediationId: string };

export interface WaitRow {
  key: string;
  remediationId: string;
  workflowId: string;
  /** The watched system: `tickets`, `provisioner`, `loadbalancer`. */
  system: string;
  ref: string;
  /** What the watcher saw last; another value is a reason for a hint. */
  seen: string;
  since: string;
  until: string | null;
}

export interface RemediationRow {
  remediationId: string;
  workflowId: string;
  runId: string;
  target: TargetRef;
  runbook: string | null;
  group: string;
  owner: string;
  severity: Severity;
  phase: Phase;
  doing: string;
  phaseUntil: string | null;
  planHash: string | null;
  catalogueVersion: string | null;
  outcome: Outcome | null;
  needsHuman: boolean;
  detail: string;
  openedAt: string;
  closedAt: string | null;
}

export interface AuditRow {
  remediationId: string;
  seq: number;
  at: string;
  kind: string;
  body: JsonObject;
  previousHash: string;
  hash: string;
}

export interface RemediationStory {
  remediation: RemediationRow;
  plan: Plan | null;
  alerts: AlertRow[];
  verdicts: { seq: number; verdict: Verdict; planHash: string | null }[];
  decisions: {
    decision: string;
    by: string;
    via: string;
    at: string;
    planHash: string;
    status: string;
    reason: string;
  }[];
  effects: EffectRow[];
  waits: (WaitRow & { doneAt: string | null })[];
  escalations: EscalationRow[];
  audit: AuditRow[];
}

/** `unsent`: it was written down before, and nobody knows that it went out. */
export type EscalationStands = "new" | "unsent" | "sent";

export interface EscalationRow {
  remediationId: string;
  route: string;
  summary: string;
  at: string;
  sentAt: string | null;
  /** The end of the window that it is kept back in; null: in none. */
  keptUntil: string | null;
  error: string | null;
}

export interface AdmissionRequest {
  remediationId: string;
  plan: Plan;
  planHash: string;
  /** The pure policy over the counted facts, called inside the transaction; consumed only when all pass. `sets`: modes that people set. */
  evaluate(counted: CountedFacts, now: string, sets: readonly ModeSet[]): GuardrailResult[];
}
export type Admission =
  | { status: "admitted"; results: GuardrailResult[] }
  /** In the queue: severity first, with ageing; `position` counts from 1. */
  | { status: "queued"; results: GuardrailResult[]; position: number; detail: string; until: string | null }
  /** What came up since the forecast is settled by a new decision, at once: ask a person, observe, read afresh. */
  | { status: "again"; results: GuardrailResult[]; detail: string }
  | { status: "refused"; results: GuardrailResult[] };
/** With the breakers that this very call tripped: people are to be told. */
export type Admitted = Admission & { tripped: Tripped[] };

export interface ListFilter {
  open?: boolean;
  target?: string;
  runbook?: string;
  group?: string;
  phase?: Phase;
  outcome?: Outcome;
  /** Only of these; null: of all. */
  groups?: readonly string[] | null;
  /** ISO; opened then or later. */
  since?: string;
  /** Only what stands behind this one in the list: the last of the page before. */
  after?: { openedAt: string; remediationId: string };
  /** Default 50, at most 1,001. */
  limit?: number;
}

export interface AlertFilter {
  unmatched?: boolean;
  disposition?: Disposition;
  fingerprint?: string;
  remediationId?: string;
  /** Only of targets that were in one of these when the alert came; null: of all. */
  groups?: readonly string[] | null;
  /** ISO; seen then or later. */
  since?: string;
  /** Only what stands behind this one in the list. */
  after?: { lastSeenAt: string; faultKey: string; status: string };
  /** Default 100. */
  limit?: number;
}

export interface RecordStore
  extends
    Ingest,
    EffectRecord,
    EpisodeRecord,
    IdentityRecord,
    NotificationRecord,
    PeopleRecord,
    SweepRecord,
    TemporalRecord,
    GuardRecord,
    SurroundingRecord,
    AutonomyRecord,
    HttpRecord,
    MeasureRecord,
    AuditRecord {
  /** The database's time, ISO with milliseconds (law 16). */
  now(): Promise<string>;
  ping(): Promise<void>;

  saveCatalogue(version: string, content: Json): Promise<void>;
  /** Sets the one active pointer; `origin` is audited with it. */
  activateCatalogue(version: string, origin?: CatalogueOrigin | null): Promise<void>;
  /** Of the active catalogue; null while none is. Its content is asked for by version: that never changes. */
  activeVersion(): Promise<string | null>;
  catalogue(version: string): Promise<Json | null>;

  open(episode: OpenEpisode): Promise<Opened>;
  progress(remediationId: string, phase: Phase, doing: string, until: string | null): Promise<void>;
  /** Appends one fact to the remediation's story and audit chain; a second call with the same key changes nothing. */
  append(remediationId: string, key: string, kind: string, body: JsonObject): Promise<void>;
  saveDecision(
    remediationId: string,
    verdict: Verdict,
    plan: Plan | null,
    planHash: string | null,
    catalogueVersion: string,
  ): Promise<void>;
  plan(remediationId: string): Promise<{ plan: Plan; planHash: string; catalogueVersion: string } | null>;
  countedFacts(
    remediationId: string,
    plan: Plan,
    planHash: string,
  ): Promise<{ counted: CountedFacts; now: string; modes: ModeSet[] }>;

  /** One transaction: evaluate and consume everything countable for all scopes of the plan, or nothing. */
  admit(request: AdmissionRequest): Promise<Admitted>;
  /** A person holds it: it keeps its place and is not woken until it asks for admission again. Not in the queue: nothing. */
  keepPlace(remediationId: string): Promise<void>;
  /** Takes a waiting remediation out of the queue (it gave up, or was refused). */
  leaveQueue(remediationId: string): Promise<void>;
  /**
   * Waiters that may now be admissible, in the queue's order. Ask, and hint them, after everything that may let one go:
   * close, releaseLeases, resume, leaveQueue, an admission refused, and an admission too (whoever stood right behind it
   * may go now).
   */
  admissibleWaiters(limit: number): Promise<{ workflowId: string; remediationId: string }[]>;
  /** The workflow is gone and its effects may not be settled: its leases go on counting, but it may apply no more (law 2). */
  orphanLeases(remediationId: string, reason: string): Promise<void>;
  /** A person, or the recovery after settling every effect, gives the leases back. */
  releaseLeases(remediationId: string, by: string, reason: string): Promise<void>;
  leases(): Promise<{ remediationId: string; scope: string; state: LeaseState; since: string }[]>;

  wait(row: {
    key: string;
    remediationId: string;
    system: string;
    ref: string;
    seen: string;
    until: string | null;
  }): Promise<void>;
  endWait(key: string): Promise<void>;
  /** `refs`: only of these. */
  openWaits(system: string, refs?: readonly string[]): Promise<WaitRow[]>;
  markSeen(key: string, seen: string): Promise<void>;

  /** Records an escalation once for each remediation and key, and answers how it stands; `sent` is filled in later. */
  escalation(row: { remediationId: string; key: string; route: string; summary: string }): Promise<EscalationStands>;
  escalationSent(remediationId: string, key: string, error: string | null): Promise<void>;

  pause(pause: { scope: string; reason: string; by: string; until: string | null }): Promise<Pause>;
  resume(id: string, by: string): Promise<void>;
  pauses(): Promise<Pause[]>;
  /**
   * One of selfheal.yaml: granted once, and what was left of it again after a while without it. One whose version is not
   * active (default: it is) is not granted. Answers its id; null: it has none.
   */
  grantStanding(declared: Omit<StandingApproval, "id" | "used">, isActive?: boolean): Promise<string | null>;
  withdrawStanding(id: string, by: string): Promise<void>;
  standing(): Promise<StandingApproval[]>;

  /** Newest first. */
  list(filter: ListFilter): Promise<RemediationRow[]>;
  /** By remediation id or an unambiguous beginning of one, or the newest of a target `kind/id` or `id`. */
  find(text: string): Promise<RemediationRow | null>;
  story(remediationId: string): Promise<RemediationStory | null>;
  /** One audit chain: a remediation's, or `control` for pauses, standing approvals, catalogues and the Temporal namespace. */
  audit(chain: string): Promise<AuditRow[]>;
  /** Last seen first. */
  alerts(filter: AlertFilter): Promise<AlertRow[]>;
  /** The last facts written by this remediation's target, for a target page and for recurrence. */
  target(ref: TargetRef): Promise<{ open: RemediationRow | null; recent: RemediationRow[] }>;

  /** Ends the connection pool. */
  end(): Promise<void>;
}
