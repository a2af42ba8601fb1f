/** The Temporal worker with selfheal's options, the same in production, development and tests. */
import type { DataConverter } from "@temporalio/common";
import { Worker, type NativeConnection, type WorkerOptions } from "@temporalio/worker";
import { hostname } from "node:os";
import { projectVersion } from "../config/project.ts";
import { TASK_QUEUE } from "../contracts/messages.ts";
import type { WorkflowBundle } from "./bundle.ts";
import { remediationInLogs } from "./log-attributes.ts";

export interface SelfhealWorkerOptions {
  connection: NativeConnection;
  namespace: string;
  bundle: WorkflowBundle;
  /** Default: nothing is encrypted. */
  dataConverter?: DataConverter;
  /** Activity implementations by type name. */
  activities: object;
  /** Default: `<version>+<bundle hash>`. */
  buildId?: string;
  taskQueue?: string;
  /** How long activities may finish after a stop; below the platform's kill time. Default 20 s. */
  shutdownGraceMs?: number;
  concurrency?: Partial<typeof CONCURRENCY>;
}

/**
 * An effect is a request over the network and then waiting, so activities are many. Each cached workflow holds about
 * 0.5 MB: 500 fit beside everything else in 1 GB, and those that do not are replayed when they wake.
 */
const CONCURRENCY = { activities: 100, workflowTasks: 40, cachedWorkflows: 500 };
const DEFAULT_GRACE_MS = 20_000;
/** After the grace time, how long cancelled activities have until the process gives them up. */
const FORCE_AFTER_GRACE_MS = 5_000;

export function defaultBuildId(bundle: WorkflowBundle): string {
  return `${projectVersion()}+${bundle.manifest.codeHash.slice(0, 12)}`;
}

export function createSelfhealWorker(options: SelfhealWorkerOptions): Promise<Worker> {
  const grace = options.shutdownGraceMs ?? DEFAULT_GRACE_MS;
  const concurrency = { ...CONCURRENCY, ...options.concurrency };
  const settings: WorkerOptions = {
    connection: options.connection,
    namespace: options.namespace,
    taskQueue: options.taskQueue ?? TASK_QUEUE,
    workflowBundle: { codePath: options.bundle.codePath },
    activities: options.activities,
    interceptors: { activity: [remediationInLogs] },
    dataConverter: options.dataConverter ?? {},
    identity: `${process.pid}@${hostname()}`,
    // Recorded only: auto-upgrade with `patched` and the replay gate is our versioning (design §3 law 11).
    workerDeploymentOptions: {
      version: { deploymentName: "selfheal", buildId: options.buildId ?? defaultBuildId(options.bundle) },
      useWorkerVersioning: false,
    },
    shutdownGraceTime: grace,
    shutdownForceTime: grace + FORCE_AFTER_GRACE_MS,
    maxConcurrentActivityTaskExecutions: concurrency.activities,
    maxConcurrentLocalActivityExecutions: concurrency.activities,
    maxConcurrentWorkflowTaskExecutions: concurrency.workflowTasks,
    maxCachedWorkflows: concurrency.cachedWorkflows,
  };
  return Worker.create(settings);
}
