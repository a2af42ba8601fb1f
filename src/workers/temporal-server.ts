/** A Temporal dev server (with Web UI) as a child process, for `dev`, `demo` and tests. */
import { Connection } from "@temporalio/client";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { SEARCH_ATTRIBUTES } from "../contracts/attributes.ts";
import { EXIT, messageOf, UserError } from "../config/user-error.ts";
import { claimPort, freePort } from "./ports.ts";
import { describeEnding, startWatched, type WatchedProcess } from "./watched.ts";

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
const READY_WITHIN_MS = 60_000;
const POLL_MS = 50;

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
  try {
    await untilReady(server, address, attributes);
  } catch (error) {
    await server.stop({ withinMs: 2_000 });
    throw error;
  }
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

/** Ready means: the namespace answers and knows our search attributes (an unknown one hangs a workflow silently). */
async function untilReady(server: WatchedProcess, address: string, attributes: readonly string[]): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  let ended: string | null = null;
  void server.ended.then((ending) => (ended = describeEnding(ending)));
  let last = "no answer yet";
  while (performance.now() < deadline) {
    if (ended !== null) throw didNotStart(`it ended (${String(ended)})`, server);
    try {
      const missing = await missingAttributes(address, attributes);
      if (missing.length === 0) return;
      last = `search attributes not registered: ${missing.join(", ")}`;
    } catch (error) {
      last = messageOf(error);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw didNotStart(`not ready after ${READY_WITHIN_MS / 1000} s (${last})`, server);
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

function didNotStart(why: string, server: WatchedProcess): UserError {
  const said = server.tail().slice(-5).join(" | ");
  return new UserError(`the Temporal dev server did not start: ${why}${said === "" ? "" : `; it said: ${said}`}`, {
    exitCode: EXIT.unavailable,
  });
}
