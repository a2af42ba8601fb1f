/** What the sweeper and the doctor see of Temporal: lists in bulk, one description at a time for suspects. Reads only. */
import { ScheduleNotFoundError, WorkflowNotFoundError, type Client } from "@temporalio/client";
import { REMEDIATION_WORKFLOW } from "../contracts/messages.ts";
import type { TemporalIdentity } from "../record/api-temporal.ts";
import { temporalIdentity } from "../starters/own-temporal.ts";

export interface RunningWorkflow {
  workflowId: string;
  startedAt: string;
}
/** The newest run of a workflow id. */
export type SeenWorkflow =
  | { state: "running"; /** Tries of its workflow task that waits or runs; 0: none does. */ taskAttempt: number }
  | { state: "closed"; /** `TERMINATED`, `COMPLETED` … */ how: string; at: string | null }
  /** Not closed: the namespace may be the wrong one, or the server restored to an older state (design §3 law 2). */
  | { state: "notFound" };
export interface SeenSchedule {
  state: "active" | "missing" | "paused";
  /** Of who paused it. */
  note: string;
}

/** Every method rejects when Temporal does not answer, or does not know the namespace. */
export interface TemporalView {
  namespace: string;
  /** Which namespace answers. */
  identity(): Promise<TemporalIdentity>;
  /** Remediation workflows that run. The server's lists lag some seconds behind. */
  running(limit: number): Promise<{ workflows: RunningWorkflow[]; complete: boolean }>;
  workflow(workflowId: string): Promise<SeenWorkflow>;
  /** Does it know this very run? An older state of it may know a newer or another run of the same workflow only. */
  knowsRun(workflowId: string, runId: string): Promise<boolean>;
  schedule(scheduleId: string): Promise<SeenSchedule>;
}

const LIST_TIMEOUT_MS = 20_000;
const CALL_TIMEOUT_MS = 5_000;
const PAGE = 1_000;

/** `address` is for people. */
export function temporalView(client: Client, address: string): TemporalView {
  const within = <T>(ms: number, call: () => Promise<T>): Promise<T> => client.withDeadline(Date.now() + ms, call);
  return {
    namespace: client.options.namespace,
    identity: () => temporalIdentity(client, address),
    running: (limit) => within(LIST_TIMEOUT_MS, () => running(client, limit)),
    workflow: (workflowId) => within(CALL_TIMEOUT_MS, () => workflow(client, workflowId)),
    knowsRun: (workflowId, runId) => within(CALL_TIMEOUT_MS, () => knowsRun(client, workflowId, runId)),
    schedule: (scheduleId) => within(CALL_TIMEOUT_MS, () => schedule(client, scheduleId)),
  };
}

async function running(client: Client, limit: number): Promise<{ workflows: RunningWorkflow[]; complete: boolean }> {
  const query = `WorkflowType = '${REMEDIATION_WORKFLOW}' AND ExecutionStatus = 'Running'`;
  const workflows: RunningWorkflow[] = [];
  for await (const { workflowId, startTime } of client.workflow.list({ query, pageSize: PAGE })) {
    if (workflows.length >= limit) return { workflows, complete: false };
    workflows.push({ workflowId, startedAt: startTime.toISOString() });
  }
  return { workflows, complete: true };
}

async function workflow(client: Client, workflowId: string): Promise<SeenWorkflow> {
  try {
    const { status, closeTime, raw } = await client.workflow.getHandle(workflowId).describe();
    // A continued run is not the newest for long; a paused one is there.
    if (["RUNNING", "PAUSED", "CONTINUED_AS_NEW"].includes(status.name)) {
      return { state: "running", taskAttempt: raw.pendingWorkflowTask?.attempt ?? 0 };
    }
    if (["COMPLETED", "FAILED", "CANCELLED", "TERMINATED", "TIMED_OUT"].includes(status.name)) {
      return { state: "closed", how: status.name, at: closeTime?.toISOString() ?? null };
    }
    throw new Error(`Temporal says that ${workflowId} is ${status.name}, which this version does not know`);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { state: "notFound" };
    throw error;
  }
}

async function knowsRun(client: Client, workflowId: string, runId: string): Promise<boolean> {
  try {
    await client.workflow.getHandle(workflowId, runId).describe();
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

async function schedule(client: Client, scheduleId: string): Promise<SeenSchedule> {
  try {
    const { state } = await client.schedule.getHandle(scheduleId).describe();
    return { state: state.paused ? "paused" : "active", note: state.note ?? "" };
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return { state: "missing", note: "" };
    throw error;
  }
}
