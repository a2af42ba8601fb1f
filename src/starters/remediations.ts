/** What starters, the API and the watchers do to remediation workflows. `temporal.ts` does it with Temporal. */
import type { Severity } from "../contracts/alert.ts";
import type { Word } from "../contracts/ballot.ts";
import type {
  AlertMessage,
  CancelMessage,
  CommandMessage,
  DecisionMessage,
  RecoverMessage,
} from "../contracts/messages.ts";
import type { Command } from "../contracts/remediation.ts";
import type { TargetRef } from "../contracts/target.ts";
import type { SeenRun } from "./runs.ts";

export interface StartRequest {
  target: TargetRef;
  message: AlertMessage;
  /** null: no remedy is known; a person will be told. */
  runbook: string | null;
  group: string;
  severity: Severity;
}

export type Decision =
  | { kind: Word; message: DecisionMessage }
  | { kind: "cancel"; message: CancelMessage }
  | { kind: Command; message: CommandMessage };

/** The workflow did not take a decision: wrong phase, wrong plan hash, bad shape. Its own words. */
export class DecisionRefused extends Error {
  override readonly name = "DecisionRefused";
}

/** Every method rejects with `Unavailable` when Temporal (or for decisions a worker) does not answer. */
export interface Remediations {
  /** Starts the target's workflow when none runs, and hands it the alert. */
  start(request: StartRequest): Promise<void>;
  /** Hands a resolved alert to the target's workflow, if one runs. */
  resolve(target: TargetRef, message: AlertMessage): Promise<"told" | "notRunning">;
  /** Has the target's workflow settle what an earlier one left open; starts it when none runs. */
  recover(target: TargetRef, message: RecoverMessage): Promise<void>;
  /** Of one run; without `runId` of the newest. `notFound` is not `closed` (design §3 law 2). */
  run(workflowId: string, runId?: string): Promise<SeenRun>;
  /** Says that something outside may have changed. */
  hint(workflowId: string, about: string): Promise<"told" | "notRunning">;
  /** Resolves when the workflow has taken the decision. Rejects with DecisionRefused when it does not. */
  decide(workflowId: string, decision: Decision): Promise<"taken" | "notRunning">;
  ping(): Promise<void>;
}
