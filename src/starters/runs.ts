/** What Temporal says of one run of a workflow. */
import { WorkflowNotFoundError, type Client } from "@temporalio/client";
import { messageOf } from "../config/user-error.ts";
import { decodeOptionalFailureToOptionalError } from "@temporalio/common/lib/internal-non-workflow/codec-helpers.js";

export type SeenRun =
  | {
      state: "running";
      /** Tries of its workflow task that waits or runs; 0: none does. */
      taskAttempt: number;
      /** The one of its activities that was tried most often; null: none is under way. */
      activity: SeenActivity | null;
    }
  | { state: "closed"; /** `TERMINATED`, `COMPLETED` … */ how: string; at: string | null }
  /** Not closed: the namespace may be the wrong one, or the server restored to an older state (design §3 law 2). */
  | { state: "notFound" };

export interface SeenActivity {
  type: string;
  attempt: number;
  /** What its last try threw; empty: nothing yet. */
  failure: string;
}

/** Without `runId` of the newest run. Rejects when Temporal does not answer. */
export async function seenRun(client: Client, workflowId: string, runId?: string): Promise<SeenRun> {
  try {
    const { status, closeTime, raw } = await client.workflow.getHandle(workflowId, runId).describe();
    // A continued run is not the newest for long; a paused one is there.
    const alive = ["RUNNING", "PAUSED", ...(runId === undefined ? ["CONTINUED_AS_NEW"] : [])];
    if (alive.includes(status.name)) {
      const activity = await mostTried(client, raw.pendingActivities ?? []);
      return { state: "running", taskAttempt: raw.pendingWorkflowTask?.attempt ?? 0, activity };
    }
    if (["COMPLETED", "FAILED", "CANCELLED", "TERMINATED", "TIMED_OUT", "CONTINUED_AS_NEW"].includes(status.name)) {
      return { state: "closed", how: status.name, at: closeTime?.toISOString() ?? null };
    }
    throw new Error(`Temporal says that ${workflowId} is ${status.name}, which this version does not know`);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { state: "notFound" };
    throw error;
  }
}

type Raw = Awaited<ReturnType<ReturnType<Client["workflow"]["getHandle"]>["describe"]>>["raw"];

async function mostTried(client: Client, pending: NonNullable<Raw["pendingActivities"]>): Promise<SeenActivity | null> {
  const [most] = pending.toSorted((a, b) => (b.attempt ?? 0) - (a.attempt ?? 0));
  if (most === undefined) return null;
  const { activityType, attempt, lastFailure } = most;
  // With payload encryption the message is a payload, too. Without its key the rest is told all the same.
  const failure = await decodeOptionalFailureToOptionalError(client.options.loadedDataConverter, lastFailure).then(
    (error) => error?.message ?? "",
    messageOf,
  );
  return { type: activityType?.name ?? "?", attempt: attempt ?? 0, failure };
}
