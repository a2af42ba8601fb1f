/** Many distinct faults at once until each is decided and recorded, beside as many bare one-activity workflows. */
import { workflowId } from "../../src/contracts/ids.ts";
import type { Bench, Breakdown, Figure } from "../support/bench.ts";
import { startBare, untilClosed } from "../support/bare.ts";
import { activitiesOf, eventsOf, workflowTasksOf, type History } from "../support/history.ts";
import { mapLimit } from "../support/load.ts";
import { bareMessage } from "../support/message.ts";
import { median, round } from "../support/stats.ts";
import { postAll, untilRecorded } from "../support/storm.ts";
import { withStack, type BenchStack } from "../support/stack.ts";
import type { SqlCounts } from "../support/database.ts";
import type { BareWorkflow } from "../bare/names.ts";

const FULL = { count: 750, warmUp: 50, sample: 50 };
const SMOKE = { count: 5, warmUp: 1, sample: 5 };
const WITHIN_MS = 15 * 60_000;
/** As our starter (src/starters/ingest.ts). */
const STARTS_AT_ONCE = 32;

export const storm: Bench = {
  name: "storm",
  about: "750 distinct faults until all are decided and recorded, beside 750 bare one-activity workflows",
  run: (context) => {
    const size = context.smoke ? SMOKE : FULL;
    return withStack(context, { hosts: size.count + size.warmUp, mode: "observe" }, async (stack) => {
      const bare = await bareStorms(stack, size, context.say);
      const worker = await stack.startWorker();
      await postAll(stack, stack.hosts.slice(size.count));
      await untilRecorded(stack, size.warmUp, "observed", WITHIN_MS);
      context.say(`${size.count} faults`);
      const ours = await ourStorm(stack, size);
      const histories = await mapLimit(stack.hosts.slice(0, size.sample), 4, (id) =>
        stack.client.workflow.getHandle(workflowId({ kind: "host", id })).fetchHistory(),
      );
      await worker.stop();
      const after = await bareStorm(stack, "bare", size, { say: context.say, round: 2 });
      return {
        figures: figuresOf(size.count, ours, { ...bare, after }),
        breakdowns: [
          cpuTable(size.count, { ours: ours.cpu, "bare before": bare.before.cpu, "bare after": after.cpu }),
          countTable(size.count, histories, ours.sql),
          timeTable(histories),
          statementTable(size.count, ours.sql),
        ],
        facts: stack.facts,
        notes: [
          "ours: from the first webhook to the last `closed_at` in the record, every one `observed`",
          "bare: from the first signalWithStart, 32 at once, to the last close time that Temporal lists",
          "the counts hold the watcher's rounds too, a few statements each 2 s",
        ],
      };
    });
  },
};

type Size = typeof FULL;
type Cpu = Record<string, number>;
type Say = (line: string) => void;

interface Run {
  seconds: number;
  cpu: Cpu;
}

interface BareRuns {
  local: Run;
  /** One regular activity, as ours: before and after ours, because a machine is not the same all the time. */
  before: Run;
  after: Run;
}

async function bareStorms(stack: BenchStack, size: Size, say: Say): Promise<Omit<BareRuns, "after">> {
  const before = await bareStorm(stack, "bare", size, { say, round: 1 });
  return { before, local: await bareStorm(stack, "bareLocal", size, { say, round: 1 }) };
}

/** `round`: of the runs of that workflow, from 1. */
async function bareStorm(
  stack: BenchStack,
  workflow: BareWorkflow,
  { count, warmUp }: Size,
  { say, round: nth }: { say: Say; round: number },
): Promise<Run> {
  const worker = await stack.startBare("worker");
  const closedBefore = (nth - 1) * (count + warmUp);
  const message = bareMessage("warm-up");
  const start = (id: string): Promise<void> => startBare(stack.client, workflow, `${workflow}-${nth}-${id}`, message);
  for (let index = 0; index < warmUp; index++) await start(`warm-${index}`);
  await untilClosed(stack.client, workflow, closedBefore + warmUp, WITHIN_MS);
  say(`${count} workflows ${workflow}`);
  const before = stack.cpu();
  const startedAt = Date.now();
  await mapLimit([...new Array(count).keys()], STARTS_AT_ONCE, (index) => start(String(index)));
  const endedAt = await untilClosed(stack.client, workflow, closedBefore + warmUp + count, WITHIN_MS);
  const run = { seconds: (endedAt - startedAt) / 1000, cpu: difference(stack.cpu(), before) };
  await worker.stop();
  return run;
}

async function ourStorm(stack: BenchStack, size: Size): Promise<Run & { sql: SqlCounts }> {
  await stack.database.resetCounts();
  const before = stack.cpu();
  const startedAt = await postAll(stack, stack.hosts.slice(0, size.count));
  const endedAt = await untilRecorded(stack, size.count + size.warmUp, "observed", WITHIN_MS);
  const cpu = difference(stack.cpu(), before);
  return { seconds: (endedAt - startedAt) / 1000, cpu, sql: await stack.database.counts() };
}

function difference(after: Cpu, before: Cpu): Cpu {
  return Object.fromEntries(Object.entries(after).map(([name, seconds]) => [name, seconds - (before[name] ?? 0)]));
}

function figuresOf(count: number, ours: Run, bare: BareRuns): Figure[] {
  const beside = (name: string, unit: string, of: (run: Run) => number): Figure[] =>
    [
      ["one regular activity, before", bare.before] as const,
      ["one regular activity, after", bare.after] as const,
      ["one local activity", bare.local] as const,
    ].map(([what, run]) => ({
      name: `${name}, beside ${what}`,
      unit,
      ours: round(of(ours), 2),
      bare: round(of(run), 2),
    }));
  return [
    ...beside(`${count} until all are closed`, "s", ({ seconds }) => seconds),
    ...beside("CPU of all processes for each", "ms", ({ cpu }) => (total(cpu) * 1000) / count),
    ...beside("rate", "/s", ({ seconds }) => count / seconds),
  ];
}

function total(cpu: Cpu): number {
  return Object.values(cpu).reduce((sum, seconds) => sum + seconds, 0);
}

/** Where it goes, on a machine whose cores are the limit: milliseconds of CPU for each, by process. */
function cpuTable(count: number, runs: Record<string, Cpu>): Breakdown {
  const each = (seconds: number | undefined): number => round(((seconds ?? 0) * 1000) / count, 1);
  const cpus = Object.values(runs);
  const names = [...new Set(cpus.flatMap((cpu) => Object.keys(cpu)))];
  return {
    title: "CPU for each, ms",
    header: ["process", ...Object.keys(runs)],
    rows: [
      ...names.map((name) => [name, ...cpus.map((cpu) => each(cpu[name]))]),
      ["together", ...cpus.map((cpu) => each(total(cpu)))],
    ],
  };
}

function countTable(count: number, histories: History[], sql: SqlCounts): Breakdown {
  const mean = (of: (history: History) => number): number =>
    round(histories.reduce((sum, history) => sum + of(history), 0) / histories.length, 2);
  return {
    title: "for each remediation",
    header: ["what", "count"],
    rows: [
      ["activities", mean((history) => activitiesOf(history).length)],
      ["workflow tasks", mean((history) => workflowTasksOf(history).length)],
      ["history events", mean((history) => eventsOf(history).length)],
      ["SQL statements", round(sql.statements / count, 1)],
      ["SQL transactions with begin and commit", round(sql.transactions / count, 1)],
      ["syncs of the write-ahead log", round(sql.walSyncs / count, 2)],
    ],
  };
}

function timeTable(histories: History[]): Breakdown {
  const activities = Map.groupBy(histories.flatMap(activitiesOf), ({ type }) => type);
  const parts = [...activities, ["workflow task", histories.flatMap(workflowTasksOf)] as const];
  return {
    title: "where each waited, p50 in ms",
    header: ["part", "number of each", "waited for a worker", "ran"],
    rows: parts.map(([name, runs]) => [
      name,
      round(runs.length / histories.length, 2),
      round(median(runs.map(({ waitedMs }) => waitedMs))),
      round(median(runs.map(({ ranMs }) => ranMs))),
    ]),
  };
}

function statementTable(count: number, { top }: SqlCounts): Breakdown {
  const shown = top.filter(({ calls }) => calls >= count / 10);
  return {
    title: "SQL statements for each remediation",
    header: ["calls", "mean ms", "ms of each", "statement"],
    rows: shown.map(({ text, calls, meanMs }) => [
      round(calls / count, 2),
      round(meanMs, 3),
      round((calls * meanMs) / count, 2),
      text.trim().slice(0, 90),
    ]),
  };
}
