/** A worker process's life: connect, check the namespace, poll until told to stop, finish what is running. */
import type { Logger } from "pino";
import type { TemporalSettings } from "../config/temporal.ts";
import { EXIT, messageOf, UserError } from "../config/user-error.ts";
import type { WorkflowBundle } from "./bundle.ts";
import { connectWorker, installRuntime } from "./runtime.ts";
import type { KnownRuns } from "./scoped.ts";
import { ensureSearchAttributes } from "./search-attributes.ts";
import { createSelfhealWorker, defaultBuildId } from "./worker.ts";

export interface RunWorkerOptions {
  settings: TemporalSettings;
  bundle: WorkflowBundle;
  activities: object;
  /** Register missing search attributes (dev); production refuses to start and says how. */
  mayAddAttributes: boolean;
  shutdownGraceMs: number;
  buildId?: string;
  log: Logger;
  /** Which remediation each run works on, for the SDK's log lines. */
  runs?: KnownRuns;
  /** Stops it cleanly: no new tasks, running activities get the grace time. */
  stop: AbortSignal;
  /** With the namespace checked, before the first task is taken. */
  beforePolling?: () => Promise<void>;
  onReady?: (detail: { address: string; namespace: string; buildId: string }) => void;
}

/** Resolves after a clean stop; rejects when it cannot start or Temporal refuses it for good. */
export async function runWorker(options: RunWorkerOptions): Promise<void> {
  installRuntime(options.log, options.runs);
  const { settings } = options;
  const connection = await connectWorker(settings);
  try {
    await ensureSearchAttributes({ connection, namespace: settings.namespace, mayAdd: options.mayAddAttributes });
    await options.beforePolling?.();
    const buildId = options.buildId ?? defaultBuildId(options.bundle);
    const worker = await createSelfhealWorker({
      connection,
      namespace: settings.namespace,
      bundle: options.bundle,
      activities: options.activities,
      dataConverter: settings.dataConverter,
      buildId,
      shutdownGraceMs: options.shutdownGraceMs,
    }).catch((error: unknown) => {
      throw cannotStart(settings, error);
    });
    const stopNow = (): void => {
      if (worker.getState() === "RUNNING") worker.shutdown();
    };
    const running = worker.run();
    options.stop.addEventListener("abort", stopNow);
    if (options.stop.aborted) stopNow();
    options.log.info({ address: settings.address, namespace: settings.namespace, buildId }, "worker is polling");
    options.onReady?.({ address: settings.address, namespace: settings.namespace, buildId });
    await running;
    options.log.info("worker has stopped");
  } finally {
    await connection.close();
  }
}

function cannotStart(settings: TemporalSettings, error: unknown): UserError {
  return new UserError(
    `the worker cannot start on ${settings.address}, namespace ${settings.namespace}: ${messageOf(error)}`,
    { cause: error, exitCode: EXIT.unavailable },
  );
}
