/**
 * One live stack, one host for each row of the table, and every process armed to die at the row's point. Senders and
 * people do what they do in life: they repeat what was not answered.
 */
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { projectPath } from "../../src/config/project.ts";
import { STRUCK } from "../../src/cli/process/crash-points.ts";
import { workflowId } from "../../src/contracts/ids.ts";
import { webhookPayload } from "../../src/lab/alerts.ts";
import { makeFleet } from "../../src/lab/fleet.ts";
import type { LabHost } from "../../src/lab/types.ts";
import { alertmanager } from "../../src/starters/sources/alertmanager.ts";
import { temporalRemediations } from "../../src/starters/temporal.ts";
import { currentBundle } from "../../src/workers/bundle.ts";
import { startLive, type Live } from "../support/live.ts";
import { nameOf, SWEEP, TABLE, type CrashRow, type Scenario } from "./table.ts";

/** Lab seconds in a second. */
const TIME_SCALE = 3_600;
/** All are there from the start; only one of them dies at a time. */
const WORKERS = 3;
/** Healthy ones beside them, so that the pool always has somebody to serve. */
const SPARE = 20;
/** Between two alerts. */
const STAGGER_MS = 250;

export interface Victim extends CrashRow {
  host: string;
  /** The file that arms it. */
  file: string;
}

export interface Storm {
  live: Live;
  victims: Victim[];
  /** Those that arm no host, by file. */
  sweeps: string[];
  /** What stands against a host in the lab, by host. */
  faults: Map<string, string>;
  /** Files of the points that have struck, with the moment of each death in wall ms. */
  struck(): Promise<Map<string, number>>;
  stop(): Promise<void>;
}

/** Rows that settle last begin first: what was intended and not sent waits out the longest life of a lost request. */
const LONGEST_FIRST = (a: CrashRow, b: CrashRow): number => slowness(b) - slowness(a);
function slowness(row: CrashRow): number {
  if (row.scenario === "forgotten") return 3;
  if (!/begun|intended/.test(row.point)) return 0;
  return row.about === "provisioner.rebuild" ? 2 : 1;
}

export async function startStorm(only: (row: CrashRow) => boolean = () => true): Promise<Storm> {
  const folder = await mkdtemp(join(tmpdir(), "selfheal-crash-"));
  const victims = TABLE.filter(only).sort(LONGEST_FIRST).map(victimOf);
  const sweeps = SWEEP.filter(only).map(nameOf);
  for (const file of [...victims.map((victim) => victim.file), ...sweeps]) await writeFile(join(folder, file), "");
  const workerArgs = ["--sweep-every", "5000"];
  const env = { SELFHEAL_CRASH_FOLDER: folder };
  const live = await startLive({
    hosts: fleetOf(victims),
    timeScale: TIME_SCALE,
    standingFor: ["web"],
    runbooks: projectPath("test/fixtures/crash"),
    lab: { technician: { count: 30 } },
    workerArgs,
    env,
  });
  await moreWorkers(live, workerArgs, env);
  return {
    live,
    victims,
    sweeps,
    faults: new Map(),
    struck: () => struckIn(folder),
    stop: async () => {
      await live.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function victimOf(row: CrashRow, index: number): Victim {
  const host = `${row.scenario === "approved" ? "api" : "web"}-${index + 1}`;
  const id = workflowId({ kind: "host", id: row.scenario === "misrouted" ? otherName(host) : host });
  return { ...row, host, file: `${nameOf(row)}@${id}` };
}

const otherName = (host: string): string => `old-${host}`;

/** All alike, in one pool for each group. */
function fleetOf(victims: Victim[]): LabHost[] {
  const models = makeFleet({ count: 10, seed: 7 });
  const spare = Array.from({ length: SPARE }, (_, index) => `${index % 4 === 0 ? "api" : "web"}-${1_000 + index}`);
  return [...victims.map(({ host }) => host), ...spare].map((id, index): LabHost => {
    const group = id.split("-")[0] ?? "";
    const model = models.find((one) => one.group === group);
    if (model === undefined) throw new Error(`the fleet has no host of the group ${group}`);
    return {
      ...model,
      id,
      fqdn: `${id}.lab.example.net`,
      address: `10.50.${index >> 8}.${index & 255}`,
      disks: model.disks.map((disk) => ({ ...disk, serial: `SERIAL${index}` })),
    };
  });
}

async function moreWorkers({ stack }: Live, args: string[], env: Record<string, string>): Promise<void> {
  const { codePath } = await currentBundle();
  const rest = Array.from({ length: WORKERS - 1 }, (_, index) =>
    stack.supervisor.start({
      name: `worker-${index + 2}`,
      args: ["worker", "--bundle", codePath, "--watch-every", "200", ...args],
      env: {
        DATABASE_URL: stack.databaseUrl,
        TEMPORAL_ADDRESS: stack.urls.temporal,
        TEMPORAL_NAMESPACE: stack.urls.namespace,
        SELFHEAL_CONFIG: stack.lab?.configFolder,
        SELFHEAL_LOG_FORMAT: "json",
        ...env,
      },
    }),
  );
  await Promise.all(rest);
}

/** The rename is the last thing that the process does. */
async function struckIn(folder: string): Promise<Map<string, number>> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(STRUCK));
  const times = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).ctimeMs));
  return new Map(names.map((name, index) => [name.slice(0, -STRUCK.length), times[index] ?? 0]));
}

/** All alerts, and what people do; resolves when every victim's remediation is closed and every point has struck. */
export async function weather(storm: Storm, withinMs: number): Promise<void> {
  const over = new AbortController();
  const people = act(storm, over.signal);
  try {
    for (const victim of storm.victims) {
      begin(storm, victim);
      await sleep(STAGGER_MS);
    }
    await settled(storm, withinMs);
  } finally {
    over.abort();
    await people;
  }
}

function begin(storm: Storm, victim: Victim): void {
  const { live } = storm;
  const { host, scenario } = victim;
  const { world } = live.lab;
  const faults: Partial<Record<Scenario, "technician-absent" | "wrong-disk">> = {
    cancelled: "technician-absent",
    notReplaced: "wrong-disk",
    taken: "technician-absent",
    terminated: "technician-absent",
  };
  const fault = faults[scenario];
  if (fault !== undefined) storm.faults.set(host, live.lab.inject({ name: fault, host }).id);
  world.failDisk(host);
  const body = webhookPayload(live.lab, { hosts: [host] });
  if (scenario === "misrouted") void misroute(live, host, body);
  else void send(live, body, scenario === "forgotten" ? 1 : Infinity);
}

/** As Alertmanager: again until it is answered. */
async function send(live: Live, body: unknown, tries: number): Promise<void> {
  const request = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  for (let attempt = 1; attempt <= tries; attempt++) {
    const answer = await fetch(`${live.stack.urls.api}/v1/alerts/alertmanager`, request).catch(() => null);
    if (answer?.ok === true) return;
    await sleep(500);
  }
}

/** A starter with an older catalogue, which knows the host by another name. */
async function misroute(live: Live, host: string, body: unknown): Promise<void> {
  const [item] = alertmanager.normalise(body, { receivedAt: new Date().toISOString(), maxAlerts: 1 }).items;
  if (item?.kind !== "alert") throw new Error(`no alert of ${host}`);
  await temporalRemediations(live.client).start({
    target: { kind: "host", id: otherName(host) },
    message: { alert: item.alert, remediationId: randomUUID(), joinKey: "disk-replacement" },
    runbook: "disk-replacement",
    group: "web",
    severity: "critical",
  });
}

/** Approves what waits, and does to each host what its scenario says; what was not answered is tried again. */
async function act({ live, victims, faults }: Storm, over: AbortSignal): Promise<void> {
  const todo = new Map<string, (() => Promise<unknown>)[]>();
  for (const { host, scenario } of victims) todo.set(host, wordsOf({ live, faults }, host, scenario));
  while (!over.aborted) {
    const waiting = await live.api.list({ phase: "approve", open: "true", limit: "1000" }).catch(() => []);
    for (const { target, planHash } of waiting) {
      if (planHash !== null) await live.api.decide("approve", target.id, { by: "ada", planHash }).catch(() => null);
    }
    for (const [host, words] of todo) {
      const [first] = words;
      if (first === undefined) continue;
      if (!live.lab.world.log.some((entry) => entry.host === host && entry.what === "ticket-created")) continue;
      if ((await first().catch(() => null)) !== null) words.shift();
    }
    await sleep(300);
  }
}

/** What people do, once its ticket is open; one after the other, each until it was taken. */
function wordsOf(
  { live, faults }: Pick<Storm, "live" | "faults">,
  host: string,
  scenario: Scenario,
): (() => Promise<unknown>)[] {
  const say = (kind: "cancel" | "take" | "release") => () =>
    live.api.decide(kind, host, { by: "ada", reason: "we retire it" });
  if (scenario === "cancelled") return [say("cancel")];
  if (scenario === "taken") return [say("take"), say("release"), async () => live.lab.clear(faults.get(host))];
  if (scenario !== "terminated") return [];
  const terminate = (): Promise<unknown> =>
    live.client.workflow.getHandle(workflowId({ kind: "host", id: host })).terminate("by hand");
  return [terminate, () => live.api.recover(host, "ada")];
}

async function settled(storm: Storm, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const rows = await storm.live.api.list({ limit: "1000" }).catch(() => []);
    const closed = new Set(rows.filter((row) => row.closedAt !== null).map((row) => row.target.id));
    const struck = await storm.struck();
    const open = storm.victims.filter(({ host }) => !closed.has(host)).map(({ host, file }) => `${host} (${file})`);
    const alive = [...storm.victims.map(({ file }) => file), ...storm.sweeps].filter((file) => !struck.has(file));
    if (open.length === 0 && alive.length === 0) return;
    if (Date.now() > deadline) {
      throw new Error(`not settled within ${withinMs} ms; open: ${open.join(", ")}; never struck: ${alive.join(", ")}`);
    }
    await sleep(500);
  }
}
