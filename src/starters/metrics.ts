/** The measures of the starters, in a registry of their own, so that two servers in one process do not collide. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { FolderStatus } from "./live-folder.ts";

export function createStarterMetrics(registry = new Registry()) {
  const registers = [registry];
  return {
    registry,
    ...httpMetrics(registers),
    ...folderMetrics(registers),
    alerts: new Counter({
      name: "selfheal_alerts_received_total",
      help: "Alerts that arrived, by what became of them (delivered, duplicate, unmatched, ignored, failed)",
      labelNames: ["source", "status", "disposition"] as const,
      registers,
    }),
    truncated: new Counter({
      name: "selfheal_alerts_truncated_total",
      help: "Alerts that the sender left out of its bodies (Alertmanager's truncatedAlerts)",
      labelNames: ["source"] as const,
      registers,
    }),
    clipped: new Counter({
      name: "selfheal_alerts_clipped_total",
      help: "Alerts whose annotations were shortened to fit",
      labelNames: ["source"] as const,
      registers,
    }),
    signals: new Counter({
      name: "selfheal_temporal_signals_total",
      help: "Signals sent to remediation workflows, by result",
      labelNames: ["signal", "result"] as const,
      registers,
    }),
    delivery: new Histogram({
      name: "selfheal_alert_delivery_seconds",
      help: "Time of one body from its arrival until Temporal and the record have all of it",
      labelNames: ["source"] as const,
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    inFlight: new Gauge({
      name: "selfheal_alert_bodies_in_flight",
      help: "Alert bodies that are being taken in now",
      registers,
    }),
    ready: new Gauge({
      name: "selfheal_ready",
      help: "1 when the last look found the named part ready",
      labelNames: ["part"] as const,
      registers,
    }),
  };
}
export type StarterMetrics = ReturnType<typeof createStarterMetrics>;

function folderMetrics(registers: Registry[]) {
  return {
    reloads: new Counter({
      name: "selfheal_catalogue_loads_total",
      help: "Loads of the configuration folder, by result (current, partly, broken, waiting)",
      labelNames: ["result"] as const,
      registers,
    }),
    stale: new Gauge({
      name: "selfheal_catalogue_stale",
      help: "1 while files of the configuration folder are not in use; by team, empty for what is no team's",
      labelNames: ["team"] as const,
      registers,
    }),
    changed: new Gauge({
      name: "selfheal_catalogue_changed_timestamp_seconds",
      help: "When the catalogue in use was taken over",
      registers,
    }),
  };
}

export function countFolder({ reloads, stale, changed }: StarterMetrics, { state, since, teams }: FolderStatus): void {
  reloads.inc({ result: state });
  stale.reset();
  stale.set({ team: "" }, state === "broken" || state === "waiting" ? 1 : 0);
  for (const { team, state: of } of teams) stale.set({ team }, of === "current" ? 0 : 1);
  changed.set(Date.parse(since) / 1000);
}

function httpMetrics(registers: Registry[]) {
  return {
    requests: new Counter({
      name: "selfheal_http_requests_total",
      help: "HTTP requests by method, route and status",
      labelNames: ["method", "route", "status"] as const,
      registers,
    }),
    requestSeconds: new Histogram({
      name: "selfheal_http_request_seconds",
      help: "Duration of HTTP requests",
      labelNames: ["method", "route"] as const,
      buckets: [0.005, 0.025, 0.1, 0.5, 1, 5, 30],
      registers,
    }),
  };
}
