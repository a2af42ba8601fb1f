/**
 * What the remediation workflow asks of the outside. The keys are the activity types as the Web UI shows them; an
 * action's own activities are named like the action (`loadbalancer.drain`, `loadbalancer.drain.undo` …).
 */
import type { Alert, FaultKey, Severity } from "./alert.ts";
import type { Word } from "./ballot.ts";
import type { EffectDirection } from "./ids.ts";
import type { EffectReport, EffectState } from "./effect.ts";
import type { Json, JsonObject } from "./json.ts";
import type { RecoverMessage } from "./messages.ts";
import type { EscalationRoute, Plan, PlanHarm } from "./plan.ts";
import type { ProbeReading, ProbeSpec } from "./probe.ts";
import type { Command, Outcome, Phase, TakeoverView } from "./remediation.ts";
import type { Target, TargetRef } from "./target.ts";
import type { GuardrailResult, Verdict } from "./verdict.ts";

export interface OpenRequest {
  remediationId: string;
  target: TargetRef;
  workflowId: string;
  runId: string;
  /** The firing alerts of the episode; all share one join key. */
  alerts: Alert[];
}
export type OpenReply =
  | {
      kind: "opened";
      runbook: string;
      owner: string;
      group: string;
      severity: Severity;
      joinKey: string;
      /** Compiled by the active catalogue; `decide` pins the version. */
      probe: ProbeSpec;
      flapWindowMs: number;
      /** Hash of the runbook that classified; `decide` says when the active one has become another. */
      runbookHash: string;
      /** That classified. */
      catalogueVersion: string;
    }
  /** A closed episode decided every one of these faults already (law 5); they were appended to its record. */
  | { kind: "decidedBefore"; remediationId: string }
  /** The record has another open episode of the target, so its workflow is gone: it must be recovered first (law 8). */
  | { kind: "otherOpen"; remediationId: string }
  /** Nobody can name a remedy: recorded, to be closed as refused. */
  | { kind: "refused"; results: GuardrailResult[]; severity: Severity; group: string }
  /** By the active catalogue these alerts belong to another target; they were sent there. */
  | { kind: "rerouted"; to: TargetRef };

export type AssessRequest = OpenRequest;
export type AssessReply =
  | Exclude<OpenReply, { kind: "opened" }>
  /** It goes on; `decided` is null while nothing can be decided yet, and confirm asks again. */
  | { kind: "assessed"; opened: OpenedReply; confirmed: ConfirmReply; decided: DecideReply | null }
  /** Nothing is to be done, so it is closed already, by this call or by a try of it whose reply was lost. */
  | ({ kind: "closed" } & ClosedAlready);
export type OpenedReply = Extract<OpenReply, { kind: "opened" }>;

export interface ClosedAlready extends CloseReply {
  outcome: Outcome;
  needsHuman: boolean;
  detail: string;
  runbook: string | null;
  planHash: string | null;
  verdict: Verdict | null;
}

export interface UnclosedRequest {
  target: TargetRef;
  workflowId: string;
  runId: string;
  /** Who asked for it, when somebody did. */
  order: RecoverMessage | null;
}
export type UnclosedReply =
  /** The record has no open episode of the target. */
  | { kind: "nothing" }
  /** Temporal does not say that its run has ended (law 2): nothing was touched, a person was told. */
  | { kind: "untouchable"; remediationId: string; detail: string }
  /** Its run has ended, and its leases are orphaned: it can begin no effect any more. */
  | { kind: "unclosed"; past: PastEpisode };

/** What the record knows of an episode whose workflow ended without closing it. */
export interface PastEpisode {
  remediationId: string;
  runbook: string | null;
  group: string;
  /** What it was at when its workflow ended: `act: loadbalancer.drain`. */
  doing: string;
  /** How its workflow ended: `TERMINATED`. */
  ended: string;
  /** Its alerts, each as firing, with no more labels than name and severity. */
  alerts: Alert[];
  plan: Plan | null;
  planHash: string | null;
  catalogueVersion: string | null;
  effects: PastEffect[];
}

/** One effect row of the record. */
export interface PastEffect {
  rung: string;
  /** As in the key: `drain`, or `drain@50` for a level of a ramp. */
  step: string;
  action: string;
  direction: EffectDirection;
  state: EffectState;
  input: JsonObject;
  result: JsonObject | null;
  detail: string;
  /** ISO; of the first intent. */
  intentAt: string;
  /** ISO; of the last intent: its apply was sent after that, if it was. */
  sentAt: string;
}

export interface ConfirmRequest {
  remediationId: string;
  runbook: string;
  target: TargetRef;
  probe: ProbeSpec;
  alerts: Alert[];
  /** Pinned by an earlier decide of this episode, else null: the active one. */
  catalogueVersion: string | null;
}
export interface ConfirmReply {
  reading: ProbeReading;
  /** Evidence by `collect` id, only after an unhealthy reading; null when a collect failed. */
  collected: JsonObject | null;
  /** Why `collected` is null. */
  detail: string;
}

export interface DecideRequest {
  remediationId: string;
  target: TargetRef;
  alerts: Alert[];
  reading: ProbeReading;
  collected: JsonObject | null;
  /** Why there is no evidence. */
  collectDetail: string;
  /** The runbook hash that confirm ran under. */
  runbookHash: string;
  /** Pinned by an earlier decide of this episode, else null: the active one is pinned now. */
  catalogueVersion: string | null;
}
export type DecideReply =
  | {
      kind: "decided";
      verdict: Verdict;
      plan: Plan;
      planHash: string;
      catalogueVersion: string;
      /** Whose approvals of this very plan count already. Left out: by a worker from before there was a quorum. */
      approvedBy?: string[];
    }
  /** No plan can be made: the verdict says why. */
  | { kind: "noPlan"; verdict: Verdict; catalogueVersion: string }
  /** The active catalogue classifies the alerts otherwise than `open` did: confirm again with this. */
  | { kind: "reclassified"; runbook: string; runbookHash: string; probe: ProbeSpec; flapWindowMs: number };

export interface DecisionRequest {
  remediationId: string;
  planHash: string;
  decision: Word;
  by: string;
  /** How it reached the workflow; a token says how the person came. */
  via: "signal" | "update";
  reason: string;
  token: string | null;
}
export interface DecisionReply {
  /** `ignored`: the person may not decide this, or has already. */
  status: "approved" | "rejected" | "needMore" | "ignored";
  /** Whose approvals count now. Left out: by a worker from before there was a quorum. */
  approvedBy?: string[];
  detail: string;
}

export interface CommandRequest {
  remediationId: string;
  command: Command;
  by: string;
  /** How it reached the workflow; a token says how the person came. */
  via: "signal" | "update";
  token: string | null;
  reason: string;
  /** ISO; when it came. With person and command it names this message. */
  at: string;
  /** Where it stood. */
  stoodAt: string;
  /** The workflow knows already that it does not go on: recorded so. */
  ignoredBecause: string | null;
  /** The effect that `skip` and `markDone` are about; null where there is none. */
  effect: EffectRequest | null;
  /** Of `markDone`. */
  result: JsonObject;
}
export interface CommandReply {
  status: "counted" | "ignored";
  detail: string;
}

export interface HeldRequest extends TakeoverView {
  remediationId: string;
  phase: Phase;
  doing: string;
}

export interface AdmitRequest {
  remediationId: string;
  planHash: string;
}
export type AdmitReply =
  | { status: "admitted"; results: GuardrailResult[] }
  | { status: "queued"; results: GuardrailResult[]; position: number; detail: string; until: string | null }
  | { status: "again"; results: GuardrailResult[]; detail: string }
  | { status: "refused"; results: GuardrailResult[] };

export interface EffectRequest {
  remediationId: string;
  target: Target;
  rung: string;
  step: string;
  action: string;
  actionVersion: number;
  direction: EffectDirection;
  /** Fully resolved. */
  input: { [key: string]: Json };
  /** 1 for the first apply, 2 for the second with the same key. */
  attempt: number;
  /** ISO; how long the workflow waits for the effect: for the record and the watcher. */
  until: string | null;
}

export interface ReadRequest {
  remediationId: string;
  phase: Phase;
  doing: string;
  probes: ProbeSpec[];
  harm: PlanHarm | null;
  /** Take the harm reading as the baseline, and have the bulk watcher hint `<remediationId>/harm` when it gets worse. */
  watchHarm: boolean;
}
export interface ReadReply {
  readings: ProbeReading[];
  harm: HarmReading | null;
}
export interface HarmReading {
  name: string;
  /** null: could not be read. */
  value: number | null;
  detail: string;
}

export interface ProgressRequest {
  remediationId: string;
  phase: Phase;
  doing: string;
  /** ISO; until when this phase may take. */
  until: string | null;
}

export interface NotifyRequest {
  remediationId: string;
  /** Distinguishes the notices of one remediation: `approval`, `end`. */
  key: string;
  route: EscalationRoute;
  severity: Severity;
  title: string;
  text: string;
}

export interface CloseRequest {
  remediationId: string;
  outcome: Outcome;
  needsHuman: boolean;
  /** One sentence: what state the target is in now. */
  detail: string;
  /** Every fault this episode decided (law 5). */
  faults: FaultKey[];
  /** `<rung>/<step>` of each effect that the closing run began; left out: it has looked at all of the record. */
  began?: string[];
}
export interface CloseReply {
  /** Head of the remediation's audit chain, so that it lies in the history too (B9). */
  auditHead: string;
  /** It is open still: a run that was reset to before these effects does not know of them. */
  unsettled?: string[];
}

export interface RemediationActivities {
  /** The first pass in one call: opened, confirmed, decided and, where nothing is to be done, closed. */
  "remediation.assess"(request: AssessRequest): Promise<AssessReply>;
  "remediation.unclosed"(request: UnclosedRequest): Promise<UnclosedReply>;
  "remediation.confirm"(request: ConfirmRequest): Promise<ConfirmReply>;
  "remediation.decide"(request: DecideRequest): Promise<DecideReply>;
  "remediation.decision"(request: DecisionRequest): Promise<DecisionReply>;
  /** A person's command at a freeze point: verified and recorded before it counts. */
  "remediation.command"(request: CommandRequest): Promise<CommandReply>;
  /** It stands still: no deadline, so that nobody is paged for its time. */
  "remediation.held"(request: HeldRequest): Promise<void>;
  "remediation.admit"(request: AdmitRequest): Promise<AdmitReply>;
  "remediation.read"(request: ReadRequest): Promise<ReadReply>;
  "remediation.progress"(request: ProgressRequest): Promise<void>;
  "remediation.notify"(request: NotifyRequest): Promise<void>;
  "remediation.close"(request: CloseRequest): Promise<CloseReply>;
  /** Reads back one effect; records what it saw. */
  "effect.observe"(request: EffectRequest): Promise<EffectReport>;
}

/** One an action and direction: `<action>`, `<action>.undo`, `<action>.finishHealthy`, `<action>.finishOtherwise`. */
export type EffectActivity = (request: EffectRequest) => Promise<EffectReport>;

export function effectActivityName(action: string, direction: EffectDirection): string {
  return direction === "apply" ? action : `${action}.${direction}`;
}
