/** What the measures are counted from, on a real database; and that no question walks through history. */
import { sql, type RawBuilder } from "kysely";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { MeasuredRow } from "../../src/contracts/measures.ts";
import { faultKey } from "../../src/contracts/ids.ts";
import { toMeasured } from "../../src/measures/facts.ts";
import { MeasuredWindow } from "../../src/measures/window.ts";
import { allMeasured } from "../../src/measures/read-report.ts";
import { measuredQuery, unmatchedQuery } from "../../src/record/measures.ts";
import { openDatabase } from "../../src/record/pool.ts";
import { openRecord } from "../../src/record/record.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { admitted, anAlert, anEpisode, anIntent, aPlan, closing, planned, received } from "./builders.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

const DAY = { from: "2026-10-10T00:00:00.000Z", to: "2026-10-11T00:00:00.000Z" };
const time = (clock: string): string => `2026-10-10T${clock}.000Z`;
const rows = (group: string | null = null): Promise<MeasuredRow[]> => allMeasured(db.record, DAY, group, (row) => row);

/** One whole story, each part of it at a time of its own. */
async function healed(): Promise<string> {
  const { record } = db;
  const alert = anAlert({ fingerprint: "whole", startsAt: time("09:58:00") });
  await db.setClock(time("10:00:00"));
  await record.receive([received(alert)]);
  await record.markDelivered([{ faultKey: faultKey(alert), status: "firing" }]);
  await db.setClock(time("10:00:01"));
  const plan = aPlan({ severity: "critical" });
  const remediationId = await planned(record, plan, { faults: [faultKey(alert)] });
  const confirmed = { reading: { probe: "p", state: "unhealthy", reason: "", measured: {}, at: time("10:00:01") } };
  await record.append(remediationId, "confirm/1", "confirmed", confirmed);
  await record.progress(remediationId, "approve", "waiting", null);
  await db.setClock(time("10:05:00"));
  await record.progress(remediationId, "admit", "admitting", null);
  await record.admit({ remediationId, plan, planHash: "h", evaluate: () => [] });
  await db.setClock(time("10:06:00"));
  const intent = { ...anIntent(remediationId, { step: "dc" }), action: "ticket.open", request: { serial: "S1" } };
  await record.beginEffect(intent);
  await db.setClock(time("10:06:02"));
  await record.settleEffect(intent.key, "happened", { ticketId: "42", url: "u" }, "opened", {
    actedAt: time("10:06:01"),
  });
  await record.wait({ key: "w1", remediationId, system: "tickets", ref: "42", seen: "open", until: null });
  await db.setClock(time("10:26:00"));
  await record.endWait("w1");
  await db.setClock(time("10:30:00"));
  await record.close(closing(remediationId, { faults: [faultKey(alert)] }));
  await record.review({ remediationId, verdict: "good", by: "ann", reason: "" });
  return remediationId;
}

describe("a closed remediation", () => {
  it("brings its whole story along, with the time of each part", async () => {
    const remediationId = await healed();
    const [row] = await rows();
    expect(row).toMatchObject({
      ...{ remediationId, target: { kind: "host", id: "web-1" }, outcome: "healed", alertnames: ["SmartDiskFailing"] },
      ...{ startedAt: time("09:58:00"), receivedAt: time("10:00:00"), firstEffectAt: time("10:06:00") },
      ...{ closedAt: time("10:30:00"), cost: 0, approved: false, review: "good", codes: [], auditLagMs: 1_000 },
      ...{ previousClosedAt: null, ticketWaits: [{ from: time("10:06:02"), to: time("10:26:00") }] },
      effects: [{ action: "ticket.open", state: "happened", request: { serial: "S1" }, result: { ticketId: "42" } }],
    });
    const marks = row?.marks.map(({ kind, what }) => `${kind} ${what}`.trim());
    expect(marks).toEqual(["confirmed unhealthy", "progress approve", "progress admit", "effectIntended"]);
    const measured = toMeasured(row as MeasuredRow);
    expect(measured).toMatchObject({ repairMs: 32 * 60_000, critical: true, alone: true, onHealthy: false });
    expect(measured.ownRepairMs).toBe(32 * 60_000 - (4 * 60_000 + 59_000) - (19 * 60_000 + 58_000));
    expect(measured.startMs).toBe(6 * 60_000);
  });

  it("knows when the one before it on its target closed, and what spoke against it", async () => {
    await db.setClock(time("12:00:00"));
    const episode = anEpisode({ faults: [] });
    await db.record.open({ ...episode, faults: [faultKey(anAlert({ fingerprint: "second" }))] });
    const results = [
      { guardrail: "a", outcome: "pass", code: "OK", detail: "", saw: {} },
      { guardrail: "b", outcome: "refuse", code: "RATE", detail: "", saw: {} },
    ] as const;
    const verdict = { outcome: "refuse" as const, results: [...results], at: time("12:00:00") };
    await db.record.saveDecision(episode.remediationId, verdict, null, null, "cat");
    await db.record.close(closing(episode.remediationId, { outcome: "refused" }));
    const row = (await rows()).find((one) => one.remediationId === episode.remediationId);
    expect(row).toMatchObject({
      codes: ["RATE"],
      previousClosedAt: time("10:30:00"),
      marks: [],
      cost: null,
      effects: [],
    });
  });

  it("that was refused without a verdict, or past one that let it act, says why by its own detail", async () => {
    await db.setClock(time("13:00:00"));
    const detail = "FACTS_UNAVAILABLE: no series for smart_failing";
    const early = anEpisode({ faults: [], target: { kind: "host", id: "early-1" } });
    await db.record.open({ ...early, faults: [faultKey(anAlert({ fingerprint: "early" }))] });
    const late = await planned(db.record, aPlan({ target: "late-1" }));
    for (const id of [early.remediationId, late]) await db.record.close(closing(id, { outcome: "refused", detail }));
    const found = (await rows()).filter((one) => [early.remediationId, late].includes(one.remediationId));
    expect(found.map(({ codes }) => codes)).toEqual([["FACTS_UNAVAILABLE"], ["FACTS_UNAVAILABLE"]]);
  });

  it("keeps when its fault began, though that fires again and its alert belongs to the next one", async () => {
    const { record } = db;
    const alert = anAlert({ fingerprint: "again", startsAt: "2026-09-20T09:58:00.000Z" });
    const faults = [faultKey(alert)];
    await db.setClock("2026-09-20T10:00:00.000Z");
    await record.receive([received(alert)]);
    await record.markDelivered(faults.map((key) => ({ faultKey: key, status: "firing" as const })));
    const first = await planned(record, aPlan({ target: "again" }), { faults });
    await record.close(closing(first, { faults }));
    await db.setClock("2026-09-22T10:00:00.000Z");
    await record.receive([received(alert, { reopenAfterMs: 3_600_000 })]);
    const second = await planned(record, aPlan({ target: "again" }), { faults, reopenAfterMs: 3_600_000 });
    await record.close(closing(second, { faults }));
    const day = { from: "2026-09-20T00:00:00.000Z", to: "2026-09-21T00:00:00.000Z" };
    const [row] = await allMeasured(record, day, null, (one) => one);
    expect(row).toMatchObject({ remediationId: first, startedAt: alert.startsAt, alertnames: [] });
  });

  it("belongs to the day in which it closed, and to its group", async () => {
    await db.setClock("2026-10-11T00:00:00.000Z");
    const plan = aPlan({ target: "db-1", group: "db" });
    const next = await admitted(db.record, plan);
    await db.record.close(closing(next));
    expect((await rows()).map((row) => row.remediationId)).not.toContain(next);
    const page = await db.record.measured({ from: DAY.to, to: "2026-10-12T00:00:00.000Z", group: "db", after: null });
    expect(page).toMatchObject({ rows: [{ remediationId: next }], next: null });
    expect(await rows("db")).toEqual([]);
  });

  it("is read once, however the pages fall", async () => {
    await db.setClock("2026-09-01T00:00:00.000Z");
    // More than a page, all closed in the same moment.
    await db.sql(
      `insert into remediations (remediation_id, workflow_id, run_id, target_kind, target_id, group_name, owner, severity,
                                 phase, doing, pause_scopes, outcome, opened_at, closed_at)
       select 'many-' || i, 'w', 'r', 'host', 'many-' || i, 'web', 'sre', 'warning', 'closed', '', '{}', 'observed',
              selfheal_now(), selfheal_now() from generate_series(1, 2100) i`,
    );
    const found = await allMeasured(
      db.record,
      { from: "2026-09-01T00:00:00.000Z", to: "2026-09-01T00:00:00.001Z" },
      null,
      (row) => row.remediationId,
    );
    expect(new Set(found).size).toBe(2100);
    expect(found).toHaveLength(2100);
  });
});

describe("the measures' window", () => {
  it("brought up to date step by step says what a fresh one says, later reviews too", async () => {
    await db.setClock("2026-10-10T11:00:00.000Z");
    const window = new MeasuredWindow(db.record);
    await window.slices(null);
    await db.setClock("2026-10-12T11:00:00.000Z");
    const late = await admitted(db.record, aPlan({ target: "web-9" }));
    await db.record.beginEffect(anIntent(late));
    await db.record.close(closing(late, { outcome: "failed", needsHuman: true }));
    await window.slices(null);
    await db.setClock("2026-10-12T12:00:00.000Z");
    await db.record.review({ remediationId: late, verdict: "falsePositive", by: "ann", reason: "" });
    const kept = await window.slices(null);
    expect(kept).toEqual(await new MeasuredWindow(db.record).slices(null));
    expect(kept[0]?.measures.find(({ id }) => id === "M4")).toMatchObject({ value: 0.5, of: 2 });
    // And forgets what is older than 30 days.
    await db.setClock("2026-11-11T00:00:00.000Z");
    const [total] = await window.slices(null);
    expect(total?.outcomes).toEqual(new Map([["failed", 1]]));
  });
});

describe("alerts that nothing matched", () => {
  it("are counted by fault, the commonest first, those that are not shown too", async () => {
    await db.setClock("2026-10-20T10:00:00.000Z");
    const unmatched = (alertname: string, fingerprint: string) =>
      received(
        { fingerprint, labels: { alertname } },
        { target: null, runbook: null, disposition: "unmatched", reason: "" },
      );
    const some = [...Array(30).keys()].map((index) => unmatched(`Alert${index}`, `u${index}`));
    await db.record.receive([...some, unmatched("Alert7", "again"), unmatched("Alert7", "again")]);
    const day = { from: "2026-10-20T00:00:00.000Z", to: "2026-10-21T00:00:00.000Z", group: null };
    const found = await db.record.unmatchedAlerts(day);
    expect(found.faults).toBe(31);
    expect(found.alerts[0]).toMatchObject({ alertname: "Alert7", faults: 2 });
    expect(found.alerts).toHaveLength(20);
    expect(await db.record.unmatchedAlerts({ ...day, to: day.from })).toEqual({ faults: 0, alerts: [] });
  });
});

describe("how it stands now", () => {
  it("is what is open, waits, or was not sent", async () => {
    await db.setClock("2026-10-22T10:00:00.000Z");
    const open = await planned(db.record, aPlan({ target: "live-1" }));
    await db.record.progress(open, "approve", "waiting", null);
    await db.record.escalation({ remediationId: open, key: "k", route: "page", summary: "s" });
    await db.setClock("2026-10-22T10:10:00.000Z");
    expect(await db.record.liveState()).toMatchObject({
      open: [{ phase: "approve", remediations: 1, oldestOpenedAt: "2026-10-22T10:00:00.000Z" }],
      approvals: { waiting: 1, oldestSince: "2026-10-22T10:00:00.000Z" },
      queue: { waiting: 0, oldestSince: null },
      unsent: { escalations: 1, oldestAt: "2026-10-22T10:00:00.000Z" },
      now: "2026-10-22T10:10:00.000Z",
    });
  });
});

interface PlanNode {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Cond"?: string;
  "Recheck Cond"?: string;
  Plans?: PlanNode[];
}

/**
 * Parts of the plan that read a table from one end to the other. With sequential scans forbidden, one that is left, or an
 * index read without a condition, says that no index fits.
 */
async function walks(query: RawBuilder<unknown>): Promise<string[]> {
  const database = openDatabase(db.url, { poolSize: 1 });
  try {
    await sql`set enable_seqscan = off`.execute(database);
    const found = await sql<{ "QUERY PLAN": [{ Plan: PlanNode }] }>`explain (format json) ${query}`.execute(database);
    const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];
    const nodes = found.rows.flatMap((row) => nodesOf(row["QUERY PLAN"][0].Plan));
    const reads = nodes.filter((node) => node["Relation Name"] !== undefined);
    expect(reads.length).toBeGreaterThan(0);
    return reads
      .filter((node) => node["Index Cond"] === undefined && node["Recheck Cond"] === undefined)
      .map((node) => `${node["Node Type"]} on ${node["Relation Name"]}`);
  } finally {
    await database.destroy();
  }
}

describe("the audit's lag (M10)", () => {
  it("of a remediation is the one of /metrics, however late the entry", async () => {
    await db.setClock("2026-10-25T10:00:00.000Z");
    const id = await admitted(db.record, aPlan({ target: "late-1" }));
    const intent = anIntent(id);
    await db.record.beginEffect(intent);
    await db.setClock("2026-10-25T10:00:09.500Z");
    await db.record.settleEffect(intent.key, "happened", null, "", { actedAt: "2026-10-25T10:00:02.250Z" });
    await db.record.close(closing(id));
    const day = { from: "2026-10-25T00:00:00.000Z", to: "2026-10-26T00:00:00.000Z", group: null, after: null };
    const { rows: found } = await db.record.measured(day);
    expect(found).toMatchObject([{ remediationId: id, auditLagMs: 7_250 }]);
    expect(await db.record.auditLag(3_600_000)).toMatchObject({ effects: 1, max: 7.25 });
  });
});

describe("the plans", () => {
  it("read closed remediations of a period by indexes alone", async () => {
    const after = { closedAt: DAY.from, remediationId: "x" };
    expect(await walks(measuredQuery({ ...DAY, group: "web", after }))).toEqual([]);
    expect(await walks(measuredQuery({ ...DAY, group: null, after: null }))).toEqual([]);
  });

  it("read unmatched alerts of a period by an index", async () => {
    expect(await walks(unmatchedQuery({ ...DAY, group: null }))).toEqual([]);
  });

  it("would show a walk", async () => {
    expect(await walks(sql`select count(*) from remediations where detail = 'x'`)).toHaveLength(1);
  });
});

const HISTORY = [
  "remediations",
  "alerts",
  "audit",
  "effects",
  "escalations",
  "verdicts",
  "waits",
  "reviews",
  "postmortems",
  "notification_threads",
];

/** Of all sessions that have ended. */
async function scans(): Promise<{ sequential: Record<string, number>; byIndex: number }> {
  const found = (await db.sql(
    "select relname, seq_scan::int as seq, coalesce(idx_scan, 0)::int as idx from pg_stat_user_tables where relname = any($1)",
    [HISTORY],
  )) as { relname: string; seq: number; idx: number }[];
  const sequential = Object.fromEntries(found.map(({ relname, seq }) => [relname, seq]));
  return { sequential, byIndex: found.reduce((sum, { idx }) => sum + idx, 0) };
}

describe("what is asked again and again", () => {
  it("reads no table of history from one end to the other", async () => {
    await db.sql(`alter database ${new URL(db.url).pathname.slice(1)} set enable_seqscan = off`);
    const before = await scans();
    const record = await openRecord(db.url);
    await record.liveState();
    await record.reviewsSince(DAY.from);
    await record.postmortemsToMake(10);
    await record.postmortemsToSend(10);
    await record.trouble(DAY.from);
    await record.began();
    await record.problemLinks(DAY.from);
    await record.openProblems();
    await record.staleThreads(10);
    await record.heartbeat("alertmanager", "Watchdog", 60_000);
    await record.end();
    // A session hands in what it counted when it ends.
    const after = await vi.waitFor(async () => {
      const now = await scans();
      expect(now.byIndex).toBeGreaterThan(before.byIndex + 5);
      return now;
    }, 30_000);
    expect(after.sequential).toEqual(before.sequential);
  });
});
