/** The tracer of a process, or none: then nothing of tracing runs. */
import { hostname } from "node:os";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { Env } from "../config/env.ts";
import { projectVersion } from "../config/project.ts";
import type { Tracer } from "../ports/trace.ts";
import { startExporter } from "./exporter.ts";
import { spanCounter } from "./metrics.ts";
import { traceSettings } from "./settings.ts";

export interface TracedProcess {
  /** Names the service: `selfheal-worker`. */
  kind: "serve" | "worker";
  log: Logger;
  /** Of `/metrics`. */
  registry: Registry;
  /** Takes what is to be done when the process ends. */
  defer: (close: () => Promise<void>) => void;
}

/** Throws a UserError for settings that are wrong. */
export function startTracing(env: Env, { kind, log, registry, defer }: TracedProcess): Tracer | null {
  const settings = traceSettings(env);
  const counter = spanCounter(registry);
  if (settings === null) return null;
  const origin = { service: `selfheal-${kind}`, version: projectVersion(), instance: `${process.pid}@${hostname()}` };
  const exporter = startExporter({ ...settings, origin, fetch, log, counter });
  defer(() => exporter.close());
  return exporter;
}
