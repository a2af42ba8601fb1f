import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import pino from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { faultKey, workflowId } from "../../src/contracts/ids.ts";
import type { RecordStore } from "../../src/record/api.ts";
import { createIngest, type IngestDependencies, type Starter } from "../../src/starters/ingest.ts";
import { createStarterMetrics } from "../../src/starters/metrics.ts";
import { Unavailable } from "../../src/starters/problems.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { alertFor, batchOf } from "./support/bodies.ts";
import { classifyByHost, FakeRemediations } from "./support/fakes.ts";

let database: TestDatabase;
let record: RecordStore;
let temporal: FakeRemediations;
let starter: Starter;

const start = (change: Partial<IngestDependencies> = {}): Starter =>
  createIngest({
    record,
    remediations: temporal,
    classify: classifyByHost,
    log: pino({ level: "silent" }),
    metrics: createStarterMetrics(),
    newId: randomUUID,
    ...change,
  });

beforeAll(async () => {
  database = await createTestDatabase();
  ({ record } = database);
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.sql("truncate alerts");
  temporal = new FakeRemediations();
  starter = start();
});

async function dispositions(): Promise<Record<string, number>> {
  const rows = await database.sql("select disposition, count(*)::int as count from alerts group by 1");
  return Object.fromEntries(rows.map((row) => [String(row["disposition"]), Number(row["count"])]));
}

async function unavailable(work: Promise<unknown>): Promise<Unavailable> {
  const error: unknown = await work.then(
    () => new Error("it was taken"),
    (reason: unknown) => reason,
  );
  if (error instanceof Unavailable) return error;
  throw error as Error;
}

describe("exactly one remediation for a fault", () => {
  test("1,000 concurrent duplicates are one start and a handful of signals", async () => {
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => starter.ingest(batchOf(alertFor("web-1")))));
    expect(new Set(temporal.starts.map((one) => workflowId(one.target)))).toEqual(new Set(["heal:host:web-1"]));
    expect(temporal.signals.length).toBeLessThanOrEqual(5);
    expect(answers.every((answer) => answer.accepted + answer.duplicates === 1)).toBe(true);
    const [row] = await record.alerts({});
    expect(row).toMatchObject({ disposition: "delivered", repeats: 999 });
  });

  test("1,000 duplicates through two processes stay a handful of signals", async () => {
    const other = start();
    const both = Array.from({ length: 1_000 }, (_, index) => (index % 2 === 0 ? starter : other));
    await Promise.all(both.map((one) => one.ingest(batchOf(alertFor("web-1")))));
    expect(temporal.signals.length).toBeLessThanOrEqual(10);
  });

  test("a repetition hours later sends nothing", async () => {
    await starter.ingest(batchOf(alertFor("web-1")));
    const answer = await start().ingest(batchOf(alertFor("web-1", { receivedAt: "2026-11-21T14:00:00.000Z" })));
    expect(answer).toMatchObject({ accepted: 0, duplicates: 1 });
    expect(temporal.signals).toHaveLength(1);
  });

  test("one fact twice in one body is one signal", async () => {
    const answer = await starter.ingest(batchOf(alertFor("web-1"), alertFor("web-1")));
    expect(answer).toMatchObject({ accepted: 1, duplicates: 1 });
    expect(temporal.signals).toHaveLength(1);
  });

  test("a fault that a closed episode decided does not start again, and is not left in the outbox", async () => {
    const alert = alertFor("web-1");
    const remediationId = randomUUID();
    await database.sql(
      `insert into remediations (remediation_id, workflow_id, run_id, target_kind, target_id, group_name, owner, severity,
         phase, doing, pause_scopes, opened_at, closed_at)
       values ($1, 'heal:host:web-1', 'run', 'host', 'web-1', 'web', 'sre', 'critical', 'closed', '', '{}', now(), now())`,
      [remediationId],
    );
    await database.sql("insert into decided_faults values ($1, $2, now())", [faultKey(alert), remediationId]);
    const answer = await starter.ingest(batchOf(alert));
    expect(temporal.signals).toHaveLength(0);
    expect(answer.results[0]).toMatchObject({
      disposition: "duplicate",
      reason: `decided by remediation ${remediationId}`,
    });
    expect(await record.undelivered(0, 10)).toEqual([]);
    await database.sql("truncate decided_faults, remediations cascade");
  });

  test("every start carries a new remediation id", async () => {
    await starter.ingest(batchOf(alertFor("web-1"), alertFor("web-2")));
    expect(new Set(temporal.starts.map((one) => one.message.remediationId)).size).toBe(2);
  });
});

describe("firing and resolved", () => {
  test("of one fault in one body arrive in that order, whatever their order in the body", async () => {
    const resolved = alertFor("web-1", { status: "resolved", endsAt: "2026-11-21T03:00:00.000Z" });
    await starter.ingest(batchOf(resolved, alertFor("web-1")));
    expect(temporal.signals.map(({ message }) => message.alert.status)).toEqual(["firing", "resolved"]);
  });

  test("in two bodies at once: the resolved waits for the firing that is on its way", async () => {
    temporal.delayMs = 100;
    const firing = starter.ingest(batchOf(alertFor("web-1")));
    await sleep(40);
    temporal.delayMs = 1;
    await starter.ingest(batchOf(alertFor("web-1", { status: "resolved", endsAt: "2026-11-21T03:00:00.000Z" })));
    await firing;
    expect(temporal.signals.map(({ message }) => message.alert.status)).toEqual(["firing", "resolved"]);
  });

  test("a resolved alert starts no workflow and is done with", async () => {
    const resolved = alertFor("web-9", { status: "resolved", endsAt: "2026-11-21T03:00:00.000Z" });
    const answer = await starter.ingest(batchOf(resolved));
    expect(answer).toMatchObject({ accepted: 1 });
    expect(temporal.starts).toHaveLength(0);
    expect(await record.undelivered(0, 10)).toEqual([]);
  });
});

describe("alerts that nobody can heal", () => {
  test("an unknown host goes to a stand-in target, so that a person is told", async () => {
    const alert = alertFor("unknown-1");
    const answer = await starter.ingest(batchOf(alert));
    expect(temporal.starts[0]).toMatchObject({ target: { kind: "unknown", id: alert.fingerprint }, runbook: null });
    expect(answer.results[0]).toMatchObject({
      disposition: "delivered",
      reason: expect.stringContaining("TARGET_UNKNOWN"),
    });
  });

  test("an alert without a runbook is only recorded", async () => {
    const answer = await starter.ingest(batchOf(alertFor("web-1", { labels: { alertname: "Mystery" } })));
    expect(answer).toMatchObject({ unmatched: 1, accepted: 0 });
    expect(temporal.starts).toHaveLength(0);
    expect(await record.alerts({ unmatched: true })).toHaveLength(1);
  });

  test("an alert that makes the classification crash goes to a person, and the others go their way", async () => {
    const classify: IngestDependencies["classify"] = (alert) => {
      if (alert.labels["host"] === "web-1") throw new TypeError("a bug");
      return classifyByHost(alert);
    };
    await start({ classify }).ingest(batchOf(alertFor("web-1"), alertFor("web-2")));
    expect(temporal.starts.map((one) => one.target.kind)).toEqual(["unknown", "host"]);
  });

  test("a target id that makes no workflow id is ignored with a reason", async () => {
    const answer = await starter.ingest(batchOf(alertFor("w".repeat(2_000))));
    expect(answer.results[0]).toMatchObject({ disposition: "ignored", reason: expect.stringContaining("too long") });
  });
});

describe("while Temporal is away", () => {
  test("nothing is marked delivered, and the next try delivers once", async () => {
    temporal.down = "all";
    const error = await unavailable(starter.ingest(batchOf(alertFor("web-1"), alertFor("web-2"))));
    expect(error.system).toBe("temporal");
    expect(await dispositions()).toEqual({ received: 2 });
    temporal.down = null;
    const answer = await starter.ingest(batchOf(alertFor("web-1"), alertFor("web-2")));
    expect(answer).toMatchObject({ accepted: 2 });
    expect(temporal.signals).toHaveLength(2);
    expect(await dispositions()).toEqual({ delivered: 2 });
  });

  test("what was delivered before it went away stays delivered", async () => {
    const alerts = Array.from({ length: 450 }, (_, index) => alertFor(`web-${index}`));
    const goesAway = Object.assign(new FakeRemediations(), { delayMs: 0 });
    temporal = goesAway;
    const newId = (): string => {
      if (goesAway.signals.length >= 250) goesAway.down = "all";
      return randomUUID();
    };
    await unavailable(start({ newId }).ingest(batchOf(...alerts)));
    const first = goesAway.signals.length;
    expect(await dispositions()).toEqual({ delivered: first, received: 450 - first });
    goesAway.down = null;
    const answer = await start().ingest(batchOf(...alerts));
    expect(answer).toMatchObject({ accepted: 450 - first, duplicates: first });
    expect(new Set(goesAway.signals.map((one) => one.workflowId)).size).toBe(450);
    expect(goesAway.signals).toHaveLength(450);
  });

  test("a workflow that is refused alone does not hold up the other alerts of its group", async () => {
    temporal.down = "web-1";
    const oneByOne = start({ concurrency: 1 });
    await unavailable(oneByOne.ingest(batchOf(alertFor("web-1"), alertFor("web-2"), alertFor("web-3"))));
    expect(temporal.starts.map((one) => one.target.id)).toEqual(["web-2", "web-3"]);
    expect(await dispositions()).toEqual({ delivered: 2, received: 1 });
  });

  test("a group finds it out with a few calls, not with one call an alert", async () => {
    temporal.down = "all";
    await unavailable(
      start({ concurrency: 4 }).ingest(batchOf(...Array.from({ length: 300 }, (_, n) => alertFor(`web-${n}`)))),
    );
    expect(temporal.calls).toBeLessThanOrEqual(8);
    expect(await dispositions()).toEqual({ received: 300 });
  });

  test("it is not asked more than the configured number of things at once", async () => {
    const hosts = Array.from({ length: 100 }, (_, index) => alertFor(`web-${index}`));
    await start({ concurrency: 7 }).ingest(batchOf(...hosts));
    expect(temporal.mostAtOnce).toBe(7);
  });
});

describe("while the record is away", () => {
  test("nothing is sent, and the sender is asked to try again", async () => {
    const away = { ...record, receive: () => Promise.reject(new Error("connection refused")) };
    const error = await unavailable(start({ record: away }).ingest(batchOf(alertFor("web-1"))));
    expect(error.system).toBe("record");
    expect(temporal.signals).toHaveLength(0);
  });

  test("a death between signal and mark repeats the signal, and loses nothing", async () => {
    const away = { ...record, markDelivered: () => Promise.reject(new Error("connection lost")) };
    await unavailable(start({ record: away }).ingest(batchOf(alertFor("web-1"))));
    expect(await dispositions()).toEqual({ received: 1 });
    await start().ingest(batchOf(alertFor("web-1")));
    expect(temporal.signals).toHaveLength(2);
    expect(await dispositions()).toEqual({ delivered: 1 });
  });
});

describe("the outbox", () => {
  test("sends what was received and never delivered, once", async () => {
    temporal.down = "all";
    await unavailable(starter.ingest(batchOf(alertFor("web-1"))));
    temporal.down = null;
    expect(await starter.redeliver({ olderThanMs: 0, limit: 10 })).toEqual({ delivered: 1, failed: 0 });
    expect(await starter.redeliver({ olderThanMs: 0, limit: 10 })).toEqual({ delivered: 0, failed: 0 });
    expect(temporal.signals).toHaveLength(1);
  });

  test("leaves alone what is on its way only just now", async () => {
    temporal.down = "all";
    await unavailable(starter.ingest(batchOf(alertFor("web-1"))));
    expect(await starter.redeliver({ olderThanMs: 60_000, limit: 10 })).toEqual({ delivered: 0, failed: 0 });
  });

  test("records what no runbook matches any more as unmatched", async () => {
    temporal.down = "all";
    await unavailable(starter.ingest(batchOf(alertFor("web-1"))));
    temporal.down = null;
    const without = start({ classify: () => ({ kind: "unmatched", detail: "the runbook was removed" }) });
    await without.redeliver({ olderThanMs: 0, limit: 10 });
    expect(await dispositions()).toEqual({ unmatched: 1 });
  });
});
