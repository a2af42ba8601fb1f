/** The alerts that the fleet's rules raise, and webhook payloads of the captured shape (Alertmanager, version "4"). */
import { isFailing, isServing, type Host } from "./host.ts";
import type { World } from "./world.ts";

export interface FiringAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  fingerprint: string;
  /** ISO, wall time. */
  startsAt: string;
  generatorURL: string;
}

export interface WebhookAlert extends FiringAlert {
  status: "firing" | "resolved";
  endsAt: string;
}

export interface WebhookPayload {
  receiver: string;
  status: "firing" | "resolved";
  alerts: WebhookAlert[];
  groupLabels: Record<string, string>;
  commonLabels: Record<string, string>;
  commonAnnotations: Record<string, string>;
  externalURL: string;
  version: "4";
  groupKey: string;
  truncatedAlerts: number;
}

export interface WebhookOptions {
  /** Only these hosts; default: all that have a failing disk, whether they serve or not. */
  hosts?: string[];
  receiver?: string;
  alertname?: string;
  /** Says that these hosts' alerts are resolved now. */
  resolved?: string[];
  labels?: Record<string, string>;
}

export const NEVER_ENDED = "0001-01-01T00:00:00Z";
const CLUSTER = "lab-1";

/** What fires now. An alert on a series that vanished (the host does not run) is resolved, as Prometheus does it. */
export function firingAlerts(world: World): FiringAlert[] {
  return world
    .failing()
    .filter(isServing)
    .flatMap((host) => diskAlerts(world, host, {}));
}

/** The payload that Alertmanager would send for the failing hosts of this moment. */
export function webhookPayload(lab: { world: World; url: string }, options: WebhookOptions = {}): WebhookPayload {
  const { world } = lab;
  const firing = (options.hosts ?? world.failing().map((host) => host.id))
    .filter((id) => !options.resolved?.includes(id))
    .flatMap((id) => diskAlerts(world, world.host(id), options))
    .map((alert): WebhookAlert => ({ ...alert, status: "firing", endsAt: NEVER_ENDED }));
  const resolved = (options.resolved ?? [])
    .flatMap((id) => diskAlerts(world, world.host(id), options))
    .map((alert): WebhookAlert => ({ ...alert, status: "resolved", endsAt: world.time() }));
  return payloadOf([...resolved, ...firing], {
    receiver: options.receiver ?? "selfheal",
    externalURL: `${lab.url}/alertmanager`,
  });
}

export function payloadOf(alerts: WebhookAlert[], from: { receiver: string; externalURL: string }): WebhookPayload {
  const alertname = alerts[0]?.labels["alertname"] ?? "";
  return {
    receiver: from.receiver,
    status: alerts.some((alert) => alert.status === "firing") ? "firing" : "resolved",
    alerts,
    groupLabels: { alertname, cluster: CLUSTER },
    commonLabels: common(alerts.map((alert) => alert.labels)),
    commonAnnotations: common(alerts.map((alert) => alert.annotations)),
    externalURL: from.externalURL,
    version: "4",
    groupKey: `{}:{alertname=${JSON.stringify(alertname)}, cluster=${JSON.stringify(CLUSTER)}}`,
    truncatedAlerts: 0,
  };
}

/** One for each failing disk; a host without one gets the alert of its first disk, as if it had just failed. */
export function diskAlerts(world: World, host: Host, options: WebhookOptions): FiringAlert[] {
  const failing = host.disks.filter((disk) => disk.failing);
  return (isFailing(host) ? failing : host.disks.slice(0, 1)).map((disk) => {
    const labels = {
      alertname: options.alertname ?? "SmartDiskFailing",
      cluster: CLUSTER,
      device: disk.device,
      host: host.id,
      instance: `${host.address}:9633`,
      job: "smartctl",
      severity: "critical",
      team: host.owner,
      ...options.labels,
    };
    return {
      labels,
      annotations: {
        runbook_url: "https://example.invalid/runbooks/disk",
        summary: `Disk ${disk.device} (${disk.serial}) failing on ${host.id}`,
        value: "1",
      },
      startsAt: world.time(disk.failedAt ?? world.clock.now()),
      generatorURL: "http://prometheus.lab/graph?g0.expr=smart_failing+%3D%3D+1&g0.tab=1",
      fingerprint: fingerprint(labels),
    };
  });
}

/** As Prometheus' `model.LabelSet.Fingerprint`: FNV-1a 64 over the sorted names and values, each ended by 0xff. */
export function fingerprint(labels: Record<string, string>): string {
  let hash = 0xcbf29ce484222325n;
  const add = (byte: number): void => {
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  };
  for (const name of Object.keys(labels).sort()) {
    for (const text of [name, labels[name] ?? ""]) {
      for (const byte of Buffer.from(text)) add(byte);
      add(0xff);
    }
  }
  return hash.toString(16).padStart(16, "0");
}

function common(all: Record<string, string>[]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(all[0] ?? {}).filter(([name, value]) => all.every((each) => each[name] === value)),
  );
}
