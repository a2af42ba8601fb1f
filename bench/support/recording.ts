/** A month of a large fleet: its folder, and what its Alertmanager said, as JSON lines in the order of time. */
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { Heap } from "../../src/backtest/heap.ts";
import { projectPath } from "../../src/config/project.ts";
import type { Mode } from "../../src/contracts/facts.ts";
import type { JsonObject } from "../../src/contracts/json.ts";
import { seededRandom } from "../../src/lab/random.ts";
import { fingerprintOf } from "../../src/starters/sources/bounds.ts";

export const FLEET = { hosts: 5_000, groups: 50, racks: 250, runbooks: 20, rules: 40 };
const HOUR_MS = 3_600_000;
const REPEAT_MS = 4 * HOUR_MS;
const ALERTS_A_MONTH = 1_000_000;
const MONTH_MS = 30 * 24 * HOUR_MS;
const BEGIN = Date.parse("2026-10-01T00:00:00Z");

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
    limits: { storm: "off" },
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

interface Next {
  at: number;
  labels: Record<string, string>;
  startsAt: number;
  endsAt: number;
}

/**
 * Writes the first `share` of a month with about a million alerts: firing, repeated every four hours, resolved. Answers
 * how many. A share is as dense as the whole, so that caps and queues are as full.
 */
export async function writeRecording(path: string, share: number, hosts = FLEET.hosts): Promise<number> {
  const random = seededRandom(7).stream("recording");
  const file = await open(path, "w");
  const next = new Heap<Next>();
  const gap = MONTH_MS / (ALERTS_A_MONTH * FAULTS_PER_ALERT);
  let written = 0;
  let lines: string[] = [];
  for (let at = BEGIN; at < BEGIN + share * MONTH_MS; at += 2 * gap * random.next()) {
    while ((next.peek()?.at ?? Number.POSITIVE_INFINITY) <= at) {
      const due = next.pop() as Next;
      lines.push(lineOf(due));
      if (due.at < due.endsAt) next.push({ ...due, at: Math.min(due.at + REPEAT_MS, due.endsAt) });
    }
    // A few hosts are worse than the others, as in life.
    const host = Math.floor(hosts * random.next() ** 2);
    const labels = {
      alertname: `Rule${Math.floor(FLEET.rules * random.next())}`,
      host: `host-${host}`,
      instance: `host-${host}.example.net:9100`,
      device: "sda",
      job: "node",
      severity: random.next() < 0.3 ? "critical" : "warning",
    };
    next.push({ at, labels, startsAt: at, endsAt: at - 2 * HOUR_MS * Math.log(1 - random.next()) });
    if (lines.length >= 5_000) {
      written += lines.length;
      await file.write(lines.join(""));
      lines = [];
    }
  }
  await file.write(lines.join(""));
  await file.close();
  return written + lines.length;
}

/** Each is told when it begins and when it ends, and in between every four hours. */
const FAULTS_PER_ALERT = 1 / 2.2;

function lineOf({ at, labels, startsAt, endsAt }: Next): string {
  const iso = (ms: number): string => new Date(ms).toISOString();
  const alert = {
    fingerprint: fingerprintOf(labels),
    status: at < endsAt ? "firing" : "resolved",
    labels,
    annotations: {
      summary: `${labels["alertname"] ?? ""} on ${labels["host"] ?? ""}`,
      runbook_url: "https://wiki.example.net/x",
    },
    startsAt: iso(startsAt),
    endsAt: at < endsAt ? null : iso(endsAt),
    source: "alertmanager",
    receivedAt: iso(at),
  };
  return `${JSON.stringify(alert)}\n`;
}
