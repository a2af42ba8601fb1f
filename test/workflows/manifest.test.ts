import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "@temporalio/worker";
import { expect, it } from "vitest";
import { createManifestActivities } from "../../src/watchers/manifest-activity.ts";
import { MANIFEST_WORKFLOW } from "../../src/watchers/schedule.ts";
import { createTestDatabase } from "../support/database.ts";
import { bundlePath, sharedServer } from "../support/rig-server.ts";

const env = await sharedServer();

it("the day's manifest is written by a worker that has the folder, and its hash lies in Temporal", async () => {
  const database = await createTestDatabase();
  const folder = mkdtempSync(join(tmpdir(), "selfheal-manifest-"));
  const taskQueue = "manifest";
  // The first worker that takes it has no folder.
  let tries = 0;
  const activities = {
    "audit.manifest": () =>
      createManifestActivities(database.record, tries++ === 0 ? null : folder)["audit.manifest"](),
  };
  const workflowBundle = { codePath: await bundlePath() };
  const worker = await Worker.create({ connection: env.nativeConnection, taskQueue, workflowBundle, activities });
  try {
    const made = await worker.runUntil(
      env.client.workflow.execute(MANIFEST_WORKFLOW, { taskQueue, workflowId: "selfheal-manifest" }),
    );
    expect(tries).toBe(2);
    const [name = "", ...others] = readdirSync(folder);
    expect(others).toEqual([]);
    expect(made).toMatchObject({ number: 1, previous: "", file: join(folder, name) });
    const entry = (await database.record.audit("control")).at(-1);
    expect(entry).toMatchObject({ kind: "manifest", body: { number: 1, via: "schedule" } });
    expect(entry?.body["hash"]).toBe((made as { hash: string }).hash);
  } finally {
    await database.drop();
    rmSync(folder, { recursive: true });
  }
});
