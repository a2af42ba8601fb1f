/** Against a real Temporal dev server and a real database; no worker runs, which is what a webhook must not need. */
import { randomUUID } from "node:crypto";
import { Client, Connection } from "@temporalio/client";
import pino from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readEnv } from "../../src/config/env.ts";
import { workflowId } from "../../src/contracts/ids.ts";
import { createIngest, type Starter } from "../../src/starters/ingest.ts";
import { createStarterMetrics } from "../../src/starters/metrics.ts";
import { Unavailable } from "../../src/starters/problems.ts";
import type { Remediations } from "../../src/starters/remediations.ts";
import { reroute, temporalRemediations } from "../../src/starters/temporal.ts";
import { ensureWatchSchedule, WATCH_SCHEDULE } from "../../src/watchers/schedule.ts";
import { obtainTemporalCli } from "../../src/workers/temporal-cli.ts";
import { startDevServer, type DevServer } from "../../src/workers/temporal-server.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { alertFor, batchOf } from "./support/bodies.ts";
import { classifyByHost } from "./support/fakes.ts";

let cli: string;
let server: DevServer;
let client: Client;
let database: TestDatabase;
let remediations: Remediations;
let starter: Starter;

const starterOf = (one: Remediations): Starter =>
  createIngest({
    record: database.record,
    remediations: one,
    classify: classifyByHost,
    log: pino({ level: "silent" }),
    metrics: createStarterMetrics(),
    newId: randomUUID,
  });

beforeAll(async () => {
  cli = (await obtainTemporalCli(readEnv(), () => undefined)).path;
  [server, database] = await Promise.all([startDevServer({ cli, port: 0, uiPort: null }), createTestDatabase()]);
  client = new Client({ connection: await Connection.connect({ address: server.address }) });
  remediations = temporalRemediations(client, { timeoutMs: 30_000 });
});
afterAll(async () => {
  await client.connection.close();
  await Promise.all([server.stop(), database.drop()]);
});
beforeEach(async () => {
  await database.sql("truncate alerts");
  starter = starterOf(remediations);
});

/** Signals in the history of the target's newest run. */
async function signalsOf(host: string): Promise<number> {
  const history = await client.workflow.getHandle(workflowId({ kind: "host", id: host })).fetchHistory();
  return (history.events ?? []).filter((event) => (event.workflowExecutionSignaledEventAttributes ?? null) !== null)
    .length;
}

describe("a start", () => {
  test("is one workflow of the target, found by its attributes, readable in the Web UI, without a time-out", async () => {
    const alert = alertFor("web-1", { labels: { alertname: "Smart*Disk*Failing", host: "web-1", severity: "page" } });
    await starter.ingest(batchOf(alert));
    const described = await client.workflow.getHandle("heal:host:web-1").describe();
    expect(described).toMatchObject({ type: "remediation", taskQueue: "selfheal", status: { name: "RUNNING" } });
    const attributes = Object.fromEntries(
      described.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]),
    );
    expect(attributes).toMatchObject({
      SelfhealTarget: "host/web-1",
      SelfhealRunbook: "disk-replacement",
      SelfhealPhase: "open",
      SelfhealOutcome: "open",
      SelfhealGroup: "web",
      SelfhealSeverity: "critical",
    });
    expect(await described.staticSummary()).toBe("**disk-replacement** on host/web-1: Smart\\*Disk\\*Failing");
    const { executionConfig } = described.raw;
    expect(executionConfig?.workflowExecutionTimeout?.seconds?.toString() ?? "0").toBe("0");
    expect(executionConfig?.workflowRunTimeout?.seconds?.toString() ?? "0").toBe("0");
  });

  test("with labels of the greatest length and worst characters is taken", async () => {
    const name = "\u{1F4A5}*_|`<b>\n".repeat(150);
    const alert = alertFor("web-2", { labels: { alertname: name, host: "web-2", severity: "x".repeat(3_000) } });
    const long = `web-${"9".repeat(280)}`;
    const other = alertFor(long, { fingerprint: "f2", labels: { alertname: name, host: long } });
    expect(await starter.ingest(batchOf(alert, other))).toMatchObject({ accepted: 2 });
    const summary = await (await client.workflow.getHandle("heal:host:web-2").describe()).staticSummary();
    expect(summary).not.toContain("\n");
    expect(Buffer.byteLength(summary ?? "")).toBeLessThanOrEqual(400);
  });

  test("1,000 concurrent duplicates are one run with a handful of signals", async () => {
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => starter.ingest(batchOf(alertFor("web-3")))));
    expect(answers).toHaveLength(1_000);
    expect(await signalsOf("web-3")).toBeLessThanOrEqual(5);
  });

  test("a second fault of the target is a signal to the run that there is", async () => {
    await starter.ingest(batchOf(alertFor("web-4")));
    const first = await client.workflow.getHandle("heal:host:web-4").describe();
    await starter.ingest(batchOf(alertFor("web-4", { fingerprint: "another" })));
    const second = await client.workflow.getHandle("heal:host:web-4").describe();
    expect(second.runId).toBe(first.runId);
    expect(await signalsOf("web-4")).toBe(2);
  });

  test("after the last run has ended is a new run", async () => {
    await starter.ingest(batchOf(alertFor("web-5")));
    const handle = client.workflow.getHandle("heal:host:web-5");
    const first = await handle.describe();
    await handle.terminate("test");
    await starter.ingest(batchOf(alertFor("web-5", { fingerprint: "another" })));
    expect((await handle.describe()).runId).not.toBe(first.runId);
  });
});

describe("a resolved alert", () => {
  test("is a signal to the run that there is", async () => {
    await starter.ingest(batchOf(alertFor("web-6")));
    await starter.ingest(batchOf(alertFor("web-6", { status: "resolved", endsAt: "2026-11-21T03:00:00.000Z" })));
    expect(await signalsOf("web-6")).toBe(2);
  });

  test("starts nothing", async () => {
    const resolved = alertFor("web-7", { status: "resolved", endsAt: "2026-11-21T03:00:00.000Z" });
    expect(await starter.ingest(batchOf(resolved))).toMatchObject({ accepted: 1 });
    await expect(client.workflow.getHandle("heal:host:web-7").describe()).rejects.toThrow(/not found/i);
  });
});

describe("what people and watchers send", () => {
  test("to a workflow that is not there is answered, not an error", async () => {
    expect(await remediations.hint("heal:host:nobody", "key")).toBe("notRunning");
    expect(await remediations.decide("heal:host:nobody", { kind: "cancel", message: { by: "ada" } })).toBe(
      "notRunning",
    );
  });

  test("a decision that no worker answers is unavailable, soon", async () => {
    await starter.ingest(batchOf(alertFor("web-8")));
    const soon = temporalRemediations(client, { timeoutMs: 700 });
    const decision = soon.decide("heal:host:web-8", { kind: "cancel", message: { by: "ada" } });
    await expect(decision).rejects.toMatchObject({ name: "Unavailable", system: "worker" });
  });

  test("an alert that belongs elsewhere starts the other target's workflow", async () => {
    await reroute(remediations, randomUUID)({ kind: "host", id: "web-10" }, [alertFor("web-9")], "key");
    expect(await signalsOf("web-10")).toBe(1);
  });
});

describe("an address that nobody serves", () => {
  test("is unavailable within the time-out, nothing is marked delivered, and later it is delivered once", async () => {
    const dead = new Client({ connection: Connection.lazy({ address: "127.0.0.1:1" }) });
    const away = starterOf(temporalRemediations(dead, { timeoutMs: 1_000 }));
    const before = performance.now();
    await expect(away.ingest(batchOf(alertFor("web-11")))).rejects.toBeInstanceOf(Unavailable);
    expect(performance.now() - before).toBeLessThan(15_000);
    expect(await database.record.undelivered(0, 10)).toHaveLength(1);
    await starter.ingest(batchOf(alertFor("web-11")));
    expect(await signalsOf("web-11")).toBe(1);
    expect(await database.record.undelivered(0, 10)).toEqual([]);
    await dead.connection.close();
  });

  test("a namespace that does not exist is unavailable, not a lost alert", async () => {
    const wrong = new Client({ connection: client.connection, namespace: "nobody" });
    const away = starterOf(temporalRemediations(wrong, { timeoutMs: 3_000 }));
    await expect(away.ingest(batchOf(alertFor("web-12")))).rejects.toBeInstanceOf(Unavailable);
    const resolved = alertFor("web-12", { status: "resolved", endsAt: "2026-11-21T03:00:00.000Z" });
    await expect(away.ingest(batchOf(resolved))).rejects.toBeInstanceOf(Unavailable);
    await expect(temporalRemediations(wrong).ping()).rejects.toBeInstanceOf(Unavailable);
  });
});

describe("the watcher's schedule", () => {
  test("is made once however many workers start, takes new settings, and keeps a person's pause", async () => {
    await Promise.all([1, 2, 3].map(() => ensureWatchSchedule(client, { everyMs: 1_000, forMs: 60_000 })));
    const handle = client.schedule.getHandle(WATCH_SCHEDULE);
    await handle.pause("by ada");
    // Temporal answers a pause before its schedule knows it, and an update sets what it has read.
    await expect.poll(async () => (await handle.describe()).state.paused, { timeout: 30_000 }).toBe(true);
    await ensureWatchSchedule(client, { everyMs: 500, forMs: 60_000 });
    const { action, policies, state } = await handle.describe();
    expect(action).toMatchObject({
      workflowType: "watch",
      args: [{ everyMs: 500, forMs: 60_000 }],
      taskQueue: "selfheal",
    });
    expect([policies.overlap, state.paused, state.note]).toEqual(["SKIP", true, "by ada"]);
    await handle.delete();
  });
});
