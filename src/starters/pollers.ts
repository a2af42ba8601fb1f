/** How many workers ask Temporal for work. */
import type { Client } from "@temporalio/client";
import { TASK_QUEUE } from "../contracts/messages.ts";

export interface Pollers {
  workflows: number;
  activities: number;
}

const CALL_TIMEOUT_MS = 5_000;
/** The server remembers pollers for minutes; one asks again at least each minute. */
const POLLED_WITHIN_MS = 2 * 60_000;
/** temporal.api.enums.v1.TaskQueueType */
const TYPES = { workflows: 1, activities: 2 } as const;

export async function pollers(client: Client, namespace: string): Promise<Pollers> {
  const of = async (taskQueueType: 1 | 2): Promise<number> => {
    const request = { namespace, taskQueue: { name: TASK_QUEUE }, taskQueueType };
    const answer = await client.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
      client.workflowService.describeTaskQueue(request),
    );
    const seen = (answer.pollers ?? []).map(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1_000);
    return seen.filter((at) => at > Date.now() - POLLED_WITHIN_MS).length;
  };
  return { workflows: await of(TYPES.workflows), activities: await of(TYPES.activities) };
}
