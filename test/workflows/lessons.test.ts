import { Worker } from "@temporalio/worker";
import { expect, it } from "vitest";
import { ensureLessonsSchedule, LESSONS_SCHEDULE } from "../../src/watchers/schedule.ts";
import { bundlePath, sharedServer } from "../support/rig-server.ts";

const env = await sharedServer();

it("the schedule of the lessons starts a round that the bundle has, once for all workers", async () => {
  const taskQueue = "lessons";
  const { client } = env;
  let rounds = 0;
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue,
    workflowBundle: { codePath: await bundlePath() },
    activities: { "lessons.run": async () => void (rounds += 1) },
  });
  await Promise.all([1, 2].map(() => ensureLessonsSchedule(client, taskQueue)));
  const schedule = client.schedule.getHandle(LESSONS_SCHEDULE);
  await worker.runUntil(async () => {
    await schedule.trigger();
    await expect.poll(() => rounds, { timeout: 15_000 }).toBe(1);
    await expect
      .poll(async () => (await schedule.describe()).info.recentActions.length, { timeout: 15_000 })
      .toBeGreaterThan(0);
  });
  expect((await schedule.describe()).policies.overlap).toBe("SKIP");
  await schedule.delete();
});
