/** The Temporal SDK's runtime for this process, logging through pino. Installed once, before any connection. */
import { NativeConnection, Runtime } from "@temporalio/worker";
import type { Logger as SdkLogger, LogLevel, LogMetadata } from "@temporalio/common";
import type { Logger } from "pino";
import type { KnownRuns } from "./scoped.ts";
import { temporalUnreachable, type TemporalSettings } from "../config/temporal.ts";

let installed = false;

/**
 * The SDK then neither prints by itself nor reacts to signals: the process that stops things in order is ours. With `runs`,
 * its lines about a workflow say which remediation that works on, where this process has heard of it.
 */
export function installRuntime(log: Logger, runs?: Pick<KnownRuns, "of">): void {
  if (installed) return;
  installed = true;
  Runtime.install({
    logger: bridge(log, runs),
    shutdownSignals: [],
    telemetryOptions: { logging: { filter: { core: "WARN", other: "ERROR" }, forward: {} } },
  });
}

/** A UserError with the address when Temporal does not answer. */
export async function connectWorker(settings: TemporalSettings): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect(settings.connection);
  } catch (error) {
    throw temporalUnreachable(settings, error);
  }
}

type PinoLevel = "trace" | "debug" | "info" | "warn" | "error";

export function bridge(log: Logger, runs?: Pick<KnownRuns, "of">): SdkLogger {
  const write = (level: PinoLevel, message: string, meta?: LogMetadata): void => {
    // Lines of an activity and lines of a workflow name the run differently.
    const remediationId = runs?.of(meta?.["workflowRunId"] ?? meta?.["runId"]) ?? null;
    // The SDK's own timestamp is pino's business, and its symbols do not survive JSON.
    log[level]({ ...meta, ...(remediationId === null ? {} : { remediationId }) }, message);
  };
  return {
    log: (level: LogLevel, message, meta) => write(level.toLowerCase() as PinoLevel, message, meta),
    trace: (message, meta) => write("trace", message, meta),
    debug: (message, meta) => write("debug", message, meta),
    info: (message, meta) => write("info", message, meta),
    warn: (message, meta) => write("warn", message, meta),
    error: (message, meta) => write("error", message, meta),
  };
}
