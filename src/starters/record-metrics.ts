/**
 * What the record says, on `/metrics`: how it stands now, and the measures of the last 30 days. Read on timers, never by a
 * scrape; of closed remediations only those that are new are read. Every server of one record shows the same values.
 */
import { Gauge, type Registry } from "prom-client";
import type { Logger } from "pino";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { LiveState } from "../contracts/measures.ts";
import type { AuditLag } from "../record/api-audit.ts";
import { coverageOf } from "../measures/coverage.ts";
import { MeasuredWindow, type Slice } from "../measures/window.ts";
import type { RecordStore } from "../record/api.ts";
import type { Pollers } from "./pollers.ts";

export interface RecordMetricsOptions {
  record: Pick<RecordStore, "liveState" | "auditLag" | "measured" | "unmatchedAlerts" | "reviewsSince" | "now">;
  catalogue: () => Catalogue;
  /** Rejects when Temporal does not answer. */
  pollers: () => Promise<Pollers>;
  registry: Registry;
  log: Logger;
  /** Between two looks at how it stands; default 15,000. */
  liveEveryMs?: number;
  /** Between two looks at what was closed; default 60,000. */
  measureEveryMs?: number;
}

export interface Follower {
  stop(): void;
  /** Tests: all looks, now. */
  look(): Promise<void>;
}

export function followRecord(options: RecordMetricsOptions): Follower {
  const { record, catalogue, pollers, log, liveEveryMs = 15_000, measureEveryMs = 60_000 } = options;
  const { live, audit, measured } = recordGauges(options.registry);
  const window = new MeasuredWindow(record);
  const lookLive = once(log, "how the record stands", async () => {
    setLive(live, await record.liveState());
  });
  const lookAudit = once(log, "how late the audit is", async () => {
    setAudit(audit, await record.auditLag(LAG_WINDOW_MS));
  });
  const lookWorkers = once(log, "how many workers there are", async () => {
    const { workflows, activities } = await pollers();
    live.workers.set({ takes: "workflows" }, workflows);
    live.workers.set({ takes: "activities" }, activities);
  });
  const lookMeasures = once(log, "the measures", async () => {
    setMeasures(measured, await window.slices(coverageOf(catalogue())));
  });
  const soon = [lookLive, lookAudit, lookWorkers];
  const timers = [...soon.map((look) => every(liveEveryMs, look)), every(measureEveryMs, lookMeasures)];
  return {
    stop: () => timers.forEach(clearInterval),
    look: async () => {
      await Promise.all([...soon, lookMeasures].map((look) => look()));
    },
  };
}

function every(ms: number, look: () => Promise<void>): NodeJS.Timeout {
  void look();
  return setInterval(() => void look(), ms).unref();
}

/** One at a time; what cannot be read stays as it was, and its age shows in selfheal_record_read_timestamp_seconds. */
function once(log: Logger, what: string, look: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  return () =>
    (running ??= look()
      .catch((error: unknown) => log.warn({ err: error }, `could not read ${what} for /metrics`))
      .finally(() => (running = null)));
}

export function recordGauges(registry: Registry): { live: LiveGauges; audit: AuditGauges; measured: MeasureGauges } {
  const live = liveGauges(registry);
  const audit = auditGauges(registry);
  const unlabelled = [live.queueOldest, live.approvalsOldest, live.unsentOldest, live.swept, live.read];
  // A gauge without labels begins as 0.
  for (const gauge of [...unlabelled, audit.unwritten, audit.manifest]) gauge.remove();
  return { live, audit, measured: measureGauges(registry) };
}

function liveGauges(registry: Registry) {
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge<L>({ name: `selfheal_${name}`, help, labelNames, registers: [registry] });
  return {
    open: gauge("remediations_open", "Remediations that are open, by phase", "phase"),
    oldest: gauge(
      "remediations_oldest_open_timestamp_seconds",
      "When the oldest open one was opened, by phase",
      "phase",
    ),
    queue: gauge("queue_waiting", "Remediations that wait in the queue"),
    queueOldest: gauge("queue_oldest_timestamp_seconds", "Since when the first of them waits"),
    approvals: gauge("approvals_waiting", "Plans that wait for a person's approval"),
    approvalsOldest: gauge("approvals_oldest_timestamp_seconds", "Since when the first of them waits"),
    breakers: gauge("breakers_open", "Breakers that only a person resets, by kind", "kind"),
    unsent: gauge("escalations_unsent", "Messages to people that did not go out"),
    unsentOldest: gauge("escalations_unsent_oldest_timestamp_seconds", "When the first of them was written"),
    channels: gauge(
      "channel_messages",
      "Messages that a channel took, or did not take (the next one was asked), since the record began",
      ...(["channel", "result"] as const),
    ),
    findings: gauge("findings", "What the sweeper found and is there still", "code", "severity"),
    swept: gauge("sweep_last_timestamp_seconds", "When the sweeper last went round: only a worker does it"),
    workers: gauge("workers", "Workers that ask Temporal for work", "takes"),
    read: gauge("record_read_timestamp_seconds", "When the record was last read for these"),
  };
}
type LiveGauges = ReturnType<typeof liveGauges>;

function setLive(gauges: LiveGauges, state: LiveState): void {
  const { open, queue, approvals, breakers, unsent, findings, channels, lastSweepAt, now } = state;
  // What is not there any more must not stay as it was.
  for (const gauge of Object.values(gauges)) if (gauge !== gauges.workers) gauge.reset();
  for (const { phase, remediations, oldestOpenedAt } of open) {
    gauges.open.set({ phase }, remediations);
    gauges.oldest.set({ phase }, seconds(oldestOpenedAt));
  }
  gauges.queue.set(queue.waiting);
  setTime(gauges.queueOldest, queue.oldestSince);
  gauges.approvals.set(approvals.waiting);
  setTime(gauges.approvalsOldest, approvals.oldestSince);
  for (const { kind, open: there } of breakers) gauges.breakers.set({ kind }, there);
  gauges.unsent.set(unsent.escalations);
  setTime(gauges.unsentOldest, unsent.oldestAt);
  for (const { code, severity, there } of findings) gauges.findings.set({ code, severity }, there);
  for (const { channel, taken, failed } of channels) {
    gauges.channels.set({ channel, result: "taken" }, taken);
    gauges.channels.set({ channel, result: "failed" }, failed);
  }
  setTime(gauges.swept, lastSweepAt);
  gauges.read.set(seconds(now));
}

/** Effects of this time count. */
const LAG_WINDOW_MS = 3_600_000;

function auditGauges(registry: Registry) {
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge<L>({ name: `selfheal_audit_${name}`, help, labelNames, registers: [registry] });
  return {
    lag: gauge(
      "lag_seconds",
      "From an action to its audit entry, over the effects of the last hour; by quantile (0.5, 0.99, 1)",
      "quantile",
    ),
    unwritten: gauge(
      "unwritten_seconds",
      "Age of the oldest effect of which nobody has written yet what became of it; 0: there is none",
    ),
    manifest: gauge("manifest_timestamp_seconds", "When the last manifest of the audit was made"),
  };
}
type AuditGauges = ReturnType<typeof auditGauges>;

function setAudit(gauges: AuditGauges, { p50, p99, max, unwritten, lastManifestAt }: AuditLag): void {
  gauges.lag.reset();
  for (const [quantile, value] of Object.entries({ "0.5": p50, "0.99": p99, "1": max })) {
    if (value !== null) gauges.lag.set({ quantile }, value);
  }
  gauges.unwritten.set(unwritten);
  setTime(gauges.manifest, lastManifestAt);
}

/** No series at all where there is no time: 0 would be a very old one. */
function setTime(gauge: Gauge, at: string | null): void {
  if (at === null) gauge.remove();
  else gauge.set(seconds(at));
}

function seconds(at: string): number {
  return Date.parse(at) / 1000;
}

function measureGauges(registry: Registry) {
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge<L>({ name: `selfheal_${name}`, help, labelNames, registers: [registry] });
  const labels = ["measure", "runbook", "group"] as const;
  return {
    closed: gauge(
      "remediations_closed_30d",
      "Remediations closed in the last 30 days, by outcome",
      ...(["runbook", "group", "outcome"] as const),
    ),
    seconds: gauge(
      "measure_seconds",
      "Measures that are times, of the last 30 days; runbook and group empty: of all",
      ...labels,
    ),
    share: gauge("measure_ratio", "Measures that are shares, 0 to 1, as above", ...labels),
    cost: gauge("measure_cost", "Estimated cost of one remediation, in the unit of the budgets, as above", ...labels),
    over: gauge(
      "measure_samples",
      "Over how many each measure is; without a value there was nothing to measure",
      ...labels,
    ),
  };
}
type MeasureGauges = ReturnType<typeof measureGauges>;

function setMeasures(gauges: MeasureGauges, slices: readonly Slice[]): void {
  for (const gauge of Object.values(gauges)) gauge.reset();
  for (const { runbook, group, measures, outcomes } of slices) {
    for (const { id: measure, unit, value, of } of measures) {
      gauges.over.set({ measure, runbook, group }, of);
      if (value !== null) gauges[unit].set({ measure, runbook, group }, value);
    }
    if (runbook === "" && group === "") continue;
    for (const [outcome, closed] of outcomes) gauges.closed.set({ runbook, group, outcome }, closed);
  }
}
