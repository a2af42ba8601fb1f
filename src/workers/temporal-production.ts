/**
 * A production Temporal (server and Web UI as two processes) on a PostgreSQL that runs already, on this machine. Each
 * function starts one process and resolves when it works, so that a supervisor can start it again after its death.
 */
import { Connection, isGrpcServiceError } from "@temporalio/client";
import { msToTs } from "@temporalio/common/lib/time.js";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  HISTORY_SHARDS,
  NAMESPACE,
  RETENTION_HOURS,
  serverConfig,
  TEMPORAL_DATABASES,
  type TemporalDatabase,
  type TemporalPorts,
  uiConfig,
} from "./temporal-server-config.ts";
import { run } from "./tools.ts";
import { untilReady } from "./until-ready.ts";
import { startWatched, type WatchedProcess } from "./watched.ts";

export interface StartOptions {
  /** The program (temporal-server-tools.ts finds it). */
  command: string;
  /** For its configuration; made when it is missing, readable by nobody else. */
  folder: string;
  onLine?: (line: string) => void;
  /** Gives the start up. */
  stop?: AbortSignal;
}

const HOST = "127.0.0.1";
const SCHEMA_TIMEOUT_MS = 60_000;
/** One look at the server. */
const LOOK_MS = 2_000;
/** grpc.status */
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
const ENVIRONMENT = "prod";

/** Makes the schemas of both databases, or updates older ones. The databases must be there. Safe to repeat. */
export async function updateSchemas(sqlTool: string, database: TemporalDatabase): Promise<void> {
  const schemas = [
    { database: TEMPORAL_DATABASES.default, schema: "postgresql/v12/temporal" },
    { database: TEMPORAL_DATABASES.visibility, schema: "postgresql/v12/visibility" },
  ];
  for (const { database: name, schema } of schemas) {
    for (const args of [
      ["setup-schema", "-v", "0.0"],
      ["update-schema", "--schema-name", schema],
    ]) {
      await run({
        name: `temporal-sql-tool ${args[0] ?? ""} of ${name}`,
        command: sqlTool,
        args,
        // The password is never an argument: everybody may read those.
        env: {
          SQL_PLUGIN: "postgres12",
          SQL_HOST: database.host,
          SQL_PORT: String(database.port),
          SQL_USER: database.user,
          SQL_PASSWORD: database.password,
          SQL_DATABASE: name,
        },
        timeoutMs: SCHEMA_TIMEOUT_MS,
      });
    }
  }
}

/** Resolves when the namespace serves; makes that at the first start. */
export async function startTemporalServer(
  options: StartOptions & { database: TemporalDatabase; ports: TemporalPorts },
): Promise<WatchedProcess> {
  const dynamicConfig = join(options.folder, "config", "dynamic.yaml");
  await writeConfig(options.folder, serverConfig(options.database, options.ports, dynamicConfig));
  await writeFile(dynamicConfig, "{}\n");
  const server = await startPart("Temporal", options, ["--allow-no-auth"]);
  const address = `${HOST}:${options.ports.frontend.grpc}`;
  await untilReady("Temporal", server, { ask: () => serves(address), stop: options.stop });
  return server;
}

/** Resolves when it serves its page. */
export async function startTemporalUi(
  options: StartOptions & { temporalAddress: string; port: number },
): Promise<WatchedProcess> {
  await writeConfig(options.folder, uiConfig(options.temporalAddress, options.port));
  const ui = await startPart("Temporal Web UI", options, []);
  const ask = async (): Promise<void> => {
    const answer = await fetch(`http://${HOST}:${options.port}/healthz`, { signal: AbortSignal.timeout(2_000) });
    if (!answer.ok) throw new Error(`it answers ${answer.status}`);
  };
  await untilReady("Temporal's Web UI", ui, { ask, stop: options.stop });
  return ui;
}

async function writeConfig(folder: string, content: string): Promise<void> {
  await mkdir(join(folder, "config"), { recursive: true, mode: 0o700 });
  await writeFile(join(folder, "config", `${ENVIRONMENT}.yaml`), content, { mode: 0o600 });
}

function startPart(name: string, options: StartOptions, more: readonly string[]): Promise<WatchedProcess> {
  const { command, folder, onLine } = options;
  const args = ["--root", folder, "--config", "config", "--env", ENVIRONMENT, ...more, "start"];
  return startWatched({ name, command, args, cwd: folder, ...(onLine === undefined ? {} : { onLine }) });
}

/** Rejects while it does not: the namespace is there, and somebody answers for every history shard. */
async function serves(address: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: 1_000 });
  try {
    await connection.withDeadline(Date.now() + LOOK_MS, async () => {
      await ensureNamespace(connection);
      await Promise.all(Array.from({ length: 4 * HISTORY_SHARDS }, (_, index) => askForWorkflow(connection, index)));
    });
  } finally {
    await connection.close();
  }
}

async function ensureNamespace({ workflowService }: Connection): Promise<void> {
  const retention = msToTs(RETENTION_HOURS * 3_600_000);
  await workflowService
    .registerNamespace({ namespace: NAMESPACE, workflowExecutionRetentionPeriod: retention })
    .catch((error: unknown) => {
      if (codeOf(error) !== ALREADY_EXISTS) throw error;
    });
  await workflowService.describeNamespace({ namespace: NAMESPACE });
}

/**
 * That it is not found is the answer. A shard that still belongs to a server that is gone (its membership lasts some
 * seconds longer) would let the first caller wait until its deadline.
 */
async function askForWorkflow({ workflowService }: Connection, index: number): Promise<void> {
  const execution = { workflowId: `selfheal-readiness-${index}` };
  await workflowService.describeWorkflowExecution({ namespace: NAMESPACE, execution }).catch((error: unknown) => {
    if (codeOf(error) !== NOT_FOUND || /^Namespace /.test((error as ServiceError).details)) throw error;
  });
}

type ServiceError = Error & { code: number; details: string };

function codeOf(error: unknown): number | null {
  return isGrpcServiceError(error) ? (error as unknown as ServiceError).code : null;
}
