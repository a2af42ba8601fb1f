/** One live stack, one host for each row of the table, and every process armed to die at the row's point. */
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectPath } from "../../src/config/project.ts";
import { STRUCK } from "../../src/cli/process/crash-points.ts";
import { workflowId } from "../../src/contracts/ids.ts";
import { makeFleet } from "../../src/lab/fleet.ts";
import type { LabHost } from "../../src/lab/types.ts";
import { currentBundle } from "../../src/workers/bundle.ts";
import { startLive, type Live } from "../support/live.ts";
import { nameOf, SWEEP, TABLE, type CrashRow } from "./table.ts";

/** Lab seconds in a second. */
const TIME_SCALE = 3_600;
/** All are there from the start; only one of them dies at a time. */
const WORKERS = 3;
/** Healthy ones beside them, so that the pool always has somebody to serve. */
const SPARE = 20;
/** Hosts for a second try: the death of another row can take a victim past its point before it strikes. */
const RESERVE = { web: 24, api: 6 } as const;

export interface Victim {
  row: CrashRow;
  host: string;
  /** The file that arms it. */
  file: string;
  /** Whatever its point, its alert and all its activities go through these. */
  workflowIds: string[];
}

export interface Storm {
  live: Live;
  /** Grows when a row needs another host. */
  victims: Victim[];
  /** Those that arm no host, by file. */
  sweeps: string[];
  /** What stands against a host in the lab, by host. */
  faults: Map<string, string>;
  /** Another host for the row, armed. Throws when none is left. */
  arm(row: CrashRow): Promise<Victim>;
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
  const arming = (file: string): Promise<void> => writeFile(join(folder, file), "");
  const rows = TABLE.filter(only).sort(LONGEST_FIRST);
  const victims = rows.map((row, index) => victimOf(row, `${groupOf(row)}-${index + 1}`));
  const sweeps = SWEEP.filter(only).map(nameOf);
  for (const file of [...victims.map((victim) => victim.file), ...sweeps]) await arming(file);
  const reserve = Map.groupBy(reserveHosts(), (host) => host.split("-")[0] ?? "");
  const workerArgs = ["--sweep-every", "5000"];
  const env = { SELFHEAL_CRASH_FOLDER: folder };
  const live = await startLive({
    hosts: fleetOf([...victims.map(({ host }) => host), ...reserveHosts()]),
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
    arm: async (row) => {
      const host = reserve.get(groupOf(row))?.shift();
      if (host === undefined) throw new Error(`no host is left in reserve for ${nameOf(row)}`);
      const victim = victimOf(row, host);
      await arming(victim.file);
      victims.push(victim);
      return victim;
    },
    struck: () => struckIn(folder),
    stop: async () => {
      await live.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const groupOf = ({ scenario }: CrashRow): "api" | "web" => (scenario === "approved" ? "api" : "web");

function victimOf(row: CrashRow, host: string): Victim {
  const ids = [host, ...(row.scenario === "misrouted" ? [otherName(host)] : [])];
  const workflowIds = ids.map((id) => workflowId({ kind: "host", id }));
  return { row, host, workflowIds, file: `${nameOf(row)}@${workflowIds.at(-1) ?? ""}` };
}

/** Of a host whose alert comes to another workflow first. */
export const otherName = (host: string): string => `old-${host}`;

function reserveHosts(): string[] {
  return Object.entries(RESERVE).flatMap(([group, count]) =>
    Array.from({ length: count }, (_, index) => `${group}-${500 + index}`),
  );
}

/** All alike, in one pool for each group. */
function fleetOf(hosts: string[]): LabHost[] {
  const models = makeFleet({ count: 10, seed: 7 });
  const spare = Array.from({ length: SPARE }, (_, index) => `${index % 4 === 0 ? "api" : "web"}-${1_000 + index}`);
  return [...hosts, ...spare].map((id, index): LabHost => {
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
