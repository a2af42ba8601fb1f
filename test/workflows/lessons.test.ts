import { Worker } from "@temporalio/worker";
import { expect, it } from "vitest";
import { LESSONS_WORKFLOW } from "../../src/watchers/schedule.ts";
import { bundlePath, sharedServer } from "../support/rig-server.ts";

const env = await sharedServer();

it("a round of the lessons is one call, and not tried again: the next round makes it good", async () => {
  const taskQueue = "lessons";
  let calls = 0;
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue,
    workflowBundle: { codePath: await bundlePath() },
    activities: {
      "lessons.run": async () => {
        calls += 1;
        if (calls === 2) throw new Error("the worker is out of order");
      },
    },
  });
  const round = (workflowId: string) => env.client.workflow.execute(LESSONS_WORKFLOW, { taskQueue, workflowId });
  await worker.runUntil(async () => {
    await round("lessons-1");
    await expect(round("lessons-2")).rejects.toThrow("Workflow execution failed");
  });
  expect(calls).toBe(2);
  const history = await env.client.workflow.getHandle("lessons-1").fetchHistory();
  await Worker.runReplayHistory({ workflowBundle: { codePath: await bundlePath() } }, history);
});
