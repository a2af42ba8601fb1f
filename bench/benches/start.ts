/** From a webhook to a started workflow, at a fixed rate of distinct alerts, beside the bare signalWithStart. */
import { workflowId } from "../../src/contracts/ids.ts";
import type { Bench, BenchContext, Figure, Result } from "../support/bench.ts";
import { startBare, untilClosed } from "../support/bare.ts";
import { firstEvents, timeOf } from "../support/history.ts";
import { mapLimit, openLoop, Poster, type Arrival } from "../support/load.ts";
import { bareMessage } from "../support/message.ts";
import { percentile, round } from "../support/stats.ts";
import { withStack, type BenchStack } from "../support/stack.ts";
import { untilRecorded } from "../support/storm.ts";

const FULL = { rate: 50, count: 1_500, warmUp: 100 };
const SMOKE = { rate: 10, count: 10, warmUp: 2 };
const DRAIN_MS = 15 * 60_000;

export const start: Bench = {
  name: "start",
  about: "webhook to workflow started, p50 and p99 at 50 distinct alerts a second, beside the bare signalWithStart",
  run: async (context) => {
    const without = await measure(context, false);
    const within = await measure(context, true);
    return {
      figures: [...without.figures, ...within.figures],
      breakdowns: [],
      facts: within.facts,
      notes: [
        "started: the event time of WorkflowExecutionStarted, written by the Temporal server",
        "answered: when the caller had its 200 (ours) or its run id (bare), so everything is durable",
        "first task: the event time of the first WorkflowTaskStarted, when a worker began it",
        "each counts from when the alert was due, however late the load generator was (open loop)",
        "workers off: nothing but starting; workers on: they work off what was started, on the same cores",
      ],
    };
  },
};

async function measure(context: BenchContext, workers: boolean): Promise<Pick<Result, "figures" | "facts">> {
  const size = context.smoke ? SMOKE : FULL;
  const label = workers ? "workers on" : "workers off";
  return withStack(context, { hosts: size.count + size.warmUp, mode: "observe" }, async (stack) => {
    if (workers) await stack.startBare("worker");
    context.say(`${label}: ${size.count} bare starts at ${size.rate}/s`);
    const bare = await bareStarts(stack, size);
    if (workers) {
      await untilClosed(stack.client, "bare", size.count + size.warmUp, DRAIN_MS);
      await stack.startWorker();
    }
    context.say(`${label}: ${size.count} webhooks at ${size.rate}/s`);
    const ours = await ourStarts(stack, size);
    if (workers) await untilRecorded(stack, size.count + size.warmUp, "observed", DRAIN_MS);
    return { figures: figuresOf(label, ours, bare), facts: stack.facts };
  });
}

type Size = typeof FULL;

interface Timed {
  startedMs: number[];
  answeredMs: number[];
  firstTaskMs: number[];
}

async function bareStarts({ client }: BenchStack, size: Size): Promise<Timed> {
  const idOf = (index: number): string => `bare-${index}`;
  const send = (index: number): Promise<void> => startBare(client, "bare", idOf(index), bareMessage(idOf(index)));
  for (let index = 0; index < size.warmUp; index++) await send(size.count + index);
  const arrivals = await openLoop(size.count, size.rate, send);
  return timed(client, arrivals, idOf);
}

async function ourStarts(stack: BenchStack, size: Size): Promise<Timed> {
  const poster = new Poster(`${stack.url}/v1/alerts/alertmanager`);
  const bodies = stack.hosts.map((host) => JSON.stringify(stack.body([host])));
  const send = (index: number) => poster.post(bodies[index] ?? "");
  for (let index = 0; index < size.warmUp; index++) await send(size.count + index);
  const arrivals = await openLoop(size.count, size.rate, send);
  poster.close();
  return timed(stack.client, arrivals, (index) => workflowId({ kind: "host", id: stack.hosts[index] ?? "" }));
}

/** Read back afterwards, so that the reading is no load while it is measured. */
async function timed(
  client: BenchStack["client"],
  arrivals: Arrival[],
  idOf: (index: number) => string,
): Promise<Timed> {
  const firsts = await mapLimit([...arrivals.keys()], 8, (index) => firstEvents(client, idOf(index), 10));
  const result: Timed = { startedMs: [], answeredMs: [], firstTaskMs: [] };
  for (const [index, { dueAt, doneAt }] of arrivals.entries()) {
    const events = firsts[index] ?? [];
    const started = events.find((event) => event.workflowExecutionStartedEventAttributes);
    if (started === undefined) throw new Error(`${idOf(index)} was not started`);
    const task = events.find((event) => event.workflowTaskStartedEventAttributes);
    result.startedMs.push(timeOf(started) - dueAt);
    result.answeredMs.push(doneAt - dueAt);
    if (task !== undefined) result.firstTaskMs.push(timeOf(task) - dueAt);
  }
  return result;
}

function figuresOf(label: string, ours: Timed, bare: Timed): Figure[] {
  const rows = [
    ["started", ours.startedMs, bare.startedMs],
    ["answered", ours.answeredMs, bare.answeredMs],
    ["first task", ours.firstTaskMs, bare.firstTaskMs],
  ] as const;
  return rows.flatMap(([what, mine, theirs]) =>
    mine.length === 0
      ? []
      : [50, 99].map((percent) => ({
          name: `${what} p${percent}, ${label}`,
          unit: "ms",
          ours: round(percentile(mine, percent)),
          bare: round(percentile(theirs, percent)),
        })),
  );
}
