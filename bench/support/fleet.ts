/** A folder for a large fleet. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { projectPath } from "../../src/config/project.ts";
import type { Mode } from "../../src/contracts/facts.ts";
import type { JsonObject } from "../../src/contracts/json.ts";

/** Half of the rules have a runbook. */
export const FLEET = { hosts: 5_000, groups: 50, racks: 250, runbooks: 20, rules: 40 };

export interface FleetOptions {
  /** Of everything. */
  mode: Mode;
  /** How many of a group may be in work. */
  cap: string;
  hosts?: number;
}

/** Answers the folder. */
export async function writeFleet(folder: string, { mode, cap, hosts = FLEET.hosts }: FleetOptions): Promise<string> {
  await mkdir(join(folder, "runbooks"), { recursive: true });
  const write = (file: string, document: JsonObject): Promise<void> =>
    writeFile(join(folder, file), stringify(document));
  await write("selfheal.yaml", configOf(mode));
  await write("inventory.yaml", {
    apiVersion: "selfheal/v1",
    kind: "Inventory",
    domains: ["example.net"],
    targets: Array.from({ length: hosts }, (_, index) => targetOf(index)),
  });
  const shipped = parse(await readFile(projectPath("runbooks", "disk-replacement.yaml"), "utf8")) as JsonObject;
  const metadata = shipped["metadata"] as JsonObject;
  const limits = { ...(shipped["limits"] as JsonObject), group: cap };
  for (let index = 0; index < FLEET.runbooks; index++) {
    await write(join("runbooks", `fix-${index}.yaml`), {
      ...shipped,
      metadata: { ...metadata, name: `fix-${index}` },
      match: [{ alertname: `Rule${index}`, severity: { matches: "critical|warning" } }],
      limits,
    });
  }
  return folder;
}

function configOf(mode: Mode): JsonObject {
  return {
    apiVersion: "selfheal/v1",
    kind: "Config",
    mode,
    groups: Object.fromEntries(Array.from({ length: FLEET.groups }, (_, index) => [`g${index}`, { owner: "sre" }])),
    defaults: { cooldown: "30m", flapping: { from: 4, person: 8, within: "6h", backoff: "10m" } },
    probes: {
      "host.ready": {
        uses: "tcp.connect",
        with: { host: "${{ target.address }}", port: 22 },
        states: { healthy: "connected", unhealthy: "!connected" },
      },
    },
    slis: { "pool-availability": { query: 'up{pool="${{ target.pool }}"}', better: "higher", worseBy: 0.05 } },
  };
}

function targetOf(index: number): JsonObject {
  return {
    kind: "host",
    id: `host-${index}`,
    group: `g${index % FLEET.groups}`,
    rack: `r${index % FLEET.racks}`,
    stateless: true,
    attributes: { pool: "web", image: "debian-13", diskCount: 1, address: `10.0.${index >> 8}.${index & 255}` },
  };
}
