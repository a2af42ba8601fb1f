/** Alertmanager bodies: the captured ones, and others made from them. */
import { readFileSync } from "node:fs";
import type { Alert } from "../../../src/contracts/alert.ts";
import type { Batch } from "../../../src/starters/sources/source.ts";

const FOLDER = new URL("../../fixtures/alertmanager/", import.meta.url);

export interface RawAlert {
  status: string;
  labels: Record<string, unknown>;
  annotations: Record<string, unknown>;
  startsAt: string;
  endsAt: string;
  fingerprint: string;
  [other: string]: unknown;
}
export interface RawBody {
  version: string;
  status: string;
  alerts: RawAlert[];
  truncatedAlerts: number;
  [other: string]: unknown;
}

export type Captured = "03-firing" | "04-firing" | "05-resolved";

/** A captured body, fresh at each call. */
export function captured(name: Captured): RawBody {
  return JSON.parse(readFileSync(new URL(`alertmanager-webhook-${name}.json`, FOLDER), "utf8")) as RawBody;
}

/** A body with one alert a host, of the captured shape. */
export function bodyFor(hosts: readonly string[], change: Partial<RawAlert> = {}): RawBody {
  const body = captured("03-firing");
  const [model] = body.alerts;
  if (model === undefined) throw new Error("the captured body has no alert");
  body.alerts = hosts.map((host) => ({
    ...model,
    labels: { ...model.labels, alertname: "SmartDiskFailing", host },
    fingerprint: Buffer.from(host).toString("hex").padEnd(16, "0"),
    ...change,
  }));
  return body;
}

export const RECEIVED_AT = "2026-11-21T10:00:00.000Z";

export function alertFor(host: string, change: Partial<Alert> = {}): Alert {
  return {
    fingerprint: Buffer.from(host).toString("hex").padEnd(16, "0"),
    status: "firing",
    labels: { alertname: "SmartDiskFailing", host, severity: "critical" },
    annotations: { summary: `Disk failing on ${host}` },
    startsAt: "2026-11-21T02:11:03.124Z",
    endsAt: null,
    source: "alertmanager",
    receivedAt: RECEIVED_AT,
    ...change,
  };
}

export function batchOf(...alerts: Alert[]): Batch {
  return {
    source: "alertmanager",
    items: alerts.map((alert) => ({ kind: "alert", alert, clipped: false })),
    truncated: 0,
    group: "",
  };
}
