/** A month of a large fleet: its catalogue, and what its Alertmanager said, as JSON lines in the order of time. */
import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { parse } from "yaml";
import { ACTIONS } from "../../src/activities/actions.ts";
import { Heap } from "../../src/backtest/heap.ts";
import { catalogueFromContent, versionOf, type Catalogue, type Content } from "../../src/catalogue/catalogue.ts";
import { projectPath } from "../../src/config/project.ts";
import type { Mode } from "../../src/contracts/facts.ts";
import type { JsonObject } from "../../src/contracts/json.ts";
import { seededRandom } from "../../src/lab/random.ts";
import { fingerprintOf } from "../../src/starters/sources/bounds.ts";

export const FLEET = { hosts: 5_000, groups: 50, racks: 250, runbooks: 20, rules: 40 };
const HOUR_MS = 3_600_000;
const REPEAT_MS = 4 * HOUR_MS;
export const MONTH_MS = 30 * 24 * HOUR_MS;
const BEGIN = Date.parse("2026-10-01T00:00:00Z");

/** `mode` is that of everything, `cap` how many of a group may be in work. */
export function fleetCatalogue({ mode, cap }: { mode: Mode; cap: string }): Catalogue {
  const shipped = parse(readFileSync(projectPath("runbooks", "disk-replacement.yaml"), "utf8")) as JsonObject;
  const metadata = shipped["metadata"] as JsonObject;
  const limits = { ...(shipped["limits"] as JsonObject), group: cap };
  const runbooks = Array.from({ length: FLEET.runbooks }, (_, index) => ({
    ...shipped,
    metadata: { ...metadata, name: `fix-${index}` },
    match: [{ alertname: `Rule${index}`, severity: { matches: "critical|warning" } }],
    limits,
  }));
  const content: Content = {
    schema: 1,
    timeScale: 1,
    config: {
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
    },
    inventory: {
      apiVersion: "selfheal/v1",
      kind: "Inventory",
      domains: ["example.net"],
      targets: Array.from({ length: FLEET.hosts }, (_, index) => targetOf(index)),
    },
    runbooks,
  };
  return catalogueFromContent(content as unknown as JsonObject, versionOf(content), ACTIONS);
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

/** Writes at least so many alerts of one month: firing, repeated every four hours, resolved. Answers how many. */
export async function writeRecording(path: string, alerts: number): Promise<number> {
  const random = seededRandom(7).stream("recording");
  const file = await open(path, "w");
  const next = new Heap<Next>();
  const gap = MONTH_MS / (alerts * FAULTS_PER_ALERT);
  let written = 0;
  let lines: string[] = [];
  for (let at = BEGIN; at < BEGIN + MONTH_MS; at += 2 * gap * random.next()) {
    while ((next.peek()?.at ?? Number.POSITIVE_INFINITY) <= at) {
      const due = next.pop() as Next;
      lines.push(lineOf(due));
      if (due.at < due.endsAt) next.push({ ...due, at: Math.min(due.at + REPEAT_MS, due.endsAt) });
    }
    // A few hosts are worse than the others, as in life.
    const host = Math.floor(FLEET.hosts * random.next() ** 2);
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
