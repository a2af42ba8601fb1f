/**
 * From a body of alerts to signals: route -> receive -> deliver -> mark delivered (design §3 law 9). Resolves only when
 * Temporal has everything that must go there. Otherwise it rejects with `Unavailable`, and what was delivered until
 * then stays delivered: the sender's next try finds it in the record.
 */
import type { Logger } from "pino";
import { messageOf } from "../config/user-error.ts";
import type { FaultKey } from "../contracts/alert.ts";
import type { FaultHook } from "../contracts/fault-points.ts";
import { faultKey, workflowId } from "../contracts/ids.ts";
import type { TargetRef } from "../contracts/target.ts";
import type { Tracer } from "../ports/trace.ts";
import type { Ingest } from "../record/api.ts";
import { Delivery } from "./deliver.ts";
import { chunksOf } from "./gate.ts";
import type { StarterMetrics } from "./metrics.ts";
import { throughRecord, Unavailable, type FieldFault } from "./problems.ts";
import type { Remediations } from "./remediations.ts";
import { routeOf, toReceived, toStandIn, type Classify, type Deliverable, type Route } from "./route.ts";
import type { Batch, Item } from "./sources/source.ts";

export interface IngestDependencies {
  record: Ingest;
  remediations: Remediations;
  classify: Classify;
  log: Logger;
  metrics: StarterMetrics;
  /** Makes remediation ids: only starters do (law 3). */
  newId: () => string;
  /** Milliseconds; default the process's clock. */
  now?: () => number;
  /** Calls to Temporal at once; default 32. */
  concurrency?: number;
  /** Default: nothing is traced. */
  tracer?: Tracer | null;
  faultPoint?: FaultHook | undefined;
}

export interface AlertResult {
  fingerprint: string;
  status: "firing" | "resolved";
  startsAt: string;
  /** `duplicate`: this very fact was delivered before, or its fault was decided by a closed remediation. */
  disposition: "delivered" | "duplicate" | "unmatched" | "ignored";
  /** `kind/id`. */
  target: string | null;
  runbook: string | null;
  reason: string | null;
  faults?: FieldFault[];
}

export interface IngestAnswer {
  accepted: number;
  duplicates: number;
  unmatched: number;
  ignored: number;
  results: AlertResult[];
}

export interface Starter {
  ingest(batch: Batch): Promise<IngestAnswer>;
  /** Sends what was received at least `olderThanMs` ago and never delivered: the sweeper's part of law 9. */
  redeliver(options: { olderThanMs: number; limit: number }): Promise<{ delivered: number; failed: number }>;
}

/** Deliveries between two marks in the record: a crash in between repeats at most this many signals. */
const CHUNK = 200;

export function createIngest(deps: IngestDependencies): Starter {
  const delivery = new Delivery({
    remediations: deps.remediations,
    metrics: deps.metrics,
    newId: deps.newId,
    now: deps.now ?? Date.now,
    concurrency: deps.concurrency ?? 32,
    tracer: deps.tracer ?? null,
    faultPoint: deps.faultPoint,
  });
  return {
    ingest: (batch) => ingest(deps, delivery, batch),
    redeliver: (options) => redeliver(deps, delivery, options),
  };
}

/** One alert on its way through the stages. */
interface Passage {
  route: Route;
  decidedBy: string | null;
  /** Must go to Temporal now. */
  due: boolean;
  sent: boolean;
  /** The id that the signal brought: of the remediation that the alert opens, unless it joins one. */
  remediationId: string | null;
  error: unknown;
}

async function ingest(deps: IngestDependencies, delivery: Delivery, batch: Batch): Promise<IngestAnswer> {
  const end = deps.metrics.delivery.startTimer({ source: batch.source });
  noteLosses(deps, batch);
  const routes = batch.items.map((item) => route(deps, item));
  const passages = await receive(deps, routes);
  try {
    await deliverAll(
      deps,
      delivery,
      passages.filter((passage) => passage.due),
      false,
    );
  } finally {
    count(deps, batch, passages);
  }
  failIfAnyFailed(deps, passages);
  end();
  return answer(deps, passages);
}

/** A bug in classifying one alert must not hold up its group: a person is told through its stand-in target. */
function route(deps: IngestDependencies, item: Item): Route {
  try {
    return routeOf(item, deps.classify);
  } catch (error) {
    if (item.kind !== "alert" || error instanceof Unavailable) throw error;
    deps.log.error({ faultKey: faultKey(item.alert), err: error }, "an alert could not be classified");
    return toStandIn(item.alert, `not classified: ${messageOf(error)}`);
  }
}

function noteLosses(deps: IngestDependencies, batch: Batch): void {
  const { source, truncated, group } = batch;
  if (truncated > 0) {
    deps.metrics.truncated.inc({ source }, truncated);
    deps.log.warn(
      { source, group, truncated },
      "the sender left alerts out of its body: raise max_alerts or group finer",
    );
  }
  const clipped = batch.items.filter((item) => item.kind === "alert" && item.clipped).length;
  if (clipped > 0) deps.metrics.clipped.inc({ source }, clipped);
}

async function receive(deps: IngestDependencies, routes: Route[]): Promise<Passage[]> {
  const rows = await throughRecord("record the alerts", () => deps.record.receive(routes.map(toReceived)));
  return routes.map((route, index) => {
    const row = rows[index];
    const due = route.kind === "deliver" && row?.deliver === true;
    return { route, decidedBy: row?.decidedBy ?? null, due, sent: false, remediationId: null, error: null };
  });
}

interface Round {
  afresh: boolean;
  /** A failure that will hit everything else too. */
  stop: Unavailable | null;
}

/** In chunks, each marked as it is done. A failure that will hit all others too stops the rest. */
async function deliverAll(
  deps: IngestDependencies,
  delivery: Delivery,
  due: Passage[],
  afresh: boolean,
): Promise<void> {
  const round: Round = { afresh, stop: null };
  for (const chunk of chunksOf(oneByFault(due), CHUNK)) {
    const passages = chunk.flat();
    await Promise.all(chunk.map((fault) => deliverFault(delivery, fault, round)));
    const marks = passages.filter((passage) => passage.sent).map(({ route }) => markOf(route));
    await throughRecord("mark the alerts delivered", () => deps.record.markDelivered(marks));
    for (const { route } of passages)
      if (route.kind === "deliver") deps.faultPoint?.("ingest.delivered", workflowId(route.target));
  }
}

/** The alerts of each fault, firing before resolved. */
function oneByFault(due: Passage[]): Passage[][] {
  const faults = new Map<FaultKey, Passage[]>();
  for (const passage of due) {
    const key = faultKey(passage.route.alert);
    faults.set(key, [...(faults.get(key) ?? []), passage]);
  }
  const order = (passage: Passage): number => (passage.route.alert.status === "firing" ? 0 : 1);
  return [...faults.values()].map((passages) => passages.sort((a, b) => order(a) - order(b)));
}

async function deliverFault(delivery: Delivery, fault: Passage[], round: Round): Promise<void> {
  for (const passage of fault) {
    // A fault that a closed episode decided does not start again (law 5); it counts as delivered.
    if (passage.decidedBy !== null && passage.route.alert.status === "firing") passage.sent = true;
    else await deliverOne(delivery, passage, round);
  }
}

async function deliverOne(delivery: Delivery, passage: Passage, round: Round): Promise<void> {
  const throwIfStopped = (): void => {
    if (round.stop !== null) throw round.stop;
  };
  try {
    throwIfStopped();
    const { afresh } = round;
    const delivered = await delivery.deliver(passage.route as Deliverable, { afresh, throwIfStopped });
    passage.remediationId = delivered.remediationId;
    passage.sent = true;
  } catch (error) {
    passage.error = error;
    const stop = error instanceof Unavailable ? error : new Unavailable("temporal", messageOf(error), { cause: error });
    if (stop.reach === "all") round.stop ??= stop;
  }
}

function markOf(route: Route): { faultKey: FaultKey; status: "firing" | "resolved" } {
  return { faultKey: faultKey(route.alert), status: route.alert.status };
}

function failIfAnyFailed(deps: IngestDependencies, passages: Passage[]): void {
  const failed = passages.filter((passage) => passage.error !== null);
  const first = failed[0];
  if (first === undefined) return;
  const { error, route } = first;
  for (const { route: lost, error: why } of failed.slice(0, 10)) {
    deps.log.error({ ...logOf(lost), err: why }, "an alert could not be delivered; the sender will try again");
  }
  const what = `${failed.length} of ${passages.length} alerts could not be delivered`;
  const why = error instanceof Error ? error.message : String(error);
  const system = error instanceof Unavailable ? error.system : "temporal";
  throw new Unavailable(system, `${what}, the first is ${route.alert.fingerprint}: ${why}`, { cause: error });
}

function count(deps: IngestDependencies, batch: Batch, passages: Passage[]): void {
  for (const passage of passages) {
    const disposition = passage.error !== null || (passage.due && !passage.sent) ? "failed" : dispositionOf(passage);
    deps.metrics.alerts.inc({ source: batch.source, status: passage.route.alert.status, disposition });
  }
}

function dispositionOf({ route, due, decidedBy }: Passage): AlertResult["disposition"] {
  if (route.kind !== "deliver") return route.kind;
  const decided = decidedBy !== null && route.alert.status === "firing";
  return due && !decided ? "delivered" : "duplicate";
}

function answer(deps: IngestDependencies, passages: Passage[]): IngestAnswer {
  // One fact twice in a body is delivered once; the second counts as a duplicate.
  const seen = new Set<string>();
  const results = passages.map((passage) => {
    const key = `${passage.route.alert.status}:${faultKey(passage.route.alert)}`;
    const again = seen.has(key) && dispositionOf(passage) === "delivered";
    seen.add(key);
    const result = again ? { ...resultOf(passage), disposition: "duplicate" as const } : resultOf(passage);
    logResult(deps, passage, result);
    return result;
  });
  const sum = (disposition: string) => results.filter((result) => result.disposition === disposition).length;
  return {
    accepted: sum("delivered"),
    duplicates: sum("duplicate"),
    unmatched: sum("unmatched"),
    ignored: sum("ignored"),
    results,
  };
}

function resultOf(passage: Passage): AlertResult {
  const { route, decidedBy } = passage;
  const { fingerprint, status, startsAt } = route.alert;
  const disposition = dispositionOf(passage);
  const decided = disposition === "duplicate" && decidedBy !== null ? `decided by remediation ${decidedBy}` : null;
  return {
    fingerprint,
    status,
    startsAt,
    disposition,
    target: route.kind === "deliver" ? `${route.target.kind}/${route.target.id}` : null,
    runbook: route.kind === "deliver" ? route.runbook : null,
    reason: decided ?? route.reason,
    ...(route.kind === "ignored" && route.faults.length > 0 ? { faults: route.faults } : {}),
  };
}

function logResult(deps: IngestDependencies, { route, decidedBy, ...passage }: Passage, result: AlertResult): void {
  const level = result.disposition === "ignored" ? "warn" : result.disposition === "duplicate" ? "debug" : "info";
  const remediationId = decidedBy ?? passage.remediationId;
  const about = remediationId === null ? {} : { remediationId };
  const { disposition, reason } = result;
  deps.log[level]({ ...about, ...logOf(route), disposition, reason }, "alert received");
}

function logOf(route: Route): { faultKey: FaultKey; status: string; target?: TargetRef } {
  const base = { faultKey: faultKey(route.alert), status: route.alert.status };
  return route.kind === "deliver" ? { ...base, target: route.target } : base;
}

/** Classifies again, because the catalogue may have changed since; what matches no more is recorded as that. */
async function redeliver(
  deps: IngestDependencies,
  delivery: Delivery,
  options: { olderThanMs: number; limit: number },
): Promise<{ delivered: number; failed: number }> {
  const rows = await throughRecord("read the outbox", () =>
    deps.record.undelivered(options.olderThanMs, options.limit),
  );
  const alerts = rows.map(({ fingerprint, status, labels, annotations, startsAt, endsAt, source, receivedAt }) => ({
    kind: "alert" as const,
    alert: { fingerprint, status, labels, annotations, startsAt, endsAt, source, receivedAt },
    clipped: false,
  }));
  const passages = await receive(
    deps,
    alerts.map((item) => route(deps, item)),
  );
  const due = passages.filter((passage) => passage.due);
  await deliverAll(deps, delivery, due, true);
  const delivered = due.filter((passage) => passage.sent).length;
  return { delivered, failed: due.length - delivered };
}
