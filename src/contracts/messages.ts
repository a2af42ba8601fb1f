/** Every signal, update and query of the remediation workflow. One object argument each. */
import { defineQuery, defineSignal, defineUpdate } from "@temporalio/workflow";
import type { Alert } from "./alert.ts";
import type { RemediationView } from "./remediation.ts";
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

export interface DecisionMessage {
  /** The hash of the exact plan that was looked at. */
  planHash: string;
  /** Who decides; verified in an activity before it counts. */
  by: string;
  reason?: string;
  /** One-time token that proves `by` (law 14); without one it counts only where unsigned decisions are allowed. */
  token?: string;
}

export interface CancelMessage {
  by: string;
  reason?: string;
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
export const cancelSignal = defineSignal<[CancelMessage]>("remediation.cancel");
export const recoverSignal = defineSignal<[RecoverMessage]>("remediation.recover");

export const approveUpdate = defineUpdate<{ accepted: true }, [DecisionMessage]>("remediation.approve");
export const rejectUpdate = defineUpdate<{ accepted: true }, [DecisionMessage]>("remediation.reject");
export const cancelUpdate = defineUpdate<{ accepted: true }, [CancelMessage]>("remediation.cancel");

export const stateQuery = defineQuery<RemediationView>("remediation.state");

export const REMEDIATION_WORKFLOW = "remediation";
export const TASK_QUEUE = "selfheal";
