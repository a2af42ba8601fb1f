/** A sweeper on a real database; Temporal, the balancer and the people are told what to say. */
import { randomUUID } from "node:crypto";
import pino from "pino";
import { expect } from "vitest";
import type { PoolServer } from "../../src/ports/ports.ts";
import type { Finding } from "../../src/record/api-sweep.ts";
import { createIngest } from "../../src/starters/ingest.ts";
import { createStarterMetrics } from "../../src/starters/metrics.ts";
import { findOnly, sweepOnce, type SweepDependencies, type SweepReport } from "../../src/watchers/sweep.ts";
import type { SeenRun } from "../../src/starters/runs.ts";
import type { Heartbeat } from "../../src/watchers/sweep-heartbeats.ts";
import type { SeenSchedule, TemporalView } from "../../src/watchers/sweep-temporal.ts";
import { classifyByHost, FakeRemediations } from "../starters/support/fakes.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

export const log = pino({ level: "silent" });

export class FakeTemporal implements TemporalView {
  readonly namespace = "default";
  /** What is not in here, Temporal does not know. */
  readonly workflows = new Map<string, SeenRun>();
  readonly schedules = new Map<string, SeenSchedule>();
  readonly startedAt = new Map<string, string>();
  /** Workflow ids that were described. */
  described: string[] = [];
  away = false;
  namespaceId = "ours";
  /** `workflowId/runId` that only the record knows. */
  readonly unknownRuns = new Set<string>();

  /** Search attributes that the namespace lacks. */
  attributes: string[] = [];

  runs(workflowId: string, taskAttempt = 0, startedAt = "2026-01-01T00:00:00.000Z"): void {
    this.workflows.set(workflowId, { state: "running", taskAttempt, activity: null });
    this.startedAt.set(workflowId, startedAt);
  }
  ended(workflowId: string, how = "TERMINATED"): void {
    this.workflows.set(workflowId, { state: "closed", how, at: "2026-01-01T00:00:00.000Z" });
  }

  async identity() {
    this.check();
    return { namespaceId: this.namespaceId, namespace: this.namespace, address: "127.0.0.1:7233" };
  }
  async running() {
    this.check();
    const ids = [...this.workflows].filter(([, seen]) => seen.state === "running").map(([id]) => id);
    const workflows = ids.map((workflowId) => ({ workflowId, startedAt: this.startedAt.get(workflowId) ?? "" }));
    return { workflows, complete: true };
  }
  async workflow(workflowId: string, runId?: string): Promise<SeenRun> {
    this.check();
    if (runId !== undefined && this.unknownRuns.has(`${workflowId}/${runId}`)) return { state: "notFound" };
    this.described.push(workflowId);
    return this.workflows.get(workflowId) ?? { state: "notFound" };
  }
  async schedule(id: string): Promise<SeenSchedule> {
    this.check();
    return this.schedules.get(id) ?? { state: "active", note: "" };
  }
  async missingAttributes(): Promise<string[]> {
    this.check();
    return this.attributes;
  }
  private check(): void {
    if (this.away) throw new Error("Temporal is away");
  }
}

export interface Sent {
  key: string;
  route: string;
  title: string;
  text: string;
}

export class SweepRig {
  readonly db: TestDatabase;
  readonly temporal = new FakeTemporal();
  readonly remediations = new FakeRemediations();
  /** What Temporal remembers of the record's beat. */
  marked: number | null = null;
  servers: PoolServer[] = [];
  balancerAway = false;
  sent: Sent[] = [];
  pagerAway = false;
  heartbeats: Heartbeat[] = [];

  private constructor(db: TestDatabase) {
    this.db = db;
  }
  static async create(): Promise<SweepRig> {
    return new SweepRig(await createTestDatabase());
  }

  get record() {
    return this.db.record;
  }

  deps(): SweepDependencies {
    const { record, temporal, remediations } = this;
    const metrics = createStarterMetrics();
    const ingest = { record, remediations, classify: classifyByHost, log, metrics, newId: randomUUID };
    return {
      record,
      temporal,
      remediations,
      mark: {
        read: async () => this.marked,
        write: async (beat) => void (this.marked = Math.max(beat, this.marked ?? 0)),
      },
      log,
      heartbeats: async () => this.heartbeats,
      starter: createIngest(ingest),
      loadBalancer: {
        servers: async () => {
          if (this.balancerAway) throw new Error("the balancer is away");
          return this.servers;
        },
      },
      notify: {
        send: async (message) => {
          if (this.pagerAway) throw new Error("503 from the pager");
          this.sent.push(message);
        },
      },
    };
  }

  sweep(): Promise<SweepReport> {
    return sweepOnce(this.deps(), null);
  }
  look(): Promise<SweepReport> {
    return findOnly(this.deps());
  }
  /** The record's time moves on by so much from real time. */
  at(minutes: number): Promise<void> {
    return this.db.setClock(minutes * 60_000);
  }
  pages(): Sent[] {
    return this.sent.filter((message) => message.route === "page");
  }
}

export function codes(report: { found: Finding[] }): string[] {
  return report.found.map((finding) => finding.code).sort();
}

export function drained(pool: string, server: string): PoolServer {
  return { pool, server, admin: "drain", operational: "up", sessions: 0, weightPercent: 100 };
}

/** The key of a message about a finding of one remediation, whenever it was first seen. */
export function ofFinding(remediationId: string, code: string): string {
  return expect.stringMatching(new RegExp(`^${remediationId}/sweep/[\\dTZ:.-]+/${code}/`)) as string;
}
