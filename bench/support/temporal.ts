/**
 * The Temporal servers that a bench can run on. Each answers the same interface, so that no bench knows which it is.
 */
import { Connection } from "@temporalio/client";
import { join } from "node:path";
import { readEnv } from "../../src/config/env.ts";
import { temporalSettings } from "../../src/config/temporal.ts";
import { makeSecrets, postgresPrograms, startDatabase, temporalDatabase } from "../../src/cli/production/database.ts";
import { claimTemporalPorts } from "../../src/cli/production/ports.ts";
import { UserError } from "../../src/config/user-error.ts";
import { freeLowPort } from "../../src/workers/ports.ts";
import { obtainTemporalCli } from "../../src/workers/temporal-cli.ts";
import { startDevServer } from "../../src/workers/temporal-server.ts";
import { startTemporalServer, updateSchemas } from "../../src/workers/temporal-production.ts";
import { NAMESPACE } from "../../src/workers/temporal-server-config.ts";
import { obtainTemporalTools } from "../../src/workers/temporal-server-tools.ts";

export interface BenchTemporal {
  address: string;
  namespace: string;
  /** What holds its state: `SQLite on disk`. */
  storage: string;
  /** Of its processes on this machine, with all below them; none for a server that we did not start. */
  pids: number[];
  /** Prometheus metrics of the server, where it has them. */
  metricsUrl: string | null;
  stop(): Promise<void>;
}

interface Place {
  /** For its files; removed afterwards. */
  folder: string;
  say: (line: string) => void;
}

const SERVERS = {
  sqlite: (place: Place) => devServer(place, join(place.folder, "temporal", "temporal.sqlite")),
  memory: (place: Place) => devServer(place, null),
  postgres: productionServer,
  external,
} satisfies Record<string, (place: Place) => Promise<BenchTemporal>>;

export type TemporalKind = keyof typeof SERVERS;
export const TEMPORAL_KINDS = Object.keys(SERVERS) as TemporalKind[];

export function startTemporal(kind: TemporalKind, place: Place): Promise<BenchTemporal> {
  return SERVERS[kind](place);
}

async function devServer({ say }: Place, dbFile: string | null): Promise<BenchTemporal> {
  const cli = await obtainTemporalCli(readEnv(), say);
  const server = await startDevServer({
    cli: cli.path,
    port: 0,
    uiPort: null,
    metricsPort: 0,
    ...(dbFile === null ? {} : { dbFile }),
  });
  const { address, namespace, pid, metricsUrl } = server;
  const storage = dbFile === null ? "dev server, in memory" : "dev server, SQLite on disk";
  return { address, namespace, storage, pids: [pid], metricsUrl, stop: () => server.stop() };
}

/** As `npm run production` has it: the server on a PostgreSQL of its own, fsync on. */
async function productionServer({ folder, say }: Place): Promise<BenchTemporal> {
  const env = readEnv();
  const tools = await obtainTemporalTools(env, say);
  const secrets = join(folder, "temporal-secrets");
  const ports = await claimTemporalPorts(0);
  const place = { folder: join(folder, "temporal-postgres"), secrets, port: await freeLowPort() };
  await makeSecrets(place);
  const database = await startDatabase(place, await postgresPrograms(place.folder, env));
  try {
    const access = await temporalDatabase(place);
    await updateSchemas(tools.sql, access);
    const server = await startTemporalServer({
      command: tools.server,
      folder: join(folder, "temporal"),
      database: access,
      ports,
    });
    const stop = async (): Promise<void> => {
      await server.stop();
      await database.stop();
    };
    const address = `127.0.0.1:${ports.frontend.grpc}`;
    const storage = "production server on PostgreSQL";
    return { address, namespace: NAMESPACE, storage, pids: [server.pid, database.pid], metricsUrl: null, stop };
  } catch (error) {
    await database.stop();
    throw error;
  }
}

/** Whatever TEMPORAL_ADDRESS names: it must have a namespace that nothing else uses. */
async function external(): Promise<BenchTemporal> {
  if (readEnv().TEMPORAL_ADDRESS === undefined) {
    throw new UserError(
      "--temporal external: set TEMPORAL_ADDRESS to the server, and TEMPORAL_NAMESPACE to an empty one",
    );
  }
  const { address, namespace } = temporalSettings();
  return { address, namespace, storage: "external", pids: [], metricsUrl: null, stop: () => Promise.resolve() };
}

export async function serverVersion(address: string): Promise<string> {
  const connection = await Connection.connect({ address });
  try {
    return (await connection.workflowService.getSystemInfo({})).serverVersion ?? "unknown";
  } finally {
    await connection.close();
  }
}
