/** What people and tools read of a long history: lists, pages, searches and stories over HTTP. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { fillHistory } from "../../test/support/history.ts";
import type { Bench, Breakdown, Figure } from "../support/bench.ts";
import { closedLoop, Poster } from "../support/load.ts";
import { percentile, round } from "../support/stats.ts";
import { withStack, type BenchStack } from "../support/stack.ts";

const FULL = { remediations: 100_000, warmUpMs: 1_000, forMs: 8_000 };
const SMOKE = { remediations: 2_000, warmUpMs: 100, forMs: 300 };
const CONNECTIONS = 8;

type Ask = (poster: Poster, index: number) => Promise<unknown>;

const get =
  (path: string): Ask =>
  (poster) =>
    poster.get(path);

export const api: Bench = {
  name: "api",
  about: "reading the API with 100,000 remediations in the record, beside a select of one row by its key",
  run: (context) => {
    const size = context.smoke ? SMOKE : FULL;
    return withStack(context, { hosts: 1, mode: "observe" }, async (stack) => {
      context.say(`${size.remediations} remediations`);
      await fillHistory((text, parameters) => stack.database.sql(text, parameters), size.remediations);
      await stack.database.sql("vacuum analyze");
      const poster = new Poster(stack.url);
      const bare = await selects(stack, size);
      const figures: Figure[] = [];
      await stack.database.resetCounts();
      for (const [name, ask] of Object.entries(await questions(poster, size.remediations))) {
        context.say(name);
        await closedLoop(size.warmUpMs, CONNECTIONS, (index) => ask(poster, index));
        const { ms, elapsedMs } = await closedLoop(size.forMs, CONNECTIONS, (index) => ask(poster, index));
        figures.push(
          { name: `${name}, p50`, unit: "ms", ours: round(percentile(ms, 50), 2), bare: bare.p50 },
          { name: `${name}, p99`, unit: "ms", ours: round(percentile(ms, 99), 2), bare: bare.p99 },
          { name, unit: "/s", ours: Math.round((ms.length * 1000) / elapsedMs), bare: bare.perSecond },
        );
      }
      const breakdowns = [await statements(stack)];
      context.say("report of all of them");
      figures.push(...(await reportOfAll(stack, poster)));
      poster.close();
      return {
        figures,
        breakdowns,
        facts: stack.facts,
        notes: [
          `closed loop over ${CONNECTIONS} connections; each answer was 200; load generator and servers share the cores`,
          "bare: a select of one remediation by its id, through the same driver and as many connections, without HTTP",
          "the report of a month is made once for all who ask at a time; the last one is of a month in which all were closed",
          "test/record/plans.test.ts holds every one of these queries to an index",
        ],
      };
    });
  },
};

async function questions(poster: Poster, count: number): Promise<Record<string, Ask>> {
  const id = (index: number) => `r-${String(1 + ((index * 7_919) % count)).padStart(7, "0")}`;
  // A page from the middle of the history.
  const deep = await nextAt(poster, `/v1/remediations?limit=50&since=2026-01-01T00:00:00Z`, 20);
  return {
    "list, first page of 50": get("/v1/remediations"),
    "list, a page of 50 further on": get(deep),
    "list, open ones": get("/v1/remediations?open=true"),
    "list, that wait for a person": get("/v1/remediations?phase=approve"),
    "list, of one target": (one, index) => one.get(`/v1/remediations?target=host%2Fhost-${index % 5_000}`),
    "list, failed ones of one group": get("/v1/remediations?group=group-1&outcome=failed"),
    "list, a page of 1000": get("/v1/remediations?limit=1000"),
    "one with all that the record has": (one, index) => one.get(`/v1/remediations/${id(index)}`),
    "its story as a page": (one, index) => one.get(`/remediations/${id(index)}`),
    "alerts, first page of 100": get("/v1/alerts"),
    "report of a month, a twelfth of them": get("/v1/report?kind=month&name=2026-06"),
  };
}

async function nextAt(poster: Poster, first: string, pages: number): Promise<string> {
  let path = first;
  for (let page = 0; page < pages; page++) {
    const { next } = JSON.parse((await poster.get(path)).body) as { next: string | null };
    if (next === null) return path;
    path = next;
  }
  return path;
}

async function selects({ database }: BenchStack, { warmUpMs, forMs, remediations }: typeof FULL) {
  const pool = new pg.Pool({ connectionString: database.url, max: CONNECTIONS });
  try {
    const select = (index: number) =>
      pool.query("select * from remediations where remediation_id = $1", [
        `r-${String(1 + ((index * 7_919) % remediations)).padStart(7, "0")}`,
      ]);
    await closedLoop(warmUpMs, CONNECTIONS, select);
    const { ms, elapsedMs } = await closedLoop(forMs, CONNECTIONS, select);
    return {
      p50: round(percentile(ms, 50), 2),
      p99: round(percentile(ms, 99), 2),
      perSecond: Math.round((ms.length * 1000) / elapsedMs),
    };
  } finally {
    await pool.end();
  }
}

/** The largest there is, once; and how long everybody else waits meanwhile. */
async function reportOfAll({ database }: BenchStack, poster: Poster): Promise<Figure[]> {
  await database.sql(
    `update remediations set closed_at = timestamptz '2025-06-01' + (closed_at - timestamptz '2026-01-01') / 15
      where closed_at is not null`,
  );
  await database.sql("vacuum analyze remediations");
  let done = false;
  const startedAt = performance.now();
  const made = poster.get("/v1/report?kind=month&name=2025-06").finally(() => (done = true));
  made.catch(() => undefined);
  const ms: number[] = [];
  while (!done) {
    const askedAt = performance.now();
    await poster.get("/healthz");
    ms.push(performance.now() - askedAt);
    await sleep(5);
  }
  const { remediations } = JSON.parse((await made).body) as { remediations: number };
  const tookMs = Math.round(performance.now() - startedAt);
  return [
    { name: `report of ${remediations} remediations, once`, unit: "ms", ours: tookMs, bare: null },
    { name: "/healthz meanwhile, p99", unit: "ms", ours: round(percentile(ms, 99), 2), bare: null },
    { name: "/healthz meanwhile, longest", unit: "ms", ours: round(Math.max(...ms), 2), bare: null },
  ];
}

async function statements({ database }: BenchStack): Promise<Breakdown> {
  const { top } = await database.counts();
  return {
    title: "statements of the API",
    header: ["calls", "mean ms", "statement"],
    rows: top.slice(0, 20).map(({ calls, meanMs, text }) => [calls, round(meanMs, 3), text.slice(0, 120)]),
  };
}
