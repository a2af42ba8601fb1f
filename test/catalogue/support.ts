import type { Alert } from "../../src/contracts/alert.ts";
import type { Catalogue } from "../../src/catalogue/catalogue.ts";
import { check, type Loaded, type LoadOptions } from "../../src/catalogue/load.ts";
import { formatProblem } from "../../src/catalogue/problems.ts";
import { readYaml } from "../../src/catalogue/yaml-source.ts";
import { FAKE_ACTIONS } from "../support/actions.ts";

export const CONFIG = `apiVersion: selfheal/v1
kind: Config
mode: auto
people:
  - { name: anna, roles: [dc-ops] }
groups:
  web: { owner: web-team }
  db: { owner: db-team, mode: review }
connections:
  prometheus: { url: "http://127.0.0.1:9090" }
  tickets: { uses: request-tracker, url: "http://127.0.0.1:8080", token: env:RT_TOKEN }
values: { queue: datacenter }
probes:
  host.ready:
    uses: tcp.connect
    with: { host: "\${{ target.address }}", port: 22, timeout: 3s }
    states: { healthy: connected, unhealthy: "!connected" }
slis:
  availability: { query: 'up{pool="\${{ target.pool }}"}', better: higher, worseBy: 0.02 }
`;

export const INVENTORY = `apiVersion: selfheal/v1
kind: Inventory
domains: [example.net]
targets:
  - kind: host
    id: web-1
    aliases: [10.0.0.1, "2001:db8::1"]
    group: web
    rack: r1
    stateless: true
    attributes: { pool: web, image: debian-12, diskCount: 1, address: 10.0.0.1 }
  - { kind: host, id: web-2, aliases: [10.0.0.2], group: web, rack: r1, attributes: { pool: web, image: debian-12, diskCount: 2, address: 10.0.0.2 } }
  - { kind: host, id: db-1, aliases: [10.0.0.9], group: db, labels: { selfheal: "off" }, attributes: { diskCount: 1, address: 10.0.0.9 } }
`;

export const RUNBOOK = `apiVersion: selfheal/v1
kind: Runbook
metadata: { name: disk, owner: storage, reviewBy: 2027-05-01 }
match:
  - { alertname: DiskFailing }
target: { kind: host, from: [host, instance] }
require: target.diskCount == 1
probe:
  uses: prometheus.query
  with: { query: 'failing{host="\${{ target.id }}",device="\${{ alert.labels.device }}"}', maxAge: 5m }
  states: { unhealthy: value == 1, healthy: value == 0 }
limits: { cooldown: 24h, attempts: 2 per 7d, rate: 20 per 1h, rack: 1, group: 10% }
approval: { roles: [dc-ops] }
collect:
  - { id: disk, uses: disk.report }
harm: { sli: availability }
ladder:
  - rung: replace
    steps:
      - { uses: quiet.start, with: { for: 48h } }
      - { uses: traffic.drain, with: { pool: "\${{ target.pool }}" } }
      - { id: dc, uses: desk.open, with: { queue: "\${{ config.queue }}", body: "Replace \${{ collected.disk.serial }} in \${{ target.id }}" } }
      - { uses: desk.wait, with: { ticket: "\${{ steps.dc.ticketId }}" }, within: 24h }
      - { uses: host.wipe, with: { image: "\${{ target.image }}" }, within: 2h }
    verify: { hold: 10m, also: [host.ready] }
finish:
  healthy: { restore: ramp, over: 10m }
`;

export interface Files {
  config?: string;
  inventory?: string;
  runbooks?: string[];
  slos?: string;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export function loadFrom(files: Files = {}, options: Partial<LoadOptions> = {}): Loaded {
  const runbooks = files.runbooks ?? [RUNBOOK];
  return check(
    {
      config: readYaml("selfheal.yaml", bytes(files.config ?? CONFIG)),
      inventory: readYaml("inventory.yaml", bytes(files.inventory ?? INVENTORY)),
      runbooks: runbooks.map((text, index) => readYaml(`runbooks/${index}.yaml`, bytes(text))),
      ...(files.slos === undefined ? {} : { slos: readYaml("slos.yaml", bytes(files.slos)) }),
    },
    { actions: FAKE_ACTIONS, ...options },
  );
}

/** The catalogue, or a failure that lists the problems. */
export function catalogueOf(files: Files = {}, options: Partial<LoadOptions> = {}): Catalogue {
  const { catalogue, problems } = loadFrom(files, options);
  if (catalogue === null) throw new Error(problems.map(formatProblem).join("\n"));
  return catalogue;
}

export function problemsOf(files: Files, options: Partial<LoadOptions> = {}): string[] {
  return loadFrom(files, options).problems.map(formatProblem);
}

/** The runbook with `from` replaced, which must be there. */
export function edited(from: string, to: string, text = RUNBOOK): string {
  if (!text.includes(from)) throw new Error(`the text has no ${from}`);
  return text.replace(from, to);
}

export function alertOf(labels: Record<string, string> = {}): Alert {
  return {
    fingerprint: "9270d50ff1e9fea7",
    status: "firing",
    labels: { alertname: "DiskFailing", host: "web-1", device: "sda", severity: "critical", ...labels },
    annotations: { summary: "a disk fails" },
    startsAt: "2026-11-21T02:11:03.124Z",
    endsAt: null,
    source: "alertmanager",
    receivedAt: "2026-11-21T02:11:10.000Z",
  };
}

export const COLLECTED = { disk: { serial: "S1", slot: "0" } };
