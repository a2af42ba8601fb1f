/** No question of the API reads the whole history: every plan of PostgreSQL's goes by an index. */
import { Kysely, type LogEvent, PostgresDialect } from "kysely";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { auditLag } from "../../src/record/audit/lag.ts";
import { changes } from "../../src/record/changes.ts";
import { countSurroundings } from "../../src/record/counted-surroundings.ts";
import { listAlerts } from "../../src/record/ingest.ts";
import type { Database } from "../../src/record/pool.ts";
import * as queries from "../../src/record/queries.ts";
import { postmortemsToMake } from "../../src/record/postmortems.ts";
import { cases } from "../../src/record/reviews.ts";
import { heartbeat } from "../../src/record/sweep.ts";
import type { Tables } from "../../src/record/tables.ts";
import { surrounded } from "../policy/support.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { fillHistory } from "../support/history.ts";

const ROWS = 12_000;
/** They grow with time; the others hold what is there now. */
const HISTORY = [
  "remediations",
  "audit",
  "alerts",
  "verdicts",
  "effects",
  "decisions",
  "waits",
  "plans",
  "escalations",
];

let database: TestDatabase;
let db: Database;
let asked: { sql: string; parameters: readonly unknown[] }[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  await fillHistory((text, parameters) => database.sql(text, parameters), ROWS);
  const log = ({ query: { sql, parameters } }: LogEvent): void => void asked.push({ sql, parameters });
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }), log });
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});

interface Node {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Name"?: string;
  "Actual Rows"?: number;
  "Rows Removed by Filter"?: number;
  Plans?: Node[];
}

/** All of a plan, of `explain (format json)`. */
function nodesOf(row: Record<string, unknown> | undefined): Node[] {
  const all = (row?.["QUERY PLAN"] as { Plan: Node }[]).map(({ Plan }) => Plan);
  // Grows while it is walked.
  for (const node of all) all.push(...(node.Plans ?? []));
  return all;
}

/** `Seq Scan on audit`, of every query that `work` asks. */
async function scansOf(work: () => Promise<unknown>): Promise<string[]> {
  asked = [];
  await work();
  expect(asked.length).toBeGreaterThan(0);
  const scans: string[] = [];
  for (const { sql, parameters } of asked) {
    const [row] = await database.sql(`explain (format json) ${sql}`, [...parameters]);
    for (const node of nodesOf(row)) {
      const table = node["Relation Name"] ?? "";
      if (node["Node Type"].includes("Seq Scan") && HISTORY.includes(table))
        scans.push(`${node["Node Type"]} on ${table}: ${sql}`);
    }
  }
  return scans;
}

const CORRELATED = surrounded({
  correlation: {
    parents: [{ scope: "rack:r1", trips: 3, windowMs: 600_000, because: "", remedy: null }],
    holdDownMs: 0,
  },
});

const after = { openedAt: "2026-06-01T00:00:00.000Z", remediationId: "r-0010000" };

describe("a list of remediations", () => {
  it.each([
    {},
    { after },
    { open: true },
    { open: false, after },
    { target: "host/host-7", after },
    { target: "host-7" },
    { runbook: "runbook-3", after },
    { group: "group-3", after },
    { outcome: "failed", after } as const,
    { phase: "approve", after } as const,
    { since: "2026-06-01T00:00:00.000Z" },
    { group: "group-3", outcome: "failed", open: false, after } as const,
    { groups: ["group-3"], after },
    { groups: ["group-3", "group-4", "none"] },
  ])("%j", async (filter) => {
    expect(await scansOf(() => queries.list(db, { ...filter, limit: 51 }))).toEqual([]);
  });
});

it("one by its id, by a beginning of it, by its target", async () => {
  for (const id of ["r-0010000", "r-00100", "host/host-7", "nothing"]) {
    expect([id, await scansOf(() => queries.find(db, id))]).toEqual([id, []]);
  }
});

it("its whole story", async () => {
  expect(await scansOf(() => queries.story(db, "r-0010000"))).toEqual([]);
});

it.each([
  {},
  { after: { lastSeenAt: "2026-06-01T00:00:00.000Z", faultKey: "f", status: "firing" } },
  { disposition: "unmatched" } as const,
  { fingerprint: "f-77" },
  { remediationId: "r-0010000" },
  { groups: ["group-3", "none"] },
])("alerts by %j", async (filter) => {
  expect(await scansOf(() => listAlerts(db, { ...filter, limit: 101 }))).toEqual([]);
});

it.each<object>([{}, { after }, { open: false }])(
  "remediations of small groups (%j), without reading those of others",
  async (filter) => {
    const limit = 3;
    await queries.list(db, { ...filter, groups: ["group-3", "group-4", "none"], limit });
    const { sql, parameters } = asked.at(-1) ?? { sql: "", parameters: [] };
    const [row] = await database.sql(`explain (analyze, format json) ${sql}`, [...parameters]);
    const read = nodesOf(row).filter((node) => node["Relation Name"] === "remediations");
    expect(read.map((node) => node["Index Name"])).toEqual(["remediations_of_group"]);
    // Of each of the three at most a page, and what the filter leaves out of them.
    expect(read.map((node) => node["Actual Rows"] ?? Infinity)).toSatisfy(
      ([rows]: number[]) => (rows ?? Infinity) <= limit,
    );
  },
);

it("alerts of a small group, without reading those of others", async () => {
  await listAlerts(db, { groups: ["group-3", "none"], limit: 2, disposition: "delivered" });
  const { sql, parameters } = asked.at(-1) ?? { sql: "", parameters: [] };
  const [row] = await database.sql(`explain (analyze, format json) ${sql}`, [...parameters]);
  const read = nodesOf(row).filter((node) => node["Relation Name"] === "alerts");
  expect(read.map((node) => node["Index Name"])).toEqual(["alerts_of_group"]);
  expect(read.map((node) => [node["Actual Rows"], node["Rows Removed by Filter"]])).toEqual([[1, 0]]);
});

it.each<[string, () => Promise<unknown>]>([
  ["the audit's lag in the last hour", () => auditLag(db, 3_600_000)],
  ["closed remediations of the last month as evidence", () => cases(db, 30 * 24 * 3_600_000)],
  ["of which nobody has a draft", () => postmortemsToMake(db, 10)],
  ["alerts of a plan's parents in the last minutes", () => countSurroundings(db, "r-0010000", CORRELATED)],
  ["whether a heartbeat is there", () => heartbeat(db, "test", "Watchdog", 60_000)],
])("%s", async (_what, ask) => {
  expect(await scansOf(ask)).toEqual([]);
});

it("changes since just now", async () => {
  const [newest] = await database.sql("select max(at) as at from audit");
  const place = { at: new Date(newest?.["at"] as string).toISOString(), remediationId: "", seq: 0 };
  expect(await scansOf(() => changes(db, place, 500))).toEqual([]);
});
