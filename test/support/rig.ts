/**
 * The whole product in one test: real starter, workflow, activities, policy, adapters and record; the lab is the world.
 * On the time-skipping server the world's time and the record's time follow the server's: hours pass in seconds.
 */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { WorkflowHandle } from "@temporalio/client";
import type { TestWorkflowEnvironment } from "@temporalio/testing";
import { Worker } from "@temporalio/worker";
import { expect } from "vitest";
import type { Catalogue } from "../../src/catalogue/catalogue.ts";
import type { Word } from "../../src/contracts/ballot.ts";
import { workflowId } from "../../src/contracts/ids.ts";
import { stateQuery, type CommandMessage } from "../../src/contracts/messages.ts";
import type { Command, RemediationView, TakeoverView } from "../../src/contracts/remediation.ts";
import { webhookPayload, type WebhookOptions, type WebhookPayload } from "../../src/lab/alerts.ts";
import { avoidableErrors, violations } from "../../src/lab/invariants.ts";
import type { Lab } from "../../src/lab/lab.ts";
import type { AdminState } from "../../src/lab/traffic.ts";
import type { RecordStore, RemediationStory } from "../../src/record/api.ts";
import { openAuditReader, type HistoryHead } from "../../src/record/audit/verify.ts";
import { decide } from "../../src/starters/decisions.ts";
import type { FolderStatus } from "../../src/starters/live-folder.ts";
import type { IngestAnswer } from "../../src/starters/ingest.ts";
import type { Remediations } from "../../src/starters/remediations.ts";
import { alertmanager } from "../../src/starters/sources/alertmanager.ts";
import { closingHeads, decoder } from "../../src/watchers/history-heads.ts";
import type { WatchReport } from "../../src/watchers/watch.ts";
import type { TestDatabase } from "./database.ts";
import { makeParts, type Parts, type RigOptions } from "./rig-parts.ts";
import { bundlePath } from "./rig-server.ts";
import { recordState, worldState, type RecordState, type WorldState } from "./rig-state.ts";

export type { RigOptions } from "./rig-parts.ts";
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
/** Longest step of time between two rounds of the watcher. */
const LONGEST_STEP_MS = 15 * MINUTE_MS;

/**
 * A rig for one test. After `work` it also holds: the world was not harmed in any of the ways that are never right,
 * every audit chain is whole, as the histories know it and with the rows beside it, and every history that was made replays with the production bundle.
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
    await rig.checkAudit(options.harm);
    await rig.replayAll();
  } finally {
    await rig.stop();
  }
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

  get taskQueue(): string {
    return this.parts.taskQueue;
  }

  get record(): RecordStore {
    return this.database.record;
  }

  static async start(env: TestWorkflowEnvironment, options: RigOptions = {}): Promise<Rig> {
    let rig: Rig | null = null;
    const parts = await makeParts(env, options, () => rig?.followServer());
    rig = new Rig(parts);
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
  async alert(
    options: WebhookOptions = {},
    change: (body: WebhookPayload) => void = () => undefined,
  ): Promise<IngestAnswer> {
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

  /** Writes a file of the configuration folder and takes it over, as `serve` does. */
  async rewrite(file: string, change: (text: string) => string): Promise<FolderStatus> {
    const { live, folders } = this.parts;
    const path = join(folders[0] ?? "", file);
    await writeFile(path, change(await readFile(path, "utf8")));
    await live.look();
    await live.look();
    return live.status;
  }

  /** One round of the watcher. */
  watch(): Promise<WatchReport> {
    return this.parts.watcher.once();
  }

  /** Time passes, with a round of the watcher after each step: a minute, or longer while nothing happens. */
  async advance(ms: number, longestStepMs = LONGEST_STEP_MS): Promise<void> {
    let step = MINUTE_MS;
    for (let left = ms; left > 0;) {
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
    await expect.poll(async () => await holds(), { interval: 25, message: what }).toBe(true);
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
  async decide(kind: Word, id: string, by: string, planHash?: string): Promise<void> {
    const hash = planHash ?? (await this.view(id)).planHash;
    const target = `host/${id}`;
    await decide(this, { kind, id: target, by, reason: null, planHash: hash, at: null, result: null, via: "api" });
  }

  async cancel(id: string, by = "ada"): Promise<void> {
    const message = { by, reason: "not now" };
    await this.remediations.decide(workflowId({ kind: "host", id }), { kind: "cancel", message });
  }

  /** As a person at the API takes it over and commands it. */
  async command(command: Command, id: string, by = "ada", more: Partial<CommandMessage> = {}): Promise<void> {
    const { at = null, result = null, reason = null } = more;
    await decide(this, { kind: command, id: `host/${id}`, by, reason, planHash: null, at, result, via: "api" });
  }

  /** Takes it over and waits, with time standing still, until it stands. */
  async take(id: string, by = "ada", more: Partial<CommandMessage> = {}): Promise<TakeoverView> {
    await this.command("take", id, by, more);
    return this.stands(id, by);
  }

  /** Gives a command and waits until it was carried out and stands again. */
  async commandAndStand(command: Command, id: string, by = "ada", more: Partial<CommandMessage> = {}) {
    const times = async (): Promise<number> => {
      const { audit } = await this.story(id);
      return audit.filter(({ kind }) => kind === "held").length;
    };
    const before = await times();
    await this.command(command, id, by, more);
    await this.soon(`${id} stands again`, async () => (await times()) > before);
    return this.stands(id, by);
  }

  async stands(id: string, by = "ada"): Promise<TakeoverView> {
    const held = async (): Promise<TakeoverView | null> => {
      const { takeover } = await this.view(id);
      return takeover?.state === "held" && takeover.by === by ? takeover : null;
    };
    await this.soon(`${id} held by ${by}`, async () => (await held()) !== null);
    return (await held()) as TakeoverView;
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

  /** A person does it at the load balancer. */
  setAdmin(id: string, admin: AdminState): void {
    const { world } = this.lab;
    const pool = world.traffic.pools.get("web");
    const server = world.traffic.server("web", id);
    if (pool === undefined || server === null) throw new Error(`${id} is in no pool`);
    world.setAdmin(pool, server, admin);
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

  async checkAudit(harm?: RegExp): Promise<void> {
    let found = 0;
    const heads = new Map<string, HistoryHead>();
    const { client } = this.env;
    for (const { workflowId: id, runId } of await this.record.list({ limit: 1_000 })) {
      const { events } = await client.workflow.getHandle(id, runId).fetchHistory();
      for (const { remediationId, hash } of await closingHeads(events ?? [], decoder(client))) {
        heads.set(remediationId, { hash, workflowId: id });
      }
    }
    const reader = await openAuditReader(this.database.url);
    try {
      for await (const { chain, faults, temporal } of reader.verify({ heads })) {
        // The record's clock is set forward between two statements of one transaction, too.
        const wrong = faults.filter(({ detail }) => !/ was written at /.test(detail));
        const meant = wrong.filter(({ detail }) => harm?.test(detail) === true);
        expect(
          wrong.filter((fault) => !meant.includes(fault)),
          chain,
        ).toEqual([]);
        found += meant.length;
        expect(temporal, chain).toBe(heads.has(chain) ? "same" : "none");
      }
    } finally {
      await reader.end();
    }
    if (harm !== undefined) expect(found, `the audit finds ${harm.source}`).toBeGreaterThan(0);
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

  /** Also ends workflows that a scenario left waiting: without a worker they would stop the server's time for ever. */
  async stop(): Promise<void> {
    for (const id of this.parts.started) {
      await this.env.client.workflow
        .getHandle(id)
        .terminate("the test is over")
        .catch(() => undefined);
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
