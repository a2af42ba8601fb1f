/**
 * The heads of audit chains that lie in Temporal's histories: `remediation.assess` and `remediation.close` answer the head
 * of what they closed (design §6), and nobody who writes to the database alone can change that.
 */
import type { Client } from "@temporalio/client";
import { decodeFromPayloadsAtIndex } from "@temporalio/common/lib/internal-non-workflow/index.js";
import type { RemediationActivities } from "../contracts/activities.ts";
import { REMEDIATION_WORKFLOW } from "../contracts/messages.ts";
import type { HistoryHead } from "../record/audit/verify.ts";

type Events = NonNullable<
  NonNullable<Awaited<ReturnType<Client["workflowService"]["getWorkflowExecutionHistory"]>>["history"]>["events"]
>;

const CLOSING: readonly (keyof RemediationActivities)[] = ["remediation.assess", "remediation.close"];
const AT_ONCE = 8;
const CALL_TIMEOUT_MS = 20_000;

export interface HeadsWish {
  /** Left out: every remediation workflow that Temporal still knows. */
  workflowId?: string;
  /** After each run that was read. */
  onRun?: (runs: number) => void;
}

/** By remediation, what its close answered. Rejects when Temporal does not answer. */
export async function historyHeads(
  client: Client,
  { workflowId, onRun }: HeadsWish = {},
): Promise<Map<string, HistoryHead>> {
  const which =
    workflowId === undefined ? `WorkflowType = '${REMEDIATION_WORKFLOW}'` : `WorkflowId = '${quoted(workflowId)}'`;
  const heads = new Map<string, HistoryHead>();
  const decode = decoder(client);
  let runs = 0;
  let batch: Run[] = [];
  const readBatch = async (): Promise<void> => {
    // The newest word counts: a close that was tried again answers the same.
    const found = await Promise.all(batch.map((run) => closingHeads(eventsOf(client, run), decode)));
    for (const [index, closed] of found.entries()) {
      for (const { remediationId, hash } of closed)
        heads.set(remediationId, { hash, workflowId: batch[index]?.workflowId ?? "" });
    }
    runs += batch.length;
    batch = [];
    onRun?.(runs);
  };
  for await (const run of client.workflow.list({ query: which })) {
    batch.push({ workflowId: run.workflowId, runId: run.runId });
    if (batch.length === AT_ONCE) await readBatch();
  }
  if (batch.length > 0) await readBatch();
  return heads;
}

function quoted(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
}

interface Run {
  workflowId: string;
  runId: string;
}

type Payloads = NonNullable<Events[number]["activityTaskScheduledEventAttributes"]>["input"];
/** Of the first payload; undefined: there is none. */
type Decode = (payloads: Payloads) => Promise<unknown>;

/** What the closing activities of one history answered, by remediation, oldest first. */
export async function closingHeads(
  events: AsyncIterable<Events[number]> | Iterable<Events[number]>,
  decode: Decode,
): Promise<{ remediationId: string; hash: string }[]> {
  const heads: { remediationId: string; hash: string }[] = [];
  /** By the event that scheduled it: whose close it is. */
  const closing = new Map<string, string>();
  for await (const event of events) {
    const { activityTaskScheduledEventAttributes: scheduled, activityTaskCompletedEventAttributes: completed } = event;
    if (scheduled && (CLOSING as readonly string[]).includes(scheduled.activityType?.name ?? "")) {
      const remediationId = textOf(await decode(scheduled.input), "remediationId");
      if (remediationId !== null) closing.set(String(event.eventId), remediationId);
    }
    const remediationId = closing.get(String(completed?.scheduledEventId));
    if (!completed || remediationId === undefined) continue;
    const hash = textOf(await decode(completed.result), "auditHead");
    if (hash !== null) heads.push({ remediationId, hash });
  }
  return heads;
}

/** A text that is not empty. */
function textOf(value: unknown, name: string): string | null {
  const text = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : null;
  return typeof text === "string" && text !== "" ? text : null;
}

/** With the client's own codec, should payloads be encrypted. */
export function decoder(client: Client): Decode {
  const { loadedDataConverter } = client.workflow.options;
  return (payloads) => decodeFromPayloadsAtIndex<unknown>(loadedDataConverter, 0, payloads?.payloads ?? null);
}

async function* eventsOf(client: Client, { workflowId, runId }: Run): AsyncGenerator<Events[number]> {
  const { namespace } = client.options;
  let nextPageToken: Uint8Array | undefined;
  do {
    const request = {
      namespace,
      execution: { workflowId, runId },
      ...(nextPageToken === undefined ? {} : { nextPageToken }),
    };
    const page = await client.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
      client.workflowService.getWorkflowExecutionHistory(request),
    );
    yield* page.history?.events ?? [];
    nextPageToken = page.nextPageToken.length > 0 ? page.nextPageToken : undefined;
  } while (nextPageToken !== undefined);
}
