/** The tracer of a process, or none: then nothing of tracing runs. */
import { hostname } from "node:os";
import type { Logger } from "pino";
import type { Env } from "../config/env.ts";
import { projectVersion } from "../config/project.ts";
import { startExporter, type Exporter } from "./exporter.ts";
import { traceSettings } from "./settings.ts";

/** `kind` names the service: `selfheal-worker`. Throws a UserError for settings that are wrong. */
export function startTracing(kind: "serve" | "worker", env: Env, log: Logger): Exporter | null {
  const settings = traceSettings(env);
  if (settings === null) return null;
  const origin = { service: `selfheal-${kind}`, version: projectVersion(), instance: `${process.pid}@${hostname()}` };
  return startExporter({ ...settings, origin, fetch, log });
}
