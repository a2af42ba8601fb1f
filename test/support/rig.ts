/**
 * The whole product in one test: real starter, workflow, activities, policy, adapters and record; the lab is the world.
 * On the time-skipping server the world's time and the record's time follow the server's: hours pass in seconds.
 */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { WorkflowHandle } from "@temporalio/client";
import { TestWorkflowEnvironment } from "@temporalio/testing";
import { DefaultLogger, makeTelemetryFilterString, Runtime, Worker } from "@temporalio/worker";
import pino from "pino";
import { expect } from "vitest";
import { ACTIONS } from "../../src/activities/actions.ts";
import type { Catalogue } from "../../src/catalogue/catalogue.ts";
import { classify } from "../../src/catalogue/classify.ts";

import { writeLabFolder } from "../../src/cli/demo/lab-folder.ts";
import { readEnv } from "../../src/config/env.ts";
import { SEARCH_ATTRIBUTES } from "../../src/contracts/attributes.ts";
import { workflowId } from "../../src/contracts/ids.ts";
import { stateQuery } from "../../src/contracts/messages.ts";
import type { RemediationView } from "../../src/contracts/remediation.ts";
import { webhookPayload, type WebhookOptions } from "../../src/lab/alerts.ts";
import { manualClock } from "../../src/lab/clock.ts";
import { makeFleet } from "../../src/lab/fleet.ts";
import { startLab, type Lab } from "../../src/lab/lab.ts";
import type { LabHost, LabOptions } from "../../src/lab/types.ts";
import type { RecordStore, RemediationStory } from "../../src/record/api.ts";
import { activate, requireCatalogue } from "../../src/starters/active-catalogue.ts";
import { createIngest, type IngestAnswer, type Starter } from "../../src/starters/ingest.ts";
import { createStarterMetrics } from "../../src/starters/metrics.ts";
import { alertmanager } from "../../src/starters/sources/alertmanager.ts";
import { temporalRemediations } from "../../src/starters/temporal.ts";
import { Watcher } from "../../src/watchers/watch.ts";
import { currentBundle } from "../../src/workers/bundle.ts";
import { resolveConnections } from "../../src/workers/connections.ts";
import { compose, OUTSIDE as OUTSIDE_DEFAULTS } from "../../src/workers/compose.ts";
import { findTestServer } from "../../src/workers/test-server.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";

const SILENT = pino({ level: process.env["RIG_LOG"] ?? "silent" });
Runtime.install({ logger: new DefaultLogger("ERROR"), telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: "ERROR" }) } } });
/** temporal.api.enums.v1.IndexedValueType */
const KEYWORD = 2;
const MINUTE_MS = 60_000;

/** One time-skipping server; share it among the tests of a file, one after the other. */
export async function timeSkippingServer(): Promise<TestWorkflowEnvironment> {
  const found = await findTestServer(readEnv());
  if (found === null) throw new Error("no time-skipping server: run `npm test`, which gets one");
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: "existing-path", path: found.path } },
  });
  // This server lists none, so ensureSearchAttributes does not work on it.
  const searchAttributes = Object.fromEntries(SEARCH_ATTRIBUTES.map((name) => [name, KEYWORD]));
  await env.connection.operatorService.addSearchAttributes({ namespace: "default", searchAttributes });
  return env;
}

export interface RigOptions {
  /** Default: a fleet of 20 with one failing web host, `web-1`. */
  hosts?: LabHost[];
  failing?: string[];
  lab?: Partial<LabOptions>;
  /** Groups with a standing approval; default web and api. */
  standingFor?: string[];
  runbooks?: string;
  /** Changes the folder before it is loaded. */
  editFolder?: (folder: string) => Promise<void>;
}

export class Rig {
  readonly env: TestWorkflowEnvironment;
  readonly lab: Lab;
  readonly database: TestDatabase;
  readonly catalogue: Catalogue;
  readonly starter: Starter;
  readonly watcher: Watcher;
  private readonly worker: Worker;
  private readonly folder: string;
  private running: Promise<void>;
  private offset = 0;

  private constructor(parts: Pick<Rig, "env" | "lab" | "database" | "catalogue" | "starter" | "watcher"> & { worker: Worker; folder: string }) {
    this.env = parts.env;
    this.lab = parts.lab;
    this.database = parts.database;
    this.catalogue = parts.catalogue;
    this.starter = parts.starter;
    this.watcher = parts.watcher;
    this.worker = parts.worker;
    this.folder = parts.folder;
    this.running = this.worker.run();
  }

  get record(): RecordStore {
    return this.database.record;
  }

  static async start(env: TestWorkflowEnvironment, options: RigOptions = {}): Promise<Rig> {
    const startAt = await env.currentTimeMs();
    const hosts = options.hosts ?? makeFleet({ count: 20, seed: 7, failing: options.failing ?? ["web-1"] });
    const lab = await startLab({ seed: 7, hosts, clock: manualClock({ startAt }), ...options.lab });
    const database = await createTestDatabase();
    const folder = await mkdtemp(join(tmpdir(), "selfheal-rig-"));
    await writeLabFolder({
      folder,
      lab,
      timeScale: 1,
      standingFor: options.standingFor ?? ["web", "api"],
      ...(options.runbooks === undefined ? {} : { runbooks: options.runbooks }),
    });
    await options.editFolder?.(folder);
    const catalogue = await requireCatalogue(folder, ACTIONS);
    await activate(database.record, catalogue);
    const taskQueue = `rig-${randomUUID()}`;
    const remediations = temporalRemediations(env.client, { taskQueue });
    const composed = compose({
      record: database.record,
      remediations,
      connections: resolveConnections(catalogue),
      log: SILENT,
      outside: { ...OUTSIDE_DEFAULTS, clock: { now: () => lab.clock.now() } },
    });
    let rig: Rig | null = null;
    const activities = Object.fromEntries(
      Object.entries(composed.activities as Record<string, (...args: unknown[]) => Promise<unknown>>).map(([name, run]) => [
        name,
        async (...args: unknown[]) => {
          await rig?.followServer();
          return run(...args);
        },
      ]),
    );
    const bundle = await currentBundle();
    const worker = await Worker.create({
      connection: env.nativeConnection,
      namespace: "default",
      taskQueue,
      workflowBundle: { codePath: bundle.codePath },
      activities,
    });
    const starter = createIngest({
      record: database.record,
      remediations,
      classify: (alert) => classify(catalogue, alert),
      log: SILENT,
      metrics: createStarterMetrics(),
      newId: randomUUID,
    });
    const watcher = new Watcher({ record: database.record, ports: composed.ports, remediations, log: SILENT });
    rig = new Rig({ env, lab, database, catalogue, starter, watcher, worker, folder });
    return rig;
  }

  /** The world's and the record's time become the server's. */
  async followServer(): Promise<void> {
    const now = await this.env.currentTimeMs();
    if (now > this.lab.clock.now()) this.lab.advanceTo(now);
    const offset = now - Date.now();
    if (Math.abs(offset - this.offset) < 1_000) return;
    this.offset = offset;
    await this.database.setClock(offset);
  }

  /** As Alertmanager would post it now. */
  async alert(options: WebhookOptions = {}): Promise<IngestAnswer> {
    const body = webhookPayload(this.lab, options);
    const receivedAt = new Date(this.lab.clock.now()).toISOString();
    return this.starter.ingest(alertmanager.normalise(body, { receivedAt, maxAlerts: 10_000 }));
  }

  handle(id: string, kind = "host"): WorkflowHandle {
    return this.env.client.workflow.getHandle(workflowId({ kind, id }));
  }

  async state(id: string): Promise<RemediationView> {
    return this.handle(id).query(stateQuery);
  }

  /** Time passes, with a round of the watcher each minute. */
  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= MINUTE_MS) {
      await this.env.sleep(Math.min(left, MINUTE_MS));
      await this.followServer();
      await this.watcher.once();
    }
  }

  /** Waits, while time passes, for what a test is about; at most `withinMs` of the world's time. */
  async until(what: string, holds: () => Promise<boolean> | boolean, withinMs = 26 * 60 * MINUTE_MS): Promise<void> {
    const deadline = this.lab.clock.now() + withinMs;
    while (!(await holds())) {
      if (this.lab.clock.now() > deadline) throw new Error(`${what}: not within ${withinMs / MINUTE_MS} minutes`);
      await this.advance(MINUTE_MS);
    }
  }

  /** Waits in real time, with time standing still, for something that needs no time of the world. */
  async soon(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    await expect.poll(async () => await holds(), { timeout: 15_000, interval: 25, message: what }).toBe(true);
  }

  async inPhase(id: string, phase: RemediationView["phase"], withinMs?: number): Promise<RemediationView> {
    await this.until(`${id} in phase ${phase}`, async () => (await this.state(id)).phase === phase, withinMs);
    return this.state(id);
  }

  /** Time passes until the workflow of the target has ended. */
  async closed(id: string, kind = "host"): Promise<RemediationStory> {
    const handle = this.handle(id, kind);
    await this.until(`${id} closed`, async () => (await handle.describe()).status.name !== "RUNNING");
    expect((await handle.describe()).status.name).toBe("COMPLETED");
    return this.story(id, kind);
  }

  async story(id: string, kind = "host"): Promise<RemediationStory> {
    const row = await this.record.find(`${kind}/${id}`);
    const story = row === null ? null : await this.record.story(row.remediationId);
    if (story === null) throw new Error(`the record has no remediation of ${kind}/${id}`);
    return story;
  }

  /** Every workflow test replays the history it just made, with the production bundle. */
  async replay(id: string, kind = "host"): Promise<number> {
    const history = await this.handle(id, kind).fetchHistory();
    const bundle = await currentBundle();
    await Worker.runReplayHistory({ workflowBundle: { codePath: bundle.codePath } }, history, workflowId({ kind, id }));
    return history.events?.length ?? 0;
  }

  async stop(): Promise<void> {
    this.worker.shutdown();
    await this.running;
    await this.lab.stop();
    await this.database.drop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

