/** What one flagship remediation costs on Temporal: history events and billable Actions, and that waiting adds none. */
import { setTimeout as sleep } from "node:timers/promises";
import { workflowId } from "../../src/contracts/ids.ts";
import { UserError } from "../../src/config/user-error.ts";
import { HOUR_MS, type LabOptions } from "../../src/lab/types.ts";
import { SWEEP_SCHEDULE, WATCH_SCHEDULE } from "../../src/watchers/schedule.ts";
import type { Bench, BenchContext, Breakdown, Figure } from "../support/bench.ts";
import type { Facts } from "../support/facts.ts";
import { actionsOf, eventsOf, type History } from "../support/history.ts";
import { until } from "../support/load.ts";
import { round } from "../support/stats.ts";
import { withStack, type BenchStack } from "../support/stack.ts";
import { postAll, untilRecorded } from "../support/storm.ts";

/** How long technician and installer take, each. The rest (sessions that end, holding, the ramp) is half an hour. */
const WAITS: Record<string, [technicianMs: number, installerMs: number]> = {
  "no wait": [0, 0],
  "a day of waiting": [22 * HOUR_MS, HOUR_MS],
};
/** Every deadline of the runbook shrinks by it too: more of it would measure time-outs. */
const TIME_SCALE = 600;
const SMOKE_TIME_SCALE = 300;
const WITHIN_MS = 5 * 60_000;
/** Of idling, to count the heartbeats of the watcher. */
const IDLE_MS = 2 * 60_000;
/** An execution of a schedule: two for the schedule, one for the start of its workflow. */
const SCHEDULED = 3;
const HOUR = 3_600_000;

interface Cost {
  label: string;
  history: History;
  facts: Facts;
}

export const actions: Bench = {
  name: "actions",
  about: "history events and billable Actions of the flagship, with no wait and with a day of it; watcher and sweeper",
  run: async (context) => {
    const costs: Cost[] = [];
    for (const [label, waits] of Object.entries(WAITS).slice(0, context.smoke ? 1 : undefined)) {
      costs.push({ label, ...(await flagship(context, label, waits)) });
    }
    const idle = await watching(context);
    return {
      figures: [...costs.flatMap(figuresOf), ...idle.figures],
      breakdowns: [actionTable(costs), idle.breakdown],
      facts: costs[0]?.facts ?? {},
      notes: [
        "Actions by Temporal Cloud's published rules (docs.temporal.io/cloud/actions); bench/support/history.ts counts",
        "a heartbeat is not in a history: one is counted for each activity that ran 2 s, and one more each 8 s after",
        "watcher and sweeper serve all remediations at once; they are not in the flagship's count",
        "bare: goals of the project, 100 Actions and 500 events",
      ],
    };
  },
};

function flagship(
  context: BenchContext,
  label: string,
  [technicianMs, installerMs]: [number, number],
): Promise<Omit<Cost, "label">> {
  const timeScale = context.smoke ? SMOKE_TIME_SCALE : TIME_SCALE;
  const lab: Partial<LabOptions> = {
    technician: { arrivalMs: [technicianMs, technicianMs], swapMs: [0, 0] },
    installer: { installMs: [installerMs, installerMs] },
  };
  // The group's cap is a tenth of it.
  const world = { hosts: 1, healthy: 19, mode: "auto", standing: true, timeScale, lab } as const;
  return withStack(context, world, async (stack) => {
    await stack.startWorker({ args: ["--watch-every", "200"] });
    context.say(`one disk replacement, ${label}`);
    await postAll(stack, stack.hosts);
    await untilRecorded(stack, 1, "healed", WITHIN_MS);
    const handle = stack.client.workflow.getHandle(workflowId({ kind: "host", id: stack.hosts[0] ?? "" }));
    await handle.result();
    return { history: await handle.fetchHistory(), facts: stack.facts };
  });
}

function figuresOf({ label, history }: Cost): Figure[] {
  return [
    { name: `history events, ${label}`, unit: "events", ours: eventsOf(history).length, bare: 500 },
    { name: `billable Actions, ${label}`, unit: "Actions", ours: sum(actionsOf(history)), bare: 100 },
  ];
}

function actionTable(costs: Cost[]): Breakdown {
  const counted = costs.map(({ history }) => actionsOf(history));
  const names = [...new Set(counted.flatMap((counts) => [...counts.keys()]))].sort();
  return {
    title: "billable Actions by what they are for",
    header: ["what", ...costs.map(({ label }) => label)],
    rows: names.map((name) => [name, ...counted.map((counts) => counts.get(name) ?? 0)]),
  };
}

/** The schedules, with nothing to heal. */
function watching(context: BenchContext): Promise<{ figures: Figure[]; breakdown: Breakdown }> {
  return withStack(context, { hosts: 1, mode: "observe" }, async (stack) => {
    await stack.startWorker();
    const forMs = context.smoke ? 3_000 : IDLE_MS;
    context.say(`idle for ${forMs / 1000} s`);
    const before = await heartbeats(stack);
    await sleep(forMs);
    const beats = ((await heartbeats(stack)) - before) * (HOUR / forMs);
    const watch = await scheduled(stack, WATCH_SCHEDULE);
    const sweep = await scheduled(stack, SWEEP_SCHEDULE);
    const rows: [string, number][] = [
      ["watcher: executions of the schedule", SCHEDULED * watch.runs],
      ["watcher: activities", watch.each * watch.runs],
      ["watcher: heartbeats", beats],
      ["sweeper: executions of the schedule", SCHEDULED * sweep.runs],
      ["sweeper: activities", sweep.each * sweep.runs],
    ];
    const total = rows.reduce((all, [, n]) => all + n, 0);
    return {
      figures: [{ name: "watcher and sweeper, idle", unit: "Actions/h", ours: Math.round(total), bare: null }],
      breakdown: {
        title: `Actions an hour of the schedules; heartbeats from ${forMs / 1000} s of idling`,
        header: ["what", "an hour"],
        rows: rows.map(([what, n]) => [what, round(n)]),
      },
    };
  });
}

/** How often a schedule of ours runs in an hour, and the Actions of one run beside its start. */
async function scheduled({ client }: BenchStack, id: string): Promise<{ runs: number; each: number }> {
  const handle = client.schedule.getHandle(id);
  const { spec, action } = await handle.describe();
  const everyMs = spec.intervals?.[0]?.every ?? NaN;
  const [request] = (action.args ?? []) as { forMs?: number }[];
  // The watcher's run outlives many ticks, which are skipped; the first one after its end starts the next.
  const cycleMs = request?.forMs === undefined ? everyMs : request.forMs + everyMs / 2;
  await handle.trigger("SKIP");
  const query = `WorkflowType = "${action.workflowType}"`;
  let each = 0;
  const started = async (): Promise<boolean> => {
    for await (const { workflowId: run, runId } of client.workflow.list({ query })) {
      const events = eventsOf(await client.workflow.getHandle(run, runId).fetchHistory());
      each = events.filter((event) => event.activityTaskScheduledEventAttributes).length;
    }
    return each > 0;
  };
  await until(`a run of ${id}`, started, { withinMs: 30_000 });
  return { runs: HOUR / cycleMs, each };
}

/** Those that reached the server so far. */
async function heartbeats({ temporal }: BenchStack): Promise<number> {
  if (temporal.metricsUrl === null) throw new UserError("counting heartbeats needs --temporal sqlite or memory");
  const text = await (await fetch(temporal.metricsUrl)).text();
  const counts = [
    ...text.matchAll(
      /^service_requests\{.*operation="RecordActivityTaskHeartbeat".*service_name="frontend".*\} (\d+)/gm,
    ),
  ];
  return counts.reduce((all, [, n]) => all + Number(n), 0);
}

function sum(counts: Map<string, number>): number {
  return [...counts.values()].reduce((total, n) => total + n, 0);
}
