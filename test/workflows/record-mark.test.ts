import { Worker } from "@temporalio/worker";
import { expect, it } from "vitest";
import { RECORD_MARK_ID } from "../../src/contracts/messages.ts";
import { recordMark } from "../../src/watchers/pulse.ts";
import { bundlePath, sharedServer } from "../support/rig-server.ts";

const env = await sharedServer();

it("remembers the highest beat, which is there before a worker runs and while none does", async () => {
  const taskQueue = "record-mark";
  const mark = recordMark(env.client, taskQueue);
  expect(await mark.read()).toBeNull();
  await mark.write(7);
  expect(await mark.read()).toBe(7);
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue,
    workflowBundle: { codePath: await bundlePath() },
  });
  await worker.runUntil(async () => {
    await mark.write(9);
    await mark.write(8);
    for (const odd of [null, "nine", { beat: "10" }, { beat: 1e300 }]) {
      await env.client.workflow.getHandle(RECORD_MARK_ID).signal("record.mark", odd);
    }
    await expect.poll(() => mark.read()).toBe(9);
  });
  expect(await mark.read()).toBe(9);
  const history = await env.client.workflow.getHandle(RECORD_MARK_ID).fetchHistory();
  await Worker.runReplayHistory({ workflowBundle: { codePath: await bundlePath() } }, history);
});
