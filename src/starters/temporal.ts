/** Remediations on a Temporal client. Every call has a deadline; every failure says whether others will fail too. */
import {
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
} from "@temporalio/client";
import { defineSearchAttributeKey } from "@temporalio/common";
import { messageOf } from "../config/user-error.ts";
import { severityOf } from "../contracts/alert.ts";
import { MAX_ATTRIBUTE_LENGTH, type SearchAttribute } from "../contracts/attributes.ts";
import { workflowId } from "../contracts/ids.ts";
import {
  alertSignal,
  approveUpdate,
  cancelUpdate,
  commandUpdate,
  hintSignal,
  recoverSignal,
  rejectUpdate,
  withdrawUpdate,
  REMEDIATION_WORKFLOW,
  TASK_QUEUE,
  type AlertMessage,
  type RecoverMessage,
} from "../contracts/messages.ts";
import type { TargetRef } from "../contracts/target.ts";
import { Unavailable } from "./problems.ts";
import { seenRun } from "./runs.ts";
import { DecisionRefused, type Decision, type Remediations, type StartRequest } from "./remediations.ts";

export interface TemporalOptions {
  /** Longest time of one call; default 10,000. */
  timeoutMs?: number;
  taskQueue?: string;
}

/** The server takes 400 bytes of summary; a character has at most 4 in UTF-8, 3 in UTF-16 halves. */
const MAX_SUMMARY_LENGTH = 130;
const MAX_DETAILS_LENGTH = 2_000;

export function temporalRemediations(client: Client, options: TemporalOptions = {}): Remediations {
  const timeoutMs = options.timeoutMs ?? 10_000;
  const taskQueue = options.taskQueue ?? TASK_QUEUE;
  const within = <T>(call: () => Promise<T>): Promise<T> => client.withDeadline(Date.now() + timeoutMs, call);
  return {
    start: (request) =>
      reached("start a remediation", () => within(() => startOnce(() => signalWithStart(client, taskQueue, request)))),
    recover: (target, message) =>
      reached("have a remediation recovered", () =>
        within(() => startOnce(() => recoverWithStart(client, taskQueue, target, message))),
      ),
    run: (id, runId) => reached("look at a workflow", () => within(() => seenRun(client, id, runId))),
    resolve: (target, message) =>
      orNotRunning(() => within(() => client.workflow.getHandle(workflowId(target)).signal(alertSignal, message))),
    hint: (id, about) => orNotRunning(() => within(() => client.workflow.getHandle(id).signal(hintSignal, { about }))),
    decide: (id, decision) => decide(client, id, decision, timeoutMs),
    ping: () =>
      reached("ask Temporal", () =>
        within(async () => {
          await client.workflowService.describeNamespace({ namespace: client.options.namespace });
        }),
      ),
  };
}

/** Two first signals of a target may race; the one that lost finds the workflow running. */
async function startOnce(start: () => Promise<void>): Promise<void> {
  try {
    await start();
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    await start();
  }
}

/** One workflow a target: what runs gets the signal, what has ended is followed by a new run. No time-out (law 12). */
function runOf(taskQueue: string, { kind, id }: TargetRef) {
  return {
    taskQueue,
    workflowId: workflowId({ kind, id }),
    args: [{ target: { kind, id } }],
    workflowIdConflictPolicy: "USE_EXISTING",
    workflowIdReusePolicy: "ALLOW_DUPLICATE",
  } as const;
}

async function recoverWithStart(
  client: Client,
  taskQueue: string,
  target: TargetRef,
  message: RecoverMessage,
): Promise<void> {
  await client.workflow.signalWithStart(REMEDIATION_WORKFLOW, {
    ...runOf(taskQueue, target),
    signal: recoverSignal,
    signalArgs: [message] satisfies [RecoverMessage],
    typedSearchAttributes: attributes({
      SelfhealTarget: `${target.kind}/${target.id}`,
      SelfhealPhase: "recover",
      SelfhealOutcome: "open",
      SelfhealRemediationId: message.remediationId,
    }),
    staticSummary: clip(`**recovery** of ${markdown(target.kind)}/${markdown(target.id)}`, MAX_SUMMARY_LENGTH),
    staticDetails: `The workflow of remediation ${markdown(message.remediationId)} ended without closing it. This one settles what it had started.`,
  });
}

async function signalWithStart(client: Client, taskQueue: string, request: StartRequest): Promise<void> {
  const { target, message } = request;
  await client.workflow.signalWithStart(REMEDIATION_WORKFLOW, {
    ...runOf(taskQueue, target),
    signal: alertSignal,
    signalArgs: [message] satisfies [AlertMessage],
    typedSearchAttributes: attributes({
      SelfhealTarget: `${target.kind}/${target.id}`,
      SelfhealRunbook: request.runbook ?? "none",
      SelfhealPhase: "open",
      SelfhealOutcome: "open",
      SelfhealGroup: request.group,
      SelfhealSeverity: request.severity,
      SelfhealRemediationId: message.remediationId,
    }),
    staticSummary: summary(request),
    staticDetails: details(request),
  });
}

function attributes(values: Partial<Record<SearchAttribute, string>>) {
  return Object.entries(values)
    .filter(([, value]) => value !== "")
    .map(([name, value]) => ({
      key: defineSearchAttributeKey(name, "KEYWORD"),
      value: value.slice(0, MAX_ATTRIBUTE_LENGTH).toWellFormed(),
    }));
}

/** `**disk-replacement** on host/web-1: SmartDiskFailing` */
function summary(request: StartRequest): string {
  const { target, message, runbook } = request;
  const what = runbook === null ? "**no remedy known** for" : `**${markdown(runbook)}** on`;
  const alertname = message.alert.labels["alertname"] ?? "alert without a name";
  const text = `${what} ${markdown(target.kind)}/${markdown(target.id)}: ${markdown(alertname)}`;
  return clip(text, MAX_SUMMARY_LENGTH);
}

function details(request: StartRequest): string {
  const { alert } = request.message;
  const lines = Object.entries(alert.labels).map(([name, value]) => `- ${markdown(name)}: ${markdown(value)}`);
  const text = [
    `Started by ${markdown(alert.source)} at ${alert.receivedAt}, firing since ${alert.startsAt}.`,
    "",
    ...lines,
  ];
  return clip(text.join("\n"), MAX_DETAILS_LENGTH);
}

function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).toWellFormed()}…`;
}

/** Labels come from anywhere: they must not become markup or further lines in the Web UI. */
function markdown(text: string): string {
  return text.replace(/\s+/g, " ").replace(/[\\`*_[\]<>|#]/g, "\\$&");
}

/** Starts for alerts that belong to another target than the one they were first sent to. */
export function reroute(remediations: Remediations, newId: () => string) {
  return async (target: TargetRef, alerts: AlertMessage["alert"][], joinKey: string): Promise<void> => {
    for (const alert of alerts) {
      const message: AlertMessage = { alert, remediationId: newId(), joinKey };
      if (alert.status === "resolved") await remediations.resolve(target, message);
      else await remediations.start({ target, message, runbook: null, group: "", severity: severityOf(alert.labels) });
    }
  };
}

async function decide(
  client: Client,
  id: string,
  decision: Decision,
  timeoutMs: number,
): Promise<"taken" | "notRunning"> {
  const handle = client.workflow.getHandle(id);
  // An abort, not a deadline: the client polls an update again and again, and each poll would have its own deadline.
  const abort = AbortSignal.timeout(timeoutMs);
  try {
    await client.withAbortSignal(abort, () => sendUpdate(handle, decision));
    return "taken";
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return "notRunning";
    if (error instanceof WorkflowUpdateFailedError) throw new DecisionRefused(messageOf(error.cause ?? error));
    if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || abort.aborted) {
      throw new Unavailable("worker", `no worker answered within ${timeoutMs} ms; is \`selfheal worker\` running?`, {
        cause: error,
      });
    }
    throw unavailable("send the decision", error);
  }
}

function sendUpdate(handle: ReturnType<Client["workflow"]["getHandle"]>, decision: Decision): Promise<unknown> {
  switch (decision.kind) {
    case "approve":
      return handle.executeUpdate(approveUpdate, { args: [decision.message] });
    case "reject":
      return handle.executeUpdate(rejectUpdate, { args: [decision.message] });
    case "withdraw":
      return handle.executeUpdate(withdrawUpdate, { args: [decision.message] });
    case "cancel":
      return handle.executeUpdate(cancelUpdate, { args: [decision.message] });
    default:
      return handle.executeUpdate(commandUpdate(decision.kind), { args: [decision.message] });
  }
}

async function orNotRunning(signal: () => Promise<void>): Promise<"told" | "notRunning"> {
  try {
    await signal();
    return "told";
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return "notRunning";
    throw unavailable("signal a remediation", error);
  }
}

async function reached<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw unavailable(what, error);
  }
}

/** gRPC: INVALID_ARGUMENT (3), ALREADY_EXISTS (6), FAILED_PRECONDITION (9) are about this one call. */
const ABOUT_ONE_CALL = new Set([3, 6, 9]);

export function unavailable(what: string, error: unknown): Unavailable {
  const root = error instanceof Error && isGrpcServiceError(error.cause) ? error.cause : error;
  const one = isGrpcServiceError(root) && ABOUT_ONE_CALL.has(root.code);
  const why = isGrpcServiceError(root) ? root.details || root.message : messageOf(root);
  return new Unavailable("temporal", `cannot ${what}: ${why}`, { cause: error, reach: one ? "one" : "all" });
}
