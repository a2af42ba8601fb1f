/**
 * What production consists of, as docker-compose.temporal.yml and the Dockerfile say it: processes and their order,
 * command lines, environment, ports. A test holds this file and those two together, so that what is tried natively is
 * what the containers run.
 */
import { join } from "node:path";
import { ENV_SCHEMA, type EnvSource } from "../../config/env.ts";

/** In the order of their start; they stop in the reverse one. */
export const PARTS = ["postgres", "temporal", "temporal-ui", "serve", "worker"] as const;

/** On the host, all on loopback. More APIs take the ports behind the first one. */
export const DEFAULT_PORTS = { api: 8080, temporal: 7233, ui: 8233 } as const;

/** How long a clean stop may take before SIGKILL: longer than what the process itself waits for. */
export const STOP_WITHIN_MS = { serve: 30_000, worker: 40_000 } as const;

/** docker/make-secrets.sh makes these files. */
export const SECRET_FILES = {
  temporalPassword: "postgres_password",
  selfhealPassword: "selfheal_password",
  apiToken: "api_token",
  webhookToken: "webhook_token",
  databaseUrl: "database_url",
} as const;

/** Roles on the PostgreSQL server, and selfheal's database. */
export const TEMPORAL_ROLE = "temporal";
export const SELFHEAL_ROLE = "selfheal";
export const SELFHEAL_DATABASE = "selfheal";

export interface Places {
  /** Folder with the files of `SECRET_FILES`. */
  secrets: string;
  temporalAddress: string;
  namespace: string;
  /** Configuration folder. */
  config: string;
  logLevel: string;
  uiUrl: string;
}

export function serveArgs(listen: { host: string; port: number }): string[] {
  return ["serve", "--host", listen.host, "--port", String(listen.port)];
}

export function workerArgs(healthPort: number): string[] {
  return ["worker", "--register-search-attributes", "--health-port", String(healthPort)];
}

export function workerEnv(places: Places): Record<string, string> {
  return {
    TEMPORAL_ADDRESS: places.temporalAddress,
    TEMPORAL_NAMESPACE: places.namespace,
    DATABASE_URL_FILE: join(places.secrets, SECRET_FILES.databaseUrl),
    SELFHEAL_CONFIG: places.config,
    SELFHEAL_LOG_LEVEL: places.logLevel,
  };
}

export function serveEnv(places: Places): Record<string, string> {
  return {
    ...workerEnv(places),
    SELFHEAL_API_TOKEN_FILE: join(places.secrets, SECRET_FILES.apiToken),
    SELFHEAL_WEBHOOK_TOKEN_FILE: join(places.secrets, SECRET_FILES.webhookToken),
    SELFHEAL_TOKEN_FILE: join(places.secrets, SECRET_FILES.apiToken),
    SELFHEAL_WEB_UI_URL: places.uiUrl,
  };
}

/** What the image sets. Instead of its path of Node a child here gets ours, and the bundle of the checked-out source. */
export function imageEnv(bundle: string): Record<string, string> {
  return { NODE_ENV: "production", SELFHEAL_LOG_FORMAT: "json", SELFHEAL_WORKFLOW_BUNDLE: bundle };
}

/** Where traces go is said by whoever starts it all, here as there. */
export const HANDED_ON = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS", "SELFHEAL_TRACE_URL"];

/**
 * A container starts with nothing else of its host's environment. Here what selfheal reads is taken out before the above is
 * put in: a DATABASE_URL of the shell would win over a DATABASE_URL_FILE.
 */
export function withoutOurs(): EnvSource {
  const ours = Object.keys(ENV_SCHEMA.shape).filter(
    (name) => /^(SELFHEAL|TEMPORAL|DATABASE)_/.test(name) && !HANDED_ON.includes(name),
  );
  return Object.fromEntries(ours.flatMap((name) => [name, `${name}_FILE`]).map((name) => [name, undefined]));
}
