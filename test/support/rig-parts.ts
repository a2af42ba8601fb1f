/** Puts the whole product together for one scenario: the same composition as the worker's and the server's. */
import { randomUUID } from "node:crypto";
import type { TestWorkflowEnvironment } from "@temporalio/testing";
import { Worker } from "@temporalio/worker";
import { ACTIONS } from "../../src/activities/actions.ts";
import type { Catalogue } from "../../src/catalogue/catalogue.ts";
import { classify } from "../../src/catalogue/classify.ts";
import { loaderOf } from "../../src/catalogue/load.ts";
import { workflowId } from "../../src/contracts/ids.ts";
import { manualClock } from "../../src/lab/clock.ts";
import { makeFleet } from "../../src/lab/fleet.ts";
import { startLab, type Lab } from "../../src/lab/lab.ts";
import type { LabHost, LabOptions } from "../../src/lab/types.ts";
import { activate } from "../../src/starters/active-catalogue.ts";
import { createIngest, type Starter } from "../../src/starters/ingest.ts";
import { LiveFolder } from "../../src/starters/live-folder.ts";
import { createStarterMetrics } from "../../src/starters/metrics.ts";
import type { Remediations } from "../../src/starters/remediations.ts";
import { temporalRemediations } from "../../src/starters/temporal.ts";
import { Watcher } from "../../src/watchers/watch.ts";
import { compose, OUTSIDE as REAL_OUTSIDE } from "../../src/workers/compose.ts";
import { resolveConnections } from "../../src/workers/connections.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { makeFolder, type FolderOptions } from "./rig-folder.ts";
import { bundlePath, LOG } from "./rig-server.ts";

/** An adapter's time-out in real time: a request that hangs shall not hold the test up, one that is slow shall not fail. */
const HANGS_MS = 2_000;

type Activities = Record<string, (...args: unknown[]) => Promise<unknown>>;

export interface RigOptions extends FolderOptions {
  /** Changes the fleet before the lab starts. */
  hosts?: (hosts: LabHost[]) => void;
  /** Hosts of the fleet; default 20: web-1 to web-12, api-1 to api-6, db-1 and db-2. */
  count?: number;
  /** Hosts whose disk fails from the start; default `web-1`. */
  failing?: string[];
  lab?: Partial<LabOptions>;
  /** Replaces what activities see of Temporal. */
  remediations?: (real: Remediations) => Remediations;
  /** Replaces activities: for bugs that are planted. */
  activities?: (activities: Activities) => Activities;
  /** What the test does to the record by hand, in the words of the audit, which must find it; and nothing else. */
  harm?: RegExp;
}

export interface Parts {
  env: TestWorkflowEnvironment;
  lab: Lab;
  database: TestDatabase;
  catalogue: Catalogue;
  /** The folder that `catalogue` came from; nobody looks at it by itself. */
  live: LiveFolder;
  starter: Starter;
  watcher: Watcher;
  remediations: Remediations;
  worker: Worker;
  taskQueue: string;
  folders: string[];
  /** Ids of all workflows of this rig. */
  started: Set<string>;
}

/** `follow` is called before each activity, so that it sees the world at the server's time. */
export async function makeParts(
  env: TestWorkflowEnvironment,
  options: RigOptions,
  follow: () => Promise<void> | undefined,
): Promise<Parts> {
  const startAt = await env.currentTimeMs();
  const hosts = makeFleet({ count: options.count ?? 20, seed: 7, failing: options.failing ?? ["web-1"] });
  options.hosts?.(hosts);
  const lab = await startLab({ seed: 7, hosts, clock: manualClock({ startAt }), ...options.lab });
  const database = await createTestDatabase();
  const { folder, made } = await makeFolder(lab, options);
  const live = new LiveFolder({
    folder,
    load: loaderOf({ actions: ACTIONS }),
    apply: (one) => activate(database.record, one, null),
    log: LOG,
  });
  await live.open();
  const { catalogue } = live;
  const taskQueue = `rig-${randomUUID()}`;
  const started = new Set<string>();
  const remediations = noting(temporalRemediations(env.client, { taskQueue }), started);
  const now = (): number => lab.clock.now();
  const after = (ms: number, fire: () => void): (() => void) => {
    const timer = setTimeout(fire, Math.min(ms, HANGS_MS));
    return () => clearTimeout(timer);
  };
  const composed = compose({
    record: database.record,
    remediations: options.remediations?.(remediations) ?? remediations,
    connections: resolveConnections(catalogue),
    log: LOG,
    outside: { ...REAL_OUTSIDE, clock: { now, after } },
  });
  const real = composed.activities as Activities;
  const activities = inTime(options.activities?.(real) ?? real, follow);
  const worker = await Worker.create({
    connection: env.nativeConnection,
    namespace: "default",
    taskQueue,
    workflowBundle: { codePath: await bundlePath() },
    activities,
  });
  const starter = createIngest({
    record: database.record,
    remediations,
    classify: (alert) => classify(live.catalogue, alert),
    log: LOG,
    metrics: createStarterMetrics(),
    newId: randomUUID,
    now,
  });
  const watcher = new Watcher({ record: database.record, ports: composed.ports, remediations, log: LOG, now });
  return {
    ...{ env, lab, database, catalogue, live, starter, watcher, remediations, worker, taskQueue },
    ...{ folders: made, started },
  };
}

function noting(remediations: Remediations, started: Set<string>): Remediations {
  const start: Remediations["start"] = (request) => {
    started.add(workflowId(request.target));
    return remediations.start(request);
  };
  const recover: Remediations["recover"] = (target, message) => {
    started.add(workflowId(target));
    return remediations.recover(target, message);
  };
  return { ...remediations, start, recover };
}

/** Each activity sees the world at the server's time. */
function inTime(activities: Activities, follow: () => Promise<void> | undefined): Activities {
  const timed = Object.entries(activities).map(([name, run]): [string, Activities[string]] => [
    name,
    async (...args) => {
      await follow();
      return run(...args);
    },
  ]);
  return Object.fromEntries(timed);
}
