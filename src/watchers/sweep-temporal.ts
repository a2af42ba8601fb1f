/** What the sweeper and the doctor see of Temporal: lists in bulk, one description at a time for suspects. Reads only. */
import { ScheduleNotFoundError, type Client } from "@temporalio/client";
import { SEARCH_ATTRIBUTES } from "../contracts/attributes.ts";
import { REMEDIATION_WORKFLOW } from "../contracts/messages.ts";
import type { TemporalIdentity } from "../record/api-temporal.ts";
import { temporalIdentity } from "../starters/own-temporal.ts";
import { seenRun, type SeenRun } from "../starters/runs.ts";

export interface RunningWorkflow {
  workflowId: string;
  startedAt: string;
}
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
  /** Without `runId` the newest run. */
  workflow(workflowId: string, runId?: string): Promise<SeenRun>;
  schedule(scheduleId: string): Promise<SeenSchedule>;
  /** Search attributes that the namespace lacks: every workflow task that sets one fails. */
  missingAttributes(): Promise<string[]>;
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
    workflow: (workflowId, runId) => within(CALL_TIMEOUT_MS, () => seenRun(client, workflowId, runId)),
    schedule: (scheduleId) => within(CALL_TIMEOUT_MS, () => schedule(client, scheduleId)),
    missingAttributes: () => within(CALL_TIMEOUT_MS, () => missingAttributes(client)),
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

async function schedule(client: Client, scheduleId: string): Promise<SeenSchedule> {
  try {
    const { state } = await client.schedule.getHandle(scheduleId).describe();
    return { state: state.paused ? "paused" : "active", note: state.note ?? "" };
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return { state: "missing", note: "" };
    throw error;
  }
}

async function missingAttributes({ connection, options: { namespace } }: Client): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return SEARCH_ATTRIBUTES.filter((name) => customAttributes[name] === undefined);
}
