/** What waiting costs: memory of a worker with many remediations that wait for an approval, and its CPU meanwhile. */
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { projectPath } from "../../src/config/project.ts";
import type { Bench, BenchContext, Figure } from "../support/bench.ts";
import { until } from "../support/load.ts";
import { cpuSeconds, residentMiB } from "../support/processes.ts";
import { round } from "../support/stats.ts";
import { withStack, type BenchProcess, type BenchStack } from "../support/stack.ts";
import { postAll } from "../support/storm.ts";

const FULL = { waiting: [100, 5_000], settleMs: 30_000, idleMs: 60_000 };
const SMOKE = { waiting: [3, 6], settleMs: 500, idleMs: 2_000 };
const WITHIN_MS = 40 * 60_000;
const MIB = 1024 ** 2;

interface Reading {
  rssMiB: number;
  heapMiB: number;
  /** Per cent of one core. */
  cpuPercent: number;
}

export const memory: Bench = {
  name: "memory",
  about: "worker memory and idle CPU with 100 and with 5,000 remediations waiting, beside the same worker with none",
  run: (context) => {
    const size = context.smoke ? SMOKE : FULL;
    const most = Math.max(...size.waiting);
    return withStack(context, { hosts: most, mode: "review" }, async (stack) => {
      const file = join(tmpdir(), `selfheal-bench-memory-${process.pid}.json`);
      const worker = await stack.startWorker({
        env: { NODE_OPTIONS: `--import ${projectPath("bench/support/memory-probe.ts")}`, BENCH_MEMORY_FILE: file },
      });
      const none = await reading(worker, file, size, context);
      const figures: Figure[] = [];
      let posted = 0;
      for (const waiting of size.waiting) {
        await postAll(stack, stack.hosts.slice(posted, waiting));
        posted = waiting;
        context.say(`until ${waiting} wait`);
        await untilWaiting(stack, waiting);
        figures.push(...figuresOf(waiting, await reading(worker, file, size, context), none));
      }
      await rm(file, { force: true });
      return {
        figures,
        breakdowns: [],
        facts: stack.facts,
        notes: [
          "bare: the same worker before the first alert; watcher and sweeper run all the time",
          "heap: used, of the main thread and the workflow threads together, after a full collection",
          "a worker keeps at most 500 workflows in memory (src/workers/worker.ts): more of them wait in Temporal alone",
        ],
      };
    });
  },
};

async function reading(
  worker: BenchProcess,
  file: string,
  { settleMs, idleMs }: typeof FULL,
  { say }: BenchContext,
): Promise<Reading> {
  await sleep(settleMs);
  say(`idle for ${idleMs / 1000} s`);
  const before = cpuSeconds([worker.pid]);
  await sleep(idleMs);
  const cpuPercent = ((cpuSeconds([worker.pid]) - before) * 100_000) / idleMs;
  const rssMiB = residentMiB(worker.pid);
  return { rssMiB, heapMiB: await heapMiB(worker, file), cpuPercent };
}

async function heapMiB(worker: BenchProcess, file: string): Promise<number> {
  await rm(file, { force: true });
  process.kill(worker.pid, "SIGUSR2");
  let heaps: number[] = [];
  const written = async (): Promise<boolean> => {
    const text = await readFile(file, "utf8").catch(() => "");
    if (!text.endsWith("]")) return false;
    heaps = JSON.parse(text) as number[];
    return true;
  };
  await until("the worker says how large its heaps are", written, { withinMs: 30_000 });
  if (heaps.length < 2) throw new Error("no workflow thread said how large its heap is");
  return heaps.reduce((sum, bytes) => sum + bytes, 0) / MIB;
}

async function untilWaiting({ database }: BenchStack, count: number): Promise<void> {
  const waiting = async (): Promise<boolean> => {
    const rows = await database.sql("select phase, count(*)::int as n from remediations group by phase");
    const wrong = rows.find(({ phase }) => phase === "closed" || phase === "act");
    if (wrong !== undefined) throw new Error(`it should wait for an approval: ${JSON.stringify(wrong)}`);
    return rows.some(({ phase, n }) => phase === "approve" && (n as number) >= count);
  };
  await until(`${count} remediations wait for an approval`, waiting, { withinMs: WITHIN_MS, everyMs: 500 });
}

function figuresOf(waiting: number, seen: Reading, none: Reading): Figure[] {
  return [
    { name: `resident memory, ${waiting} waiting`, unit: "MiB", ours: round(seen.rssMiB), bare: round(none.rssMiB) },
    { name: `heap, ${waiting} waiting`, unit: "MiB", ours: round(seen.heapMiB), bare: round(none.heapMiB) },
    {
      name: `idle CPU, ${waiting} waiting`,
      unit: "% of a core",
      ours: round(seen.cpuPercent, 2),
      bare: round(none.cpuPercent, 2),
    },
  ];
}
