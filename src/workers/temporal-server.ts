/** A Temporal dev server (with Web UI) as a child process, for `dev`, `demo` and tests. */
import { Connection } from "@temporalio/client";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { SEARCH_ATTRIBUTES } from "../contracts/attributes.ts";
import { claimPort, freePort } from "./ports.ts";
import { untilReady } from "./until-ready.ts";
import { describeEnding, startWatched } from "./watched.ts";

export interface DevServerOptions {
  /** The `temporal` binary (temporal-cli.ts finds it). */
  cli: string;
  /** gRPC; 0 takes a free one. Default 7233. */
  port?: number;
  /** Web UI; 0 takes a free one, null starts none. Default `port` + 1000. */
  uiPort?: number | null;
  /** SQLite file, so that workflows survive a restart of the server. Default: in memory. */
  dbFile?: string;
  /** Prometheus metrics of the server; 0 takes a free one. Default: none that we know of. */
  metricsPort?: number;
  /** All of type Keyword. Default: selfheal's own. */
  searchAttributes?: readonly string[];
  /** The server's warnings and errors. */
  log?: (line: string) => void;
  /** Named in messages about ports in use. */
  portOptions?: { port: string; uiPort: string };
}

export interface DevServer {
  /** `127.0.0.1:7233` */
  address: string;
  namespace: string;
  /** null without Web UI. */
  uiUrl: string | null;
  /** null unless a port was asked for. */
  metricsUrl: string | null;
  pid: number;
  /** Resolves when the server has ended, wanted or not, with how. */
  ended: Promise<string>;
  /** SIGTERM, then SIGKILL; resolves when nothing is left of it. */
  stop(): Promise<void>;
  /** SIGKILL to all of it; with a `dbFile`, a server started again on the same ports knows everything. */
  kill(): void;
  /** The last lines that it printed. */
  tail(): string[];
}

const HOST = "127.0.0.1";
const NAMESPACE = "default";

/** Starts it and resolves when it serves workflows with the search attributes registered. */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  const names = options.portOptions ?? { port: "--temporal-port", uiPort: "--ui-port" };
  const port = await claimPort({ port: options.port ?? 7233, what: "Temporal", option: names.port });
  const uiPort = await claimUiPort(options.uiPort, port, names.uiPort);
  const metricsPort =
    options.metricsPort === undefined
      ? null
      : await claimPort({ port: options.metricsPort, what: "Temporal's metrics", option: "metricsPort" });
  if (options.dbFile !== undefined) await mkdir(dirname(options.dbFile), { recursive: true });
  const attributes = options.searchAttributes ?? SEARCH_ATTRIBUTES;
  let stopping = false;
  const server = await startWatched({
    name: "Temporal dev server",
    command: options.cli,
    args: devServerArgs({ port, uiPort, metricsPort, dbFile: options.dbFile, attributes }),
    // Its banner says nothing new, and a stopping server complains about its own parts being gone.
    onLine: (line) => {
      if (!stopping && /level=(WARN|ERROR)/.test(line)) options.log?.(line);
    },
  });
  const address = `${HOST}:${port}`;
  await untilReady("the Temporal dev server", server, { ask: () => knowsAttributes(address, attributes) });
  return {
    address,
    namespace: NAMESPACE,
    uiUrl: uiPort === null ? null : `http://${HOST}:${uiPort}`,
    metricsUrl: metricsPort === null ? null : `http://${HOST}:${metricsPort}/metrics`,
    pid: server.pid,
    ended: server.ended.then(describeEnding),
    kill: () => server.kill(),
    tail: () => server.tail(),
    stop: async () => {
      stopping = true;
      await server.stop();
    },
  };
}

async function claimUiPort(want: number | null | undefined, port: number, option: string): Promise<number | null> {
  if (want === null) return null;
  if (want === undefined && port + 1000 > 65535) return freePort();
  return claimPort({ port: want ?? port + 1000, what: "Temporal's Web UI", option });
}

function devServerArgs(server: {
  port: number;
  uiPort: number | null;
  metricsPort: number | null;
  dbFile: string | undefined;
  attributes: readonly string[];
}): string[] {
  return [
    ...["server", "start-dev", "--ip", HOST, "--port", String(server.port)],
    ...(server.uiPort === null ? ["--headless"] : ["--ui-port", String(server.uiPort), "--ui-ip", HOST]),
    ...(server.metricsPort === null ? [] : ["--metrics-port", String(server.metricsPort)]),
    ...(server.dbFile === undefined ? [] : ["--db-filename", server.dbFile]),
    ...server.attributes.flatMap((name) => ["--search-attribute", `${name}=Keyword`]),
    ...["--log-level", "warn", "--log-format", "text"],
  ];
}

/** The namespace answers and knows our search attributes (an unknown one hangs a workflow silently). */
async function knowsAttributes(address: string, attributes: readonly string[]): Promise<void> {
  const missing = await missingAttributes(address, attributes);
  if (missing.length > 0) throw new Error(`search attributes not registered: ${missing.join(", ")}`);
}

async function missingAttributes(address: string, wanted: readonly string[]): Promise<string[]> {
  const connection = await Connection.connect({ address, connectTimeout: 2_000 });
  try {
    await connection.workflowService.describeNamespace({ namespace: NAMESPACE });
    const known = await connection.operatorService.listSearchAttributes({ namespace: NAMESPACE });
    return wanted.filter((name) => known.customAttributes[name] === undefined);
  } finally {
    await connection.close();
  }
}
