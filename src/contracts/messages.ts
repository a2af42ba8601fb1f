/** Every signal, update and query of the remediation workflow. One object argument each. */
import { defineQuery, defineSignal, defineUpdate } from "@temporalio/workflow";
import type { Alert } from "./alert.ts";
import type { JsonObject } from "./json.ts";
import type { Command, RemediationView } from "./remediation.ts";
import type { TargetRef } from "./target.ts";

/** The start input. Only a starter makes the ids (design §3 law 3). */
export interface RemediationInput {
  target: TargetRef;
}

export interface AlertMessage {
  alert: Alert;
  /** The id for the episode that this alert opens, if it opens one. */
  remediationId: string;
  /** Alerts with the same key ask for the same remedy of the same target, so one episode serves them all. */
  joinKey: string;
}

/** What every message of a person carries. */
export interface PersonMessage {
  /** Who it is; verified in an activity before it counts. */
  by: string;
  reason?: string;
  /** One-time token that proves `by` (law 14); without one it counts only where unsigned decisions are allowed. */
  token?: string;
  /** The remediation that is meant. Left out: the one in work. Given, it cannot hit the target's next one. */
  remediationId?: string;
}

export interface DecisionMessage extends PersonMessage {
  /** The hash of the exact plan that was looked at. */
  planHash: string;
}

export type CancelMessage = PersonMessage;

/** `take` and what its holder commands: one message name each, `remediation.take` (ADR 31). */
export interface CommandMessage extends PersonMessage {
  /** Where it stood when the person looked (`replace/dc`). Given, a command never goes to the step behind it. */
  at?: string;
  /** Of `markDone`: what the step gave, for the steps that use it. */
  result?: JsonObject;
}

/** A remediation may be open in the record with its workflow gone: settle what it had started. */
export interface RecoverMessage {
  remediationId: string;
  /** A person's word that its workflow has ended, where Temporal does not know it any more. */
  by?: string;
}

/** Something outside may have changed. Carries no truth: the workflow reads again. */
export interface HintMessage {
  about: string;
}

export const alertSignal = defineSignal<[AlertMessage]>("remediation.alert");
export const hintSignal = defineSignal<[HintMessage]>("remediation.hint");
export const approveSignal = defineSignal<[DecisionMessage]>("remediation.approve");
export const rejectSignal = defineSignal<[DecisionMessage]>("remediation.reject");
export const withdrawSignal = defineSignal<[DecisionMessage]>("remediation.withdraw");
export const cancelSignal = defineSignal<[CancelMessage]>("remediation.cancel");
export const recoverSignal = defineSignal<[RecoverMessage]>("remediation.recover");

export const approveUpdate = defineUpdate<{ accepted: true }, [DecisionMessage]>("remediation.approve");
export const rejectUpdate = defineUpdate<{ accepted: true }, [DecisionMessage]>("remediation.reject");
export const withdrawUpdate = defineUpdate<{ accepted: true }, [DecisionMessage]>("remediation.withdraw");
export const cancelUpdate = defineUpdate<{ accepted: true }, [CancelMessage]>("remediation.cancel");

export const commandSignal = (command: Command) => defineSignal<[CommandMessage]>(`remediation.${command}`);
export const commandUpdate = (command: Command) =>
  defineUpdate<{ accepted: true }, [CommandMessage]>(`remediation.${command}`);

export const stateQuery = defineQuery<RemediationView>("remediation.state");

/** How far the record is, for the workflow that remembers it. */
export const markSignal = defineSignal<[{ beat: number }]>("record.mark");
export const RECORD_MARK_WORKFLOW = "recordMark";
export const RECORD_MARK_ID = "selfheal-record";

export const REMEDIATION_WORKFLOW = "remediation";
export const TASK_QUEUE = "selfheal";
