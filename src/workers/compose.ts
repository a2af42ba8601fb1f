/** Puts the worker's parts together: record, catalogue, ports to the outside, actions, activities. */
import { createConnection } from "node:net";
import { randomUUID } from "node:crypto";
import { Context } from "@temporalio/activity";
import { ApplicationFailure } from "@temporalio/common";
import type { Logger } from "pino";
import { ACTIONS } from "../activities/actions.ts";
import { catalogues } from "../activities/catalogues.ts";
import type { ActivityDependencies } from "../activities/dependencies.ts";
import { unknownActivity } from "../activities/effects.ts";
import { lessonActivities } from "../activities/lessons/lessons.ts";
import { createActivities } from "../activities/index.ts";
import { notifier } from "../activities/notify/notifier.ts";
import { updateThreads } from "../activities/notify/threads.ts";
import { groupHealth } from "../activities/remediation/group-health.ts";
import { buildPorts, livePorts } from "../adapters/build.ts";
import type { Connections } from "../adapters/connections.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import { classify } from "../catalogue/classify.ts";
import type { FaultHook } from "../contracts/fault-points.ts";
import type { Outside, Ports } from "../ports/ports.ts";
import type { Tracer } from "../ports/trace.ts";
import type { RecordStore } from "../record/api.ts";
import { heartbeatsOf } from "../starters/heartbeats.ts";
import { createIngest, type Starter } from "../starters/ingest.ts";
import { createStarterMetrics } from "../starters/metrics.ts";
import type { Remediations } from "../starters/remediations.ts";
import { reroute } from "../starters/temporal.ts";
import { createWatchActivities, type ActivityHandle } from "../watchers/activity.ts";
import type { Unhealthy } from "../watchers/outside.ts";
import { createManifestActivities } from "../watchers/manifest-activity.ts";
import { createSweepActivities } from "../watchers/sweep-activity.ts";
import type { RecordMark } from "../watchers/pulse.ts";
import type { TemporalView } from "../watchers/sweep-temporal.ts";
import { bugsEnd, notForEver } from "./bugs-end.ts";
import { heartbeating } from "./heartbeats.ts";
import { KnownRuns, scoped } from "./scoped.ts";

/** The real outside: the process's own fetch, sockets and clock. */
export const OUTSIDE: Outside = {
  fetch,
  connect: (options) => createConnection(options),
  clock: { now: Date.now },
};

export interface Composition {
  record: RecordStore;
  remediations: Remediations;
  /** For the sweeper; left out: this worker does not sweep. */
  temporal?: TemporalView;
  mark?: RecordMark;
  connections: Connections;
  /** Where the audit's manifests go; left out: this worker writes none. */
  auditFolder?: string | undefined;
  log: Logger;
  /** Default: nothing is traced. */
  tracer?: Tracer | null;
  outside?: Outside;
  newId?: () => string;
  /** The worker is told to stop: what only waits (the watcher) ends at once instead of using up the grace time. */
  stopping?: AbortSignal;
  faultPoint?: FaultHook | undefined;
}

export interface Composed {
  activities: object;
  dependencies: ActivityDependencies;
  ports: Ports;
  /** For the SDK's log lines. */
  runs: KnownRuns;
  /** From the next call on; what is in flight ends on the old ones. */
  reconnect: (connections: Connections) => void;
}

export function compose(parts: Composition): Composed {
  const { record, remediations, log, faultPoint } = parts;
  const outside = parts.outside ?? OUTSIDE;
  const loaded = catalogues(record, ACTIONS);
  const channels = () => current.ports.channels;
  const notify = notifier({ record, active: () => loaded.active(), channels, log });
  const portsOf = (connections: Connections): Ports => ({ ...buildPorts(connections, outside), notify });
  const current = { connections: parts.connections, ports: portsOf(parts.connections) };
  const ports = livePorts(() => current.ports);
  const dependencies: ActivityDependencies = {
    record,
    catalogues: loaded,
    ports,
    actions: ACTIONS,
    reroute: reroute(remediations, parts.newId ?? randomUUID),
    run: (workflowId, runId) => remediations.run(workflowId, runId),
    hint: async (workflowId, about) => {
      await remediations.hint(workflowId, about);
    },
    log,
    // No retry cures a plan that this worker cannot run.
    refuse: (message) => ApplicationFailure.create({ message, type: "permanent", nonRetryable: true }),
    notByMe: notForEver,
    later,
    faultPoint,
  };
  const unknown = unknownActivity(dependencies);
  const runs = new KnownRuns();
  const named = { tracer: parts.tracer ?? null, runs, record, log };
  const activities = {
    ...scoped(heartbeating(bugsEnd(createActivities(dependencies), log)), named),
    ...createWatchActivities(
      {
        ...{ record, ports, remediations, log, faultPoint, unhealthy: unhealthyOf(dependencies) },
        threads: () => updateThreads({ record, channels, log }),
      },
      () => watchHandle(parts.stopping),
    ),
    ...heartbeating({ ...lessonActivities(dependencies) }),
    ...sweepActivities(parts, dependencies, () => current.connections),
    ...heartbeating({ ...createManifestActivities(record, parts.auditFolder ?? null) }),
    // What only a worker of another version has; the SDK calls it for every name that is not here.
    default: (request: unknown) => unknown(request, Context.current().info.activityType),
  };
  const reconnect = (connections: Connections): void => {
    Object.assign(current, { connections, ports: portsOf(connections) });
  };
  return { activities, dependencies, ports, runs, reconnect };
}

/** For the watcher: the same reading as a decision takes. */
export function unhealthyOf({ catalogues, ports }: ActivityDependencies): Unhealthy {
  return async (group) => (await groupHealth(ports, await catalogues.active(), group))?.unhealthy ?? null;
}

/** A restart of what is asked is over by then: tries after 1, 2 and 4 s, or when it says. */
const TRIES = 4;
const LONGEST_DELAY_MS = 60_000;

function later(message: string, afterMs?: number): ApplicationFailure | null {
  if (Context.current().info.attempt >= TRIES) return null;
  const when = afterMs === undefined ? {} : { nextRetryDelay: Math.min(afterMs, LONGEST_DELAY_MS) };
  return ApplicationFailure.create({ message, type: "transient", ...when });
}

function watchHandle(stopping: AbortSignal | undefined): ActivityHandle {
  const context = Context.current();
  const signals = [context.cancellationSignal, ...(stopping === undefined ? [] : [stopping])];
  return { heartbeat: (details) => context.heartbeat(details), cancellationSignal: AbortSignal.any(signals) };
}

function sweepActivities(
  parts: Composition,
  { ports, catalogues }: ActivityDependencies,
  connections: () => Connections,
): object {
  const { record, remediations, temporal, mark, log, faultPoint } = parts;
  if (temporal === undefined || mark === undefined) return {};
  const starter = redeliverer(parts, () => catalogues.active());
  const deps = {
    ...{ record, remediations, temporal, mark, starter, notify: ports.notify, log, faultPoint },
    heartbeats: async () => heartbeatsOf(await catalogues.active()),
    get loadBalancer() {
      return connections().loadBalancer === undefined ? null : ports.loadBalancer;
    },
  };
  return heartbeating({ ...createSweepActivities(deps, () => Context.current().info.scheduledTimestampMs) });
}

/** Alerts that were not delivered go out as the catalogue that is active now routes them. */
function redeliverer(parts: Composition, active: () => Promise<Catalogue>): Pick<Starter, "redeliver"> {
  const { record, remediations, log, faultPoint, newId = randomUUID, tracer = null } = parts;
  const metrics = createStarterMetrics();
  return {
    redeliver: async (options) => {
      const catalogue = await active();
      const classifies = (alert: Parameters<typeof classify>[1]) => classify(catalogue, alert);
      const starter = createIngest({
        ...{ record, remediations, log, metrics, newId, faultPoint, tracer },
        classify: classifies,
      });
      return starter.redeliver(options);
    },
  };
}
