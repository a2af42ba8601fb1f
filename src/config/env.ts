/** The only reader of process.env. Everything else gets an `Env`, or asks for a secret by name. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { EXIT, messageOf, UserError } from "./user-error.ts";

export type EnvSource = Readonly<Record<string, string | undefined>>;

/** An empty variable is an unset one, as everywhere in a shell. */
const text = z.preprocess((value) => (value === "" ? undefined : value), z.string().optional());
const port = z.preprocess(
  (value) => (value === "" ? undefined : value),
  z.coerce.number().int().min(0).max(65535).optional(),
);
const postgresUrl = z.preprocess(
  (value) => (value === "" ? undefined : value),
  z
    .string()
    .regex(/^postgres(ql)?:\/\//, "must be postgres://USER:PASSWORD@HOST:PORT/DATABASE")
    .optional(),
);
/** No user in it: that would stand in the log, and headers have a variable of their own. */
const httpUrl = z.preprocess(
  (value) => (value === "" ? undefined : value),
  z
    .string()
    .refine(isHttpUrl, "must be http://HOST:PORT or https://HOST:PORT, without user, query or fragment")
    .optional(),
);
const traceUrl = z.preprocess(
  (value) => (value === "" ? undefined : value),
  z
    .string()
    .regex(/^https?:\/\/\S*\{traceId\}\S*$/, "must be an http or https address with {traceId} in it")
    .optional(),
);
const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
const LOG_FORMATS = ["json", "pretty"] as const;

/** Each variable with what it is for: `selfheal worker --help` and docs/configuration.md print the descriptions. */
export const ENV_SCHEMA = z.object({
  DATABASE_URL: postgresUrl.describe("PostgreSQL of the record; unset: `dev` and `demo` start an embedded one"),
  SELFHEAL_CONFIG: text.describe("folder with runbooks, inventory, groups and connections; default ./config"),
  SELFHEAL_HOST: text.describe("address that `serve` listens on; default 127.0.0.1"),
  SELFHEAL_PORT: port.describe("port that `serve` listens on; default 8080"),
  SELFHEAL_LOG_LEVEL: z
    .preprocess((value) => (value === "" ? undefined : value), z.enum(LOG_LEVELS).default("info"))
    .describe(`one of ${LOG_LEVELS.join(", ")}; default info`),
  SELFHEAL_LOG_FORMAT: z
    .preprocess((value) => (value === "" ? undefined : value), z.enum(LOG_FORMATS).optional())
    .describe("json or pretty; default pretty on a terminal, else json"),
  SELFHEAL_BUILD_ID: text.describe("what Temporal shows as the worker's build; default version and bundle hash"),
  SELFHEAL_WORKFLOW_BUNDLE: text.describe("the prebuilt workflow bundle; default dist/workflow-bundle.js"),
  SELFHEAL_SHUTDOWN_GRACE_SECONDS: z
    .preprocess((value) => (value === "" ? undefined : value), z.coerce.number().int().min(1).max(3600).default(20))
    .describe("how long a stopping worker lets activities finish; below the platform's kill time; default 20"),
  SELFHEAL_AUDIT_FOLDER: text.describe(
    "folder that workers write a manifest of all audit heads to each day; default none",
  ),
  SELFHEAL_STATE: text.describe("folder for the embedded database and dev data; default by the system"),
  SELFHEAL_TEMPORAL_CLI: text.describe("path of a `temporal` binary to start dev servers with"),
  SELFHEAL_TEST_SERVER: text.describe("path of a time-skipping Temporal test server, for tests"),
  SELFHEAL_API_TOKEN: text.describe(
    "one bearer token that all users of the API share; better: `selfheal token create`",
  ),
  SELFHEAL_WEBHOOK_TOKEN: text.describe(
    "bearer token of alert sources that have none in selfheal.yaml; needed beyond loopback",
  ),
  SELFHEAL_URL: text.describe("where `remediation` finds the API; default http://127.0.0.1:8080"),
  SELFHEAL_TOKEN: text.describe("the bearer token that `remediation` shows the API"),
  SELFHEAL_PAYLOAD_KEYS: text.describe(
    "encrypts what Temporal stores: ID:KEY of each key, the newest first; unset: nothing is encrypted",
  ),
  SELFHEAL_CODEC_TOKEN: text.describe("bearer token that `codec serve` asks for; needed beyond loopback"),
  SELFHEAL_WEB_UI_URL: text.describe("address of Temporal's Web UI, for links; default none"),
  SELFHEAL_TRACE_URL: traceUrl.describe(
    "address of a trace in your tracing system, with {traceId}, for links; default none",
  ),
  SELFHEAL_CRASH_FOLDER: text.describe("tests only: folder whose files say at which fault points to die"),
  SELFHEAL_NODE: text.describe("path of the Node 24 that bin/selfheal starts"),
  TEMPORAL_ADDRESS: text.describe("host:port of a running Temporal; `dev` then starts none"),
  TEMPORAL_NAMESPACE: text.describe("Temporal namespace; default `default`"),
  TEMPORAL_API_KEY: text.describe("API key for Temporal Cloud (switches TLS on)"),
  TEMPORAL_PROFILE: text.describe("profile in the Temporal configuration file; default `default`"),
  TEMPORAL_CONFIG_FILE: text.describe("Temporal configuration file (TOML); default by the Temporal CLI's rules"),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.describe(
    "where traces go: an OTLP/HTTP receiver, e.g. http://127.0.0.1:4318; unset: nothing is traced",
  ),
  OTEL_EXPORTER_OTLP_HEADERS: text.describe("headers for it: NAME=VALUE,NAME=VALUE, values percent-encoded"),
  PATH: text,
  HOME: text,
  XDG_CACHE_HOME: text,
  XDG_STATE_HOME: text,
  NO_COLOR: text,
  FORCE_COLOR: text,
});
export type Env = z.infer<typeof ENV_SCHEMA>;

function isHttpUrl(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.search}${url.hash}` === ""
  );
}

/** These may also come as NAME_FILE, the path of a file that holds the value (Docker and Kubernetes secrets). */
const SECRETS: readonly string[] = [
  "DATABASE_URL",
  "SELFHEAL_API_TOKEN",
  "SELFHEAL_WEBHOOK_TOKEN",
  "SELFHEAL_TOKEN",
  "SELFHEAL_PAYLOAD_KEYS",
  "SELFHEAL_CODEC_TOKEN",
  "OTEL_EXPORTER_OTLP_HEADERS",
  "TEMPORAL_API_KEY",
];

/** Checks the environment; the error names every bad variable with its value's fault, never a secret value. */
export function readEnv(source: EnvSource = process.env): Env {
  const value = (name: string): string | undefined =>
    SECRETS.includes(name) ? (secretFromEnv(name, source) ?? undefined) : source[name];
  const known = Object.fromEntries(Object.keys(ENV_SCHEMA.shape).map((name) => [name, value(name)]));
  const parsed = ENV_SCHEMA.safeParse(known);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new UserError(`environment variable ${faults.join("; ")}`, { exitCode: EXIT.usage });
}

/**
 * The value of a secret that a configuration names (`env:RT_TOKEN`), or the content of the file that NAME_FILE names.
 * Null when it is unset or empty: the caller knows the place in the configuration and says it.
 */
export function secretFromEnv(name: string, source: EnvSource = process.env): string | null {
  const value = source[name];
  if (value !== undefined && value !== "") return value;
  const file = source[`${name}_FILE`];
  return file === undefined || file === "" ? null : secretFromFile(name, file);
}

function secretFromFile(name: string, file: string): string | null {
  try {
    return readFileSync(file, "utf8").trim() || null;
  } catch (error) {
    throw new UserError(`environment variable ${name}_FILE: ${messageOf(error)}`, {
      cause: error,
      exitCode: EXIT.usage,
    });
  }
}

/** The environment for a child process: ours, with some variables changed (undefined takes one out). */
export function childEnv(changes: EnvSource = {}, source: EnvSource = process.env): Record<string, string> {
  const merged = Object.entries({ ...source, ...changes });
  return Object.fromEntries(merged.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Only the TEMPORAL_* variables, for @temporalio/envconfig (which knows more of them than we list). */
export function temporalEnv(source: EnvSource = process.env): Record<string, string> {
  const entries = Object.entries(childEnv({}, source));
  return Object.fromEntries(entries.filter(([name, value]) => isTemporalVariable(name) && value !== ""));
}

function isTemporalVariable(name: string): boolean {
  // HOME and XDG_CONFIG_HOME lead to the default configuration file.
  return name.startsWith("TEMPORAL_") || name === "HOME" || name === "XDG_CONFIG_HOME";
}

/** Where downloads and builds are kept, outside the checkout. */
export function cacheFolder(env: Env): string {
  return join(env.XDG_CACHE_HOME ?? join(env.HOME ?? homedir(), ".cache"), "selfheal");
}
