/**
 * The whole product in one test: real starter, workflow, activities, policy, adapters and record; the lab is the world.
 * On the time-skipping server the world's time and the record's time follow the server's: hours pass in seconds.
 */
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import type { WorkflowHandle } from "@temporalio/client";
import type { TestWorkflowEnvironment } from "@temporalio/testing";
import { Worker } from "@temporalio/worker";
import { expect } from "vitest";
import { ACTIONS } from "../../src/activities/actions.ts";
import type { Catalogue } from "../../src/catalogue/catalogue.ts";
import { classify } from "../../src/catalogue/classify.ts";
import { workflowId } from "../../src/contracts/ids.ts";
import { stateQuery } from "../../src/contracts/messages.ts";
import type { RemediationView } from "../../src/contracts/remediation.ts";
import { webhookPayload, type WebhookOptions, type WebhookPayload } from "../../src/lab/alerts.ts";
import { manualClock } from "../../src/lab/clock.ts";
import { makeFleet } from "../../src/lab/fleet.ts";
import { avoidableErrors, violations } from "../../src/lab/invariants.ts";
import { startLab, type Lab } from "../../src/lab/lab.ts";
import type { LabHost, LabOptions } from "../../src/lab/types.ts";
import type { RecordStore, RemediationStory } from "../../src/record/api.ts";
import { verifyChain } from "../../src/record/audit.ts";
import { activate, requireCatalogue } from "../../src/starters/active-catalogue.ts";
import { createIngest, type IngestAnswer, type Starter } from "../../src/starters/ingest.ts";
import { createStarterMetrics } from "../../src/starters/metrics.ts";
import type { Remediations } from "../../src/starters/remediations.ts";
import { alertmanager } from "../../src/starters/sources/alertmanager.ts";
import { temporalRemediations } from "../../src/starters/temporal.ts";
import { Watcher, type WatchReport } from "../../src/watchers/watch.ts";
import { compose, OUTSIDE as REAL_OUTSIDE } from "../../src/workers/compose.ts";
import { resolveConnections } from "../../src/workers/connections.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { makeFolder, type FolderOptions } from "./rig-folder.ts";
import { bundlePath, LOG } from "./rig-server.ts";
import { recordState, worldState, type RecordState, type WorldState } from "./rig-state.ts";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
/** Longest step of time between two rounds of the watcher. */
const LONGEST_STEP_MS = 15 * MINUTE_MS;
/** The adapters' time-outs in real time: a request that hangs shall not hold the test up. */
const TIMEOUT_SCALE = 10;

type Activities = Record<string, (...args: unknown[]) => Promise<unknown>>;

export interface RigOptions extends FolderOptions {
  /** Changes the fleet before the lab starts. */
  hosts?: (hosts: LabHost[]) => void;
  /** Hosts of the fleet; default 20: web-1 to web-12, api-1 to api-6, db-1 and db-2. */
  count?: number;
  /** Hosts whose disk fails from the start; default `web-1`. */
  failing?: string[];
  lab?: Partial<LabOptions>;
  /** Replaces activities: for bugs that are planted. */
  activities?: (activities: Activities) => Activities;
}

/**
 * A rig for one test. After `work` it also holds: the world was not harmed in any of the ways that are never right,
 * every audit chain is whole, and every history that was made replays with the production bundle.
 */
export async function withRig(
  env: TestWorkflowEnvironment,
  options: RigOptions,
  work: (rig: Rig) => Promise<void>,
): Promise<void> {
  const rig = await Rig.start(env, options);
  try {
    await work(rig);
    expect(violations(rig.lab.world)).toEqual([]);
    await rig.checkAudit();
    await rig.replayAll();
  } finally {
    await rig.stop();
  }
}

interface Parts {
  env: TestWorkflowEnvironment;
  lab: Lab;
  database: TestDatabase;
  catalogue: Catalogue;
  starter: Starter;
  watcher: Watcher;
  remediations: Remediations;
  worker: Worker;
  folders: string[];
}

export class Rig {
  readonly env: TestWorkflowEnvironment;
  readonly lab: Lab;
  readonly database: TestDatabase;
  readonly catalogue: Catalogue;
  readonly remediations: Remediations;
  private readonly parts: Parts;
  private readonly running: Promise<void>;
  private offset = 0;
  private following: Promise<void> = Promise.resolve();

  private constructor(parts: Parts) {
    this.parts = parts;
    this.env = parts.env;
    this.lab = parts.lab;
    this.database = parts.database;
    this.catalogue = parts.catalogue;
    this.remediations = parts.remediations;
    this.running = parts.worker.run();
  }

  get record(): RecordStore {
    return this.database.record;
  }

  static async start(env: TestWorkflowEnvironment, options: RigOptions = {}): Promise<Rig> {
    const startAt = await env.currentTimeMs();
    const hosts = makeFleet({ count: options.count ?? 20, seed: 7, failing: options.failing ?? ["web-1"] });
    options.hosts?.(hosts);
    const lab = await startLab({ seed: 7, hosts, clock: manualClock({ startAt }), ...options.lab });
    const database = await createTestDatabase();
    const { folder, made } = await makeFolder(lab, options);
    const catalogue = await requireCatalogue(folder, ACTIONS);
    await activate(database.record, catalogue);
    const taskQueue = `rig-${randomUUID()}`;
    const remediations = temporalRemediations(env.client, { taskQueue });
    const now = (): number => lab.clock.now();
    const after = (ms: number, fire: () => void): (() => void) => {
      const timer = setTimeout(fire, ms / TIMEOUT_SCALE);
      return () => clearTimeout(timer);
    };
    const composed = compose({
      record: database.record,
      remediations,
      connections: resolveConnections(catalogue),
      log: LOG,
      outside: { ...REAL_OUTSIDE, clock: { now, after } },
    });
    let rig: Rig | null = null;
    const real = composed.activities as Activities;
    const activities = inTime(options.activities?.(real) ?? real, () => rig?.followServer());
    const worker = await Worker.create({
      connection: env.nativeConnection,
      namespace: "default",
      taskQueue,
      workflowBundle: { codePath: await bundlePath() },
      activities,
    });
    const starter = createIngest({
      record: database.record,
      remediations,
      classify: (alert) => classify(catalogue, alert),
      log: LOG,
      metrics: createStarterMetrics(),
      newId: randomUUID,
    });
    const watcher = new Watcher({ record: database.record, ports: composed.ports, remediations, log: LOG, now });
    rig = new Rig({ env, lab, database, catalogue, starter, watcher, remediations, worker, folders: made });
    return rig;
  }

  /** The world's and the record's time become the server's. One after the other: both are shared by all activities. */
  followServer(): Promise<void> {
    this.following = this.following.then(async () => {
      const now = await this.env.currentTimeMs();
      if (now > this.lab.clock.now()) this.lab.advanceTo(now);
      const offset = now - Date.now();
      if (Math.abs(offset - this.offset) < 1_000) return;
      this.offset = offset;
      await this.database.setClock(offset);
    });
    return this.following;
  }

  /** As Alertmanager would post it now; `change` may alter the body. */
  async alert(options: WebhookOptions = {}, change: (body: WebhookPayload) => void = () => undefined): Promise<IngestAnswer> {
    await this.followServer();
    const body = webhookPayload(this.lab, options);
    change(body);
    const receivedAt = new Date(this.lab.clock.now()).toISOString();
    return this.parts.starter.ingest(alertmanager.normalise(body, { receivedAt, maxAlerts: 10_000 }));
  }

  handle(id: string, kind = "host"): WorkflowHandle {
    return this.env.client.workflow.getHandle(workflowId({ kind, id }));
  }

  async view(id: string, kind = "host"): Promise<RemediationView> {
    return this.handle(id, kind).query(stateQuery);
  }

  /** One round of the watcher. */
  watch(): Promise<WatchReport> {
    return this.parts.watcher.once();
  }

  /** Time passes, with a round of the watcher after each step: a minute, or longer while nothing happens. */
  async advance(ms: number, longestStepMs = LONGEST_STEP_MS): Promise<void> {
    let step = MINUTE_MS;
    for (let left = ms; left > 0; ) {
      const due = (this.lab.nextEventAt() ?? Infinity) - this.lab.clock.now() + 1_000;
      const size = Math.min(left, Math.max(MINUTE_MS, Math.min(step, due, longestStepMs)));
      await this.env.sleep(size);
      left -= size;
      await this.followServer();
      const { hints } = await this.watch();
      step = hints > 0 || due <= step ? MINUTE_MS : step * 2;
    }
  }

  /** Waits, while time passes, for what a test is about; at most `withinMs` of the world's time. */
  async until(what: string, holds: () => Promise<boolean> | boolean, withinMs = 30 * HOUR_MS): Promise<void> {
    const deadline = this.lab.clock.now() + withinMs;
    let step = MINUTE_MS;
    while (!(await holds())) {
      if (this.lab.clock.now() > deadline) throw new Error(`${what}: not within ${withinMs / MINUTE_MS} minutes`);
      const due = (this.lab.nextEventAt() ?? Infinity) - this.lab.clock.now();
      const size = Math.max(MINUTE_MS, Math.min(step, due));
      await this.env.sleep(size);
      await this.followServer();
      const { hints } = await this.watch();
      step = hints > 0 || due <= step ? MINUTE_MS : Math.min(LONGEST_STEP_MS, step * 2);
    }
  }

  /** Waits in real time, with time standing still, for something that needs no time of the world. */
  async soon(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    await expect.poll(async () => await holds(), { timeout: 15_000, interval: 25, message: what }).toBe(true);
  }

  /** Waits in real time until the remediation is in that phase and, where given, waits for something like that. */
  async soonIn(id: string, phase: RemediationView["phase"], waitsFor?: RegExp): Promise<RemediationView> {
    await this.soon(`${id} in ${phase}`, async () => isIn(await this.view(id), phase, waitsFor));
    return this.view(id);
  }

  /** Time passes until the remediation is in that phase and, where given, waits for something like that. */
  async untilIn(id: string, phase: RemediationView["phase"], waitsFor?: RegExp): Promise<RemediationView> {
    await this.until(`${id} in ${phase}`, async () => isIn(await this.view(id), phase, waitsFor));
    return this.view(id);
  }

  /** As a person at the API does it; the update is refused or taken. */
  async decide(kind: "approve" | "reject", id: string, by: string, planHash?: string): Promise<void> {
    const hash = planHash ?? (await this.view(id)).planHash ?? "";
    await this.remediations.decide(workflowId({ kind: "host", id }), { kind, message: { planHash: hash, by, via: "api" } });
  }

  async cancel(id: string, by = "ada"): Promise<void> {
    const message = { by, reason: "not now" };
    await this.remediations.decide(workflowId({ kind: "host", id }), { kind: "cancel", message });
  }

  async isRunning(id: string, kind = "host"): Promise<boolean> {
    return (await this.handle(id, kind).describe()).status.name === "RUNNING";
  }

  /** Outcomes of all remediations of a target, newest first; null: still open. */
  async outcomes(id: string, kind = "host"): Promise<(string | null)[]> {
    return (await this.record.list({ target: `${kind}/${id}` })).map((row) => row.outcome);
  }

  /** Time passes until the workflow of the target has ended. */
  async closed(id: string, kind = "host", withinMs?: number): Promise<RecordState> {
    const handle = this.handle(id, kind);
    await this.until(`${id} closed`, async () => !(await this.isRunning(id, kind)), withinMs);
    expect((await handle.describe()).status.name).toBe("COMPLETED");
    return this.state(id, kind);
  }

  async story(id: string, kind = "host"): Promise<RemediationStory> {
    const row = await this.record.find(`${kind}/${id}`);
    const story = row === null ? null : await this.record.story(row.remediationId);
    if (story === null) throw new Error(`the record has no remediation of ${kind}/${id}`);
    return story;
  }

  /** What the record says of the newest remediation of a target. */
  async state(id: string, kind = "host"): Promise<RecordState> {
    return recordState(this.record, await this.story(id, kind));
  }

  world(id: string): WorldState {
    return worldState(this.lab, id);
  }

  /** Errors that users saw because of what was done. */
  harm(): number {
    return avoidableErrors(this.lab.world);
  }

  async events(id: string, kind = "host"): Promise<number> {
    return (await this.handle(id, kind).fetchHistory()).events?.length ?? 0;
  }

  async checkAudit(): Promise<void> {
    for (const { remediationId } of await this.record.list({ limit: 1_000 })) {
      expect(verifyChain(await this.record.audit(remediationId))).toMatchObject({ ok: true });
    }
  }

  /** Every run that the record knows, with the production bundle. */
  async replayAll(): Promise<void> {
    const rows = await this.record.list({ limit: 1_000 });
    const runs = new Map(rows.map((row) => [row.runId, row]));
    const { client } = this.env;
    const histories = async function* () {
      for (const { workflowId: id, runId } of runs.values()) {
        yield { workflowId: id, history: await client.workflow.getHandle(id, runId).fetchHistory() };
      }
    };
    const options = { workflowBundle: { codePath: await bundlePath() } };
    let replayed = 0;
    for await (const { workflowId: id, error } of Worker.runReplayHistories(options, histories())) {
      expect(error, id).toBeUndefined();
      replayed += 1;
    }
    expect(replayed).toBe(runs.size);
  }

  /** Also ends workflows that a scenario left waiting: their ids belong to the next test. */
  async stop(): Promise<void> {
    const open = await this.record.list({ open: true, limit: 1_000 });
    for (const row of open) {
      await this.env.client.workflow.getHandle(row.workflowId).terminate("the test is over").catch(() => undefined);
    }
    this.parts.worker.shutdown();
    await this.running;
    await this.lab.stop();
    await this.database.drop();
    for (const folder of this.parts.folders) await rm(folder, { recursive: true, force: true });
  }
}

function isIn(view: RemediationView, phase: RemediationView["phase"], waitsFor?: RegExp): boolean {
  return view.phase === phase && (waitsFor === undefined || waitsFor.test(view.waiting?.for ?? ""));
}

/** Each activity sees the world at the server's time. */
function inTime(activities: Activities, follow: () => Promise<void> | undefined): Activities {
  const timed = Object.entries(activities).map(([name, run]): [string, Activities[string]] => [
    name,
    async (...args) => {
      await follow();
      return run(...args);
    },
  ]);
  return Object.fromEntries(timed);
}
