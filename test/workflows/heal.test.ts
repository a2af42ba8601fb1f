import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestWorkflowEnvironment } from "@temporalio/testing";
import { Rig, timeSkippingServer } from "../support/rig.ts";

let env: TestWorkflowEnvironment;
beforeAll(async () => {
  env = await timeSkippingServer();
});
afterAll(async () => {
  await env.teardown();
});

describe("a failing disk", () => {
  it("is replaced: drained, ticket, technician, reinstall, verified, back in the pool", async () => {
    const rig = await Rig.start(env);
    try {
      await rig.alert();
      const story = await rig.closed("web-1");
      expect(story.remediation.outcome).toBe("healed");
      console.log(story.audit.map((a) => `${a.at} ${a.kind} ${JSON.stringify(a.body).slice(0, 200)}`).join("\n"));
      console.log("events", await rig.replay("web-1"));
    } finally {
      await rig.stop();
    }
  });
});
