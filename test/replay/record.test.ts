/**
 * Records the corpus anew: `SELFHEAL_RECORD_HISTORIES=1 npx vitest run --project workflows test/replay/record.test.ts`.
 * Allowed before 1.0 only, and to be said in the commit: what is recorded anew no longer guards what is in flight.
 */
import type { TestWorkflowEnvironment } from "@temporalio/testing";
import { afterAll, beforeAll, describe, it } from "vitest";
import { workflowId } from "../../src/contracts/ids.ts";
import { timeSkippingServer } from "../support/rig-server.ts";
import { Rig, type RigOptions } from "../support/rig.ts";
import { recover, terminate } from "../support/termination.ts";
import { PATHS, save } from "./corpus.ts";

const SCENARIOS: Record<keyof typeof PATHS, { options?: RigOptions; run: (rig: Rig) => Promise<unknown> }> = {
  observed: {
    options: { runbook: (runbook) => void (runbook.mode = "observe") },
    run: (rig) => rig.closed("web-1"),
  },
  healed: { run: (rig) => rig.closed("web-1") },
  recovered: {
    options: { lab: { faults: [{ name: "self-heal", host: "web-1", afterMs: 1_000 }] } },
    run: async (rig) => rig.closed("web-1"),
  },
  approved: {
    options: { standingFor: [] },
    run: async (rig) => {
      await rig.soonIn("web-1", "approve", /approval/);
      await rig.decide("approve", "web-1", "ada");
      await rig.closed("web-1");
    },
  },
  rejected: {
    options: { standingFor: [] },
    run: async (rig) => {
      await rig.soonIn("web-1", "approve", /approval/);
      await rig.decide("reject", "web-1", "ada");
      await rig.closed("web-1");
    },
  },
  expired: { options: { standingFor: [] }, run: (rig) => rig.closed("web-1") },
  refused: { options: { failing: ["db-1"] }, run: (rig) => rig.closed("db-1") },
  undone: {
    options: { lab: { faults: [{ name: "technician-absent", host: "web-1" }] } },
    run: (rig) => rig.closed("web-1"),
  },
  keptDrained: {
    options: { lab: { faults: [{ name: "installer-fails", host: "web-1" }] } },
    run: (rig) => rig.closed("web-1"),
  },
  cancelled: {
    options: { lab: { faults: [{ name: "technician-absent", host: "web-1" }] } },
    run: async (rig) => {
      await rig.untilIn("web-1", "act", /ticket/);
      await rig.cancel("web-1");
      await rig.closed("web-1");
    },
  },
  takenOver: {
    run: async (rig) => {
      await rig.untilIn("web-1", "act", /sessions/);
      await rig.take("web-1");
      await rig.command("markDone", "web-1");
      await rig.soon("the next step", async () => (await rig.stands("web-1")).at === "replace/dc");
      await rig.command("release", "web-1");
      await rig.untilIn("web-1", "verify");
      await rig.take("web-1", "grace");
      await rig.commandAndStand("retry", "web-1", "grace");
      await rig.command("release", "web-1", "grace");
      await rig.closed("web-1");
    },
  },
  settled: {
    options: { lab: { faults: [{ name: "technician-absent", host: "web-1" }] } },
    run: async (rig) => {
      await rig.untilIn("web-1", "act", /ticket/);
      await terminate(rig);
      await recover(rig);
      await rig.closed("web-1");
    },
  },
  replyLost: {
    options: { lab: { faults: [{ name: "reply-lost", system: "rt", count: 1 }] } },
    run: (rig) => rig.closed("web-1"),
  },
};

describe.runIf(process.env["SELFHEAL_RECORD_HISTORIES"] === "1")("the corpus is recorded", () => {
  let env: TestWorkflowEnvironment;
  beforeAll(async () => {
    env = await timeSkippingServer();
  });
  afterAll(async () => {
    await env.teardown();
  });

  it.each(Object.entries(SCENARIOS))("%s", async (name, { options, run }) => {
    const rig = await Rig.start(env, options);
    try {
      await rig.alert();
      await run(rig);
      const id = PATHS[name]?.workflowId ?? "";
      const [row] = await rig.record.list({ limit: 1 });
      if (row === undefined || row.workflowId !== id) throw new Error(`${name} made no history of ${id}`);
      // Of its newest run: one that is settled was opened by another.
      await save(name, await env.client.workflow.getHandle(workflowId(row.target)).fetchHistory());
    } finally {
      await rig.stop();
    }
  });
});
