import type { Context } from "@temporalio/activity";
import type { ActivityExecuteInput } from "@temporalio/worker";
import { expect, test } from "vitest";
import { remediationInLogs } from "../../src/workers/log-attributes.ts";

/** What stands in the lines before the activity answers, and after. */
async function attributes(request: unknown, reply: unknown): Promise<Record<string, unknown>[]> {
  const { inbound, outbound } = remediationInLogs({} as Context);
  const now = () => outbound?.getLogAttributes?.({ activityType: "a" }, (all) => all) ?? {};
  const seen: Record<string, unknown>[] = [];
  const run = () => Promise.resolve(void seen.push(now())).then(() => reply);
  const input = { args: [request], headers: {} } as ActivityExecuteInput;
  expect(await inbound?.execute?.(input, run)).toBe(reply);
  return [...seen, now()];
}

const UNNAMED = { activityType: "a" };
const NAMED = { activityType: "a", remediationId: "r-1" };

test.each([
  ["its request", { remediationId: "r-1" }, null, [NAMED, NAMED]],
  ["the order to recover it", { order: { remediationId: "r-1" } }, { kind: "nothing" }, [NAMED, NAMED]],
  ["what was found open", { order: null }, { kind: "unclosed", past: { remediationId: "r-1" } }, [UNNAMED, NAMED]],
  ["what may not be touched", { order: null }, { kind: "untouchable", remediationId: "r-1" }, [UNNAMED, NAMED]],
  ["nothing, where there is none", { order: null }, { kind: "nothing" }, [UNNAMED, UNNAMED]],
  ["nothing, where nothing is asked", undefined, undefined, [UNNAMED, UNNAMED]],
])("the lines about an activity are named by %s", async (_what, request, reply, wanted) => {
  expect(await attributes(request, reply)).toEqual(wanted);
});
