/**
 * The Temporal servers that a bench can run on. Each answers the same interface, so that no bench knows which it is.
 */
import { Connection } from "@temporalio/client";
import { join } from "node:path";
import { readEnv } from "../../src/config/env.ts";
import { temporalSettings } from "../../src/config/temporal.ts";
import { UserError } from "../../src/config/user-error.ts";
import { obtainTemporalCli } from "../../src/workers/temporal-cli.ts";
import { startDevServer } from "../../src/workers/temporal-server.ts";

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
