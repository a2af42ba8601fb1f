/** What the sweeper sees of a real Temporal: what runs, what has ended and how, what was never there. */
import { randomUUID } from "node:crypto";
import { Client, Connection } from "@temporalio/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readEnv } from "../../src/config/env.ts";
import { temporalRemediations } from "../../src/starters/temporal.ts";
import {
  ensureLessonsSchedule,
  ensureSweepSchedule,
  LESSONS_SCHEDULE,
  SWEEP_SCHEDULE,
} from "../../src/watchers/schedule.ts";
import { temporalView, type TemporalView } from "../../src/watchers/sweep-temporal.ts";
import { sweepOnce } from "../../src/watchers/sweep.ts";
import { obtainTemporalCli } from "../../src/workers/temporal-cli.ts";
import { startDevServer, type DevServer } from "../../src/workers/temporal-server.ts";
import { admitted, anAlert, aPlan } from "../record/builders.ts";
import { ofFinding, SweepRig } from "./sweep-support.ts";

let server: DevServer;
let client: Client;
let view: TemporalView;

beforeAll(async () => {
  const { path } = await obtainTemporalCli(readEnv(), () => undefined);
  server = await startDevServer({ cli: path, port: 0, uiPort: null });
  client = new Client({ connection: await Connection.connect({ address: server.address }) });
  view = temporalView(client, server.address);
});
afterAll(async () => {
  await client.connection.close();
  await server.stop();
});

async function start(id: string): Promise<void> {
  const message = { alert: anAlert({ fingerprint: id }), remediationId: randomUUID(), joinKey: "disk" };
  const rest = { runbook: "disk", group: "web", severity: "warning" } as const;
  await temporalRemediations(client).start({ target: { kind: "host", id }, message, ...rest });
}
const listed = async (): Promise<string[]> => (await view.running(100)).workflows.map((one) => one.workflowId);

test("a terminated workflow of an open remediation orphans its leases; a running one keeps them", async () => {
  const rig = await SweepRig.create();
  const [gone, there] = [
    await admitted(rig.record, aPlan({ target: "web-1" })),
    await admitted(rig.record, aPlan({ target: "web-2" })),
  ];
  await Promise.all([start("web-1"), start("web-2")]);
  const { runId } = await client.workflow.getHandle("heal:host:web-1").describe();
  await rig.db.sql("update remediations set run_id = $1 where remediation_id = $2", [runId, gone]);
  await expect.poll(listed).toHaveLength(2);
  await client.workflow.getHandle("heal:host:web-1").terminate("by a test");
  await expect.poll(listed).toEqual(["heal:host:web-2"]);
  await rig.at(5);
  await sweepOnce({ ...rig.deps(), temporal: view });
  expect(rig.remediations.recoveries).toEqual([{ remediationId: gone }]);
  await rig.at(11);
  const report = await sweepOnce({ ...rig.deps(), temporal: view });
  expect(report.found.filter((one) => one.part === "workflows")).toMatchObject([
    { code: "WORKFLOW_CLOSED", ids: { remediationId: gone }, sentence: expect.stringContaining("TERMINATED") },
  ]);
  const states = Object.fromEntries((await rig.record.leases()).map((lease) => [lease.remediationId, lease.state]));
  expect(states).toEqual({ [gone]: "orphaned", [there]: "held" });
  expect(rig.pages().map((page) => page.key)).toContainEqual(ofFinding(gone, "WORKFLOW_CLOSED"));
  await rig.db.drop();
});

test("a run that Temporal does not know has not ended, though a later one of the same workflow has", async () => {
  await start("web-5");
  const { runId } = await client.workflow.getHandle("heal:host:web-5").describe();
  await client.workflow.getHandle("heal:host:web-5").terminate("by a test");
  await expect.poll(() => view.workflow("heal:host:web-5")).toMatchObject({ state: "closed" });
  expect(await view.workflow("heal:host:web-5", runId)).toMatchObject({ state: "closed", how: "TERMINATED" });
  expect(await view.workflow("heal:host:web-5", randomUUID())).toEqual({ state: "notFound" });
});

test("another namespace is not a Temporal in which everything has ended", async () => {
  const wrong = temporalView(new Client({ connection: client.connection, namespace: "nobody" }), server.address);
  await expect(wrong.running(10)).rejects.toThrow();
  await expect(wrong.workflow("heal:host:web-1")).rejects.toThrow();
  expect(await view.workflow("heal:host:never")).toEqual({ state: "notFound" });
});

test("a list is cut at its limit, and says so", async () => {
  await Promise.all(["web-3", "web-4"].map((id) => start(id)));
  await expect.poll(async () => (await listed()).length).toBeGreaterThanOrEqual(3);
  expect(await view.running(1)).toMatchObject({ workflows: [expect.anything()], complete: false });
});

test("the sweeper's schedule is made once, skips what overlaps, starts a minute later, and keeps a person's pause", async () => {
  expect(await view.schedule(SWEEP_SCHEDULE)).toEqual({ state: "missing", note: "" });
  await Promise.all([1, 2, 3].map(() => ensureSweepSchedule(client, { everyMs: 30_000 })));
  const handle = client.schedule.getHandle(SWEEP_SCHEDULE);
  const first = await handle.describe();
  expect(first.spec.startAt?.getTime()).toBeGreaterThan(Date.now() + 30_000);
  expect(await view.schedule(SWEEP_SCHEDULE)).toMatchObject({ state: "active" });
  await handle.pause("by ada");
  // Temporal answers a pause before its schedule knows it, and an update sets what it has read.
  await expect.poll(() => view.schedule(SWEEP_SCHEDULE), { timeout: 30_000 }).toMatchObject({ state: "paused" });
  await ensureSweepSchedule(client);
  const { action, policies, spec } = await handle.describe();
  expect([action.workflowType, policies.overlap, spec.startAt]).toEqual(["sweep", "SKIP", first.spec.startAt]);
  expect(await view.schedule(SWEEP_SCHEDULE)).toEqual({ state: "paused", note: "by ada" });
  await handle.delete();
});

test("the schedule of the lessons starts them, one round at a time, whoever makes it", async () => {
  await Promise.all([1, 2].map(() => ensureLessonsSchedule(client)));
  const handle = client.schedule.getHandle(LESSONS_SCHEDULE);
  const { action, policies, spec } = await handle.describe();
  expect([action.workflowType, policies.overlap, spec.intervals?.[0]?.every]).toEqual(["lessons", "SKIP", 300_000]);
  await handle.delete();
});
