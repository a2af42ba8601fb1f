/** Puts the worker's parts together: record, catalogue, ports to the outside, actions, activities. */
import { createConnection } from "node:net";
import { randomUUID } from "node:crypto";
import { Context } from "@temporalio/activity";
import { ApplicationFailure } from "@temporalio/common";
import type { Logger } from "pino";
import { ACTIONS } from "../activities/actions.ts";
import { catalogues } from "../activities/catalogues.ts";
import type { ActivityDependencies } from "../activities/dependencies.ts";
import { createActivities } from "../activities/index.ts";
import { buildPorts } from "../adapters/build.ts";
import type { Connections } from "../adapters/connections.ts";
import type { Outside, Ports } from "../ports/ports.ts";
import type { RecordStore } from "../record/api.ts";
import type { Remediations } from "../starters/remediations.ts";
import { reroute } from "../starters/temporal.ts";
import { createWatchActivities, type ActivityHandle } from "../watchers/activity.ts";
import { heartbeating } from "./heartbeats.ts";

/** The real outside: the process's own fetch, sockets and clock. */
export const OUTSIDE: Outside = {
  fetch,
  connect: (options) => createConnection(options),
  clock: { now: Date.now },
};

export interface Composition {
  record: RecordStore;
  remediations: Remediations;
  connections: Connections;
  log: Logger;
  outside?: Outside;
  newId?: () => string;
  /** The worker is told to stop: what only waits (the watcher) ends at once instead of using up the grace time. */
  stopping?: AbortSignal;
  faultPoint?: ActivityDependencies["faultPoint"];
}

export interface Composed {
  activities: object;
  dependencies: ActivityDependencies;
  ports: Ports;
}

export function compose(parts: Composition): Composed {
  const { record, remediations, log } = parts;
  const ports = buildPorts(parts.connections, parts.outside ?? OUTSIDE);
  const dependencies: ActivityDependencies = {
    record,
    catalogues: catalogues(record, ACTIONS),
    ports,
    actions: ACTIONS,
    reroute: reroute(remediations, parts.newId ?? randomUUID),
    hint: async (workflowId, about) => {
      await remediations.hint(workflowId, about);
    },
    log,
    // No retry cures a plan that this worker cannot run.
    refuse: (message) => ApplicationFailure.create({ message, type: "permanent", nonRetryable: true }),
    ...(parts.faultPoint === undefined ? {} : { faultPoint: parts.faultPoint }),
  };
  const activities = {
    ...heartbeating(createActivities(dependencies)),
    ...createWatchActivities({ record, ports, remediations, log }, () => watchHandle(parts.stopping)),
  };
  return { activities, dependencies, ports };
}

function watchHandle(stopping: AbortSignal | undefined): ActivityHandle {
  const context = Context.current();
  const signals = [context.cancellationSignal, ...(stopping === undefined ? [] : [stopping])];
  return { heartbeat: (details) => context.heartbeat(details), cancellationSignal: AbortSignal.any(signals) };
}
