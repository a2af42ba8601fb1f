/** Cancel, terminate and reset by Temporal's own tools at every stage, on the real server with PostgreSQL: all hosts at once. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { projectPath } from "../../src/config/project.ts";
import { workflowId } from "../../src/contracts/ids.ts";
import { makeFleet } from "../../src/lab/fleet.ts";
import { MINUTE_MS, type LabHost } from "../../src/lab/types.ts";
import { INTERVENTIONS, PHASES, REACHED, type Intervention, type Stage, type StageRow } from "../crash/stages.ts";
import { startLive, type Live } from "../support/live.ts";
import { reconcile } from "../support/reconcile.ts";

interface Place {
  host: string;
  group: string;
  rack: string;
}

/** `api` has no standing approval; whoever stands in the queue holds up all that share a scope with it. */
const GROUPS: Partial<Record<Stage, string>> = { approve: "api", admit: "queue" };
const rows: (StageRow & Place)[] = INTERVENTIONS.map((row, index) => ({
  ...row,
  host: `${row.stage}-${index + 1}`,
  group: GROUPS[row.stage] ?? "web",
  rack: `r${index + 1}`,
}));
/** Each holds the rack of one that shall stand in the queue, until its technician comes. */
const holders: Place[] = rows
  .filter(({ stage }) => stage === "admit")
  .map(({ rack }, index) => ({ host: `holder-${index + 1}`, group: "queue", rack }));
/** Healthy ones, so that a pool always has somebody to serve. */
const spare: Place[] = Array.from({ length: 12 }, (_, index) => ({
  host: `spare-${index + 1}`,
  group: index % 3 === 0 ? "api" : "web",
  rack: "spare",
}));
const hostsOf = (places: Place[]): string[] => places.map(({ host }) => host);
const IN_STAGE_WITHIN_MS = 180_000;
const SETTLED_WITHIN_MS = 240_000;

let live: Live;
beforeAll(async () => {
  live = await startLive({
    hosts: [...rows, ...holders, ...spare].map(toLabHost),
    // Slow enough that each stage lasts some seconds.
    timeScale: 60,
    standingFor: ["web", "queue"],
    runbooks: projectPath("test/fixtures/stages"),
    // Who is terminated is noticed a minute after his alert, not by the second sweep on the minute.
    workerArgs: ["--sweep-every", "5000"],
    lab: {
      technician: { count: 50, arrivalMs: [3 * MINUTE_MS, 4 * MINUTE_MS], swapMs: [MINUTE_MS, MINUTE_MS] },
      installer: { installMs: [4 * MINUTE_MS, 5 * MINUTE_MS] },
      faults: [{ name: "slow", system: "slack", delayMs: 2_500 }],
    },
  });
});
afterAll(async () => {
  await live.stop();
});

function toLabHost({ host: id, group, rack }: Place, index: number): LabHost {
  const model = makeFleet({ count: 10, seed: 7 }).find((one) => one.group === (group === "api" ? "api" : "web"));
  if (model === undefined) throw new Error(`the fleet has no host like those of ${group}`);
  const disks = model.disks.map((disk) => ({ ...disk, serial: `SERIAL${index}` }));
  return { ...model, id, group, rack, fqdn: `${id}.lab.example.net`, address: `10.50.0.${index + 1}`, disks };
}

describe("whatever is done to a workflow, at every stage", () => {
  it("each is met in its stage, and settles", { timeout: IN_STAGE_WITHIN_MS + SETTLED_WITHIN_MS }, async () => {
    await occupyRacks();
    // In `confirm` for some seconds is who is healthy: it is asked once more.
    for (const { host, stage } of rows) if (stage !== "confirm") live.lab.world.failDisk(host);
    await live.alert({ hosts: hostsOf(rows) });
    expect(await interveneInAll()).toEqual([]);
    live.lab.clear("technician-absent");
    await approveUntil(live.closed(hostsOf([...rows, ...holders]), SETTLED_WITHIN_MS));
  });

  it.each(rows)("$intervention in $stage: $outcome", async ({ host, outcome, inService }) => {
    const { remediation } = await live.api.story(host);
    expect(remediation, remediation.detail).toMatchObject({
      outcome,
      needsHuman: outcome === "escalated" || !inService,
    });
    expect(takesTraffic(host)).toBe(inService);
  });

  it("nothing was lost, doubled or left behind", async () => {
    expect(await reconcile(live, hostsOf([...rows, ...holders]))).toEqual([]);
  });
});

async function occupyRacks(): Promise<void> {
  for (const { host } of holders) {
    live.lab.inject({ name: "technician-absent", host });
    live.lab.world.failDisk(host);
  }
  await live.alert({ hosts: hostsOf(holders) });
  const drained = (): string[] => live.lab.world.log.flatMap(({ what, host = "" }) => (what === "drain" ? [host] : []));
  await expect.poll(() => drained().sort()).toEqual(hostsOf(holders).sort());
}

/** Intervenes in each as soon as it is in its stage; answers those that never were. */
async function interveneInAll(): Promise<string[]> {
  const deadline = Date.now() + IN_STAGE_WITHIN_MS;
  const left = new Map(rows.map((row) => [row.host, row]));
  const missed: string[] = [];
  while (left.size > 0 && Date.now() < deadline) {
    for (const { target, phase, doing, closedAt } of await live.api.list({ limit: "1000" })) {
      const row = left.get(target.id);
      if (row === undefined) continue;
      if (closedAt !== null) missed.push(`${row.host} was over before`);
      else if (PHASES[row.stage].test(`${phase}: ${doing}`) && REACHED[row.stage](await live.api.story(row.host))) {
        await intervene(row.host, row.intervention);
      } else continue;
      left.delete(target.id);
    }
    await sleep(100);
  }
  return [...missed, ...[...left.keys()].map((host) => `${host} was never in its stage`)];
}

async function intervene(host: string, intervention: Intervention): Promise<void> {
  const handle = live.client.workflow.getHandle(workflowId({ kind: "host", id: host }));
  if (intervention === "cancel") {
    await handle.cancel();
    return;
  }
  if (intervention === "terminate") {
    await handle.terminate("the matrix");
    return;
  }
  const { runId } = await handle.describe();
  const events = (await handle.fetchHistory()).events ?? [];
  const tasks = events.filter((event) => Boolean(event.workflowTaskCompletedEventAttributes));
  const task = intervention === "resetFirst" ? tasks[0] : tasks.at(-1);
  if (!task?.eventId) throw new Error(`${host} has no completed workflow task`);
  await live.client.workflowService.resetWorkflowExecution({
    namespace: live.stack.urls.namespace,
    workflowExecution: { workflowId: handle.workflowId, runId },
    workflowTaskFinishEventId: task.eventId,
    requestId: randomUUID(),
    reason: `the matrix: ${intervention}`,
  });
}

/** A person who approves whatever waits. */
async function approveUntil(over: Promise<unknown>): Promise<void> {
  let waiting = true;
  const approving = (async () => {
    while (waiting) {
      for (const { target, planHash } of await live.api.list({ phase: "approve", open: "true" })) {
        const decision = { by: "ada", ...(planHash === null ? {} : { planHash }) };
        await live.api.decide("approve", target.id, decision).catch(() => null);
      }
      await sleep(500);
    }
  })();
  await over.finally(() => (waiting = false));
  await approving;
}

function takesTraffic(host: string): boolean {
  const servers = [...live.lab.world.traffic.pools.values()].flatMap((pool) => pool.servers);
  const server = servers.find((one) => one.host.id === host);
  return server?.admin === "ready" && server.weight > 0;
}
