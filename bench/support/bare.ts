/** Starting bare workflows as our starter starts ours, and waiting for them. */
import type { Client } from "@temporalio/client";
import { alertSignal, type AlertMessage } from "../../src/contracts/messages.ts";
import { BARE_QUEUE, type BareWorkflow } from "../bare/names.ts";
import { until } from "./load.ts";

/** The same call, with a signal of the same size, and nothing around it. */
export async function startBare(
  client: Client,
  workflow: BareWorkflow,
  id: string,
  message: AlertMessage,
  activities = 1,
): Promise<void> {
  await client.workflow.signalWithStart(workflow, {
    taskQueue: BARE_QUEUE,
    workflowId: id,
    args: [activities],
    signal: alertSignal,
    signalArgs: [message],
  });
}

/** Until Temporal lists so many of that type as completed; answers when the last one closed, ms since the epoch. */
export async function untilClosed(client: Client, type: string, count: number, withinMs: number): Promise<number> {
  const query = `WorkflowType = "${type}" AND ExecutionStatus = "Completed"`;
  const all = async (): Promise<boolean> => (await client.workflow.count(query)).count >= count;
  await until(`${count} workflows ${type} closed`, all, { withinMs, everyMs: 250 });
  let last = 0;
  for await (const { closeTime } of client.workflow.list({ query })) last = Math.max(last, closeTime?.getTime() ?? 0);
  return last;
}
