/** The tracer of a process, or none: then nothing of tracing runs. */
import { hostname } from "node:os";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { Env } from "../config/env.ts";
import { projectVersion } from "../config/project.ts";
import { startExporter, type Exporter } from "./exporter.ts";
import { spanCounter } from "./metrics.ts";
import { traceSettings } from "./settings.ts";

export interface TracedProcess {
  /** Names the service: `selfheal-worker`. */
  kind: "serve" | "worker";
  log: Logger;
  /** Of `/metrics`. */
  registry: Registry;
}

/** Throws a UserError for settings that are wrong. */
export function startTracing(env: Env, { kind, log, registry }: TracedProcess): Exporter | null {
  const settings = traceSettings(env);
  const counter = spanCounter(registry);
  if (settings === null) return null;
  const origin = { service: `selfheal-${kind}`, version: projectVersion(), instance: `${process.pid}@${hostname()}` };
  return startExporter({ ...settings, origin, fetch, log, counter });
}
