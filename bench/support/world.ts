/** The world that the product looks at during a bench: the lab, with hosts that all have a failing disk. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { writeLabFolder } from "../../src/cli/demo/lab-folder.ts";
import type { Mode } from "../../src/contracts/facts.ts";
import { webhookPayload, type WebhookPayload } from "../../src/lab/alerts.ts";
import { makeFleet } from "../../src/lab/fleet.ts";
import { startLab, type Lab } from "../../src/lab/lab.ts";
import type { LabHost, LabOptions } from "../../src/lab/types.ts";

export interface WorldOptions {
  /** Hosts with an alert; the first is `bench-1`. */
  hosts: number;
  /** More hosts of the same group, which are well; default none. */
  healthy?: number;
  /** The global mode of selfheal.yaml. */
  mode: Mode;
  /** Lab-seconds in each real second; default 1. */
  timeScale?: number;
  lab?: Partial<LabOptions>;
  /** A standing approval for all of them; default none. */
  standing?: boolean;
}

export interface BenchWorld {
  lab: Lab;
  configFolder: string;
  /** Ids of all hosts with an alert. */
  hosts: string[];
  /** What Alertmanager would post for these hosts. */
  body(hosts: string[]): WebhookPayload;
}

const SEED = 7;
const GROUP = "web";

export async function startWorld(folder: string, options: WorldOptions): Promise<BenchWorld> {
  const { timeScale = 1 } = options;
  const fleet = fleetOf(options.hosts, options.healthy ?? 0);
  const lab = await startLab({ seed: SEED, hosts: fleet, timeScale, ...options.lab });
  await writeLabFolder({ folder, lab, timeScale, standingFor: options.standing === true ? [GROUP] : [] });
  await setMode(join(folder, "selfheal.yaml"), options.mode);
  const hosts = fleet.slice(0, options.hosts).map(({ id }) => id);
  return { lab, configFolder: folder, hosts, body: (of) => webhookPayload(lab, { hosts: of }) };
}

/** All of the kind that the shipped runbook heals, no two in one rack; those with a failing disk first. */
function fleetOf(failing: number, healthy: number): LabHost[] {
  const [model] = makeFleet({ count: 1, seed: SEED });
  if (model === undefined) throw new Error("a fleet of one has no host");
  return Array.from({ length: failing + healthy }, (_, index) => ({
    ...model,
    id: `bench-${index + 1}`,
    fqdn: `bench-${index + 1}.lab.example.net`,
    address: `10.60.${index >> 8}.${index & 255}`,
    rack: `r${index + 1}`,
    group: GROUP,
    disks: model.disks.map((disk) => ({ ...disk, serial: `S${index}`, failing: index < failing })),
  }));
}

async function setMode(path: string, mode: Mode): Promise<void> {
  const config = parse(await readFile(path, "utf8")) as object;
  await writeFile(path, stringify({ ...config, mode }));
}
