/**
 * Everything that `dev` and `demo` run on one machine: Temporal, PostgreSQL, the lab, worker and API, each a process of
 * its own (so that one can be killed beside the others), started in order and stopped in reverse.
 */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Env, EnvSource } from "../../config/env.ts";
import { stateFolderOf } from "../database.ts";
import { currentBundle } from "../../workers/bundle.ts";
import { claimPort } from "../../workers/ports.ts";
import type { Service } from "./kept-service.ts";
import { type LogFiles, logFiles } from "./log-files.ts";
import { startDatabase, startTemporal } from "./servers.ts";
import { checkpoint, Stopped } from "./stopped.ts";
import { Supervisor } from "./supervisor.ts";

export interface RunningLab {
  url: string;
  /** A configuration folder that points at the lab. */
  configFolder: string;
  stop(): Promise<void>;
}

export interface LabPlace {
  /** For its files: the configuration that points at it. */
  folder: string;
  /** Where the API will listen. */
  apiUrl: string;
  /** What it asks of alert sources; without: nothing. */
  webhookToken?: string;
}

export interface StackOptions {
  /** Folder with runbooks and connections; default the lab's own, else the shipped one. */
  config: string | undefined;
  /** Starts the simulated datacenter; null for none. */
  lab: ((place: LabPlace) => Promise<RunningLab>) | null;
  /** Of the API; 0 takes a free one. */
  port: number;
  temporalPort: number;
  uiPort: number | undefined;
  databaseUrl: string | undefined;
  /** More settings of the embedded PostgreSQL, e.g. `{ fsync: "off" }` for one that is thrown away. */
  databaseSettings?: Record<string, string>;
  state: string | undefined;
  /** Forget everything at the end. */
  fresh: boolean;
  /** Temporal keeps its data on the disk, so that it can be killed and go on. Default: not with `fresh`. */
  temporalOnDisk?: boolean;
  /** More arguments for `worker` and `serve`. */
  workerArgs?: readonly string[];
  serveArgs?: readonly string[];
  /** More variables for both. */
  env?: EnvSource;
  /** Keeps what each process prints in a file of the state folder. */
  logs?: boolean;
}

export interface StackContext {
  env: Env;
  /** Aborted when the user wants to stop: the start is given up between two steps. */
  stop: AbortSignal;
  /** One line for a person about what is being done. */
  say: (line: string) => void;
  /** A log line of a child; default: nothing is shown but warnings and errors. */
  onLine?: (service: string, line: string) => void;
  /** A process ended or runs again; default: said. */
  onEvent?: (service: string, event: string) => void;
}

export interface StackUrls {
  api: string;
  temporal: string;
  /** null when Temporal was there before us. */
  temporalUi: string | null;
  namespace: string;
  lab: string | null;
}

export interface Stack {
  urls: StackUrls;
  /** Connection string with its password: never print it. */
  databaseUrl: string;
  /** Where Temporal and the embedded database keep their data. */
  stateFolder: string;
  supervisor: Supervisor;
  worker: Service;
  serve: Service;
  /** null when it was there before us, or keeps nothing on the disk: killed, it could not go on. */
  temporal: Service | null;
  /** null when it was there before us. */
  database: Service | null;
  lab: RunningLab | null;
  /** With a file of what each process prints: `worker.log`. null: nobody asked for them. */
  logFolder: string | null;
  /** Stops everything in reverse order and removes what `fresh` made. */
  stop(): Promise<void>;
}

/** On any failure everything that was started is stopped before it rejects. */
export async function startStack(options: StackOptions, context: StackContext): Promise<Stack> {
  const files: Pick<LogFiles, "write"> = { write: () => undefined };
  const shown = context.onLine ?? onlyTrouble(context);
  const supervisor = new Supervisor({
    onLine: (service, line) => {
      files.write(service, line);
      shown(service, line);
    },
    onEvent: context.onEvent ?? ((service, event) => context.say(`${service}: ${event}`)),
  });
  const stopEarly = (): void => void supervisor.stop();
  context.stop.addEventListener("abort", stopEarly);
  try {
    const stack = await startParts(options, context, { supervisor, files });
    checkpoint(context.stop);
    return stack;
  } catch (error) {
    await supervisor.stop();
    throw context.stop.aborted ? new Stopped() : error;
  } finally {
    context.stop.removeEventListener("abort", stopEarly);
  }
}

interface Parts {
  supervisor: Supervisor;
  /** Written to from when its folder is known. */
  files: Pick<LogFiles, "write">;
}

async function startParts(options: StackOptions, context: StackContext, parts: Parts): Promise<Stack> {
  const { supervisor } = parts;
  // Ports first: what is in use is said before anything heavy has started.
  const port = await claimPort({ port: options.port, what: "the API", option: "--port" });
  const state = await stateFolder(options, context.env, supervisor);
  const logFolder = options.logs === true ? await keepLogs(join(state, "log"), parts) : null;
  const temporal = await startTemporal(options, context, { supervisor, state });
  checkpoint(context.stop);
  const database = await startDatabase(options, context, { supervisor, state });
  checkpoint(context.stop);
  const lab = await startLab(options, supervisor, { folder: join(state, "lab"), apiUrl: `http://127.0.0.1:${port}` });
  const config = options.config ?? lab?.configFolder ?? context.env.SELFHEAL_CONFIG;
  checkpoint(context.stop);
  const env = {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    SELFHEAL_LOG_FORMAT: "json",
    ...(temporal.uiUrl === null ? {} : { SELFHEAL_WEB_UI_URL: temporal.uiUrl }),
    ...(config === undefined ? {} : { SELFHEAL_CONFIG: config }),
    ...options.env,
  };
  context.say("starting worker and API");
  const { codePath } = await currentBundle();
  const [worker, serve] = await Promise.all([
    supervisor.start({
      name: "worker",
      args: ["worker", "--bundle", codePath, "--register-search-attributes", ...(options.workerArgs ?? [])],
      env,
    }),
    supervisor.start({ name: "serve", args: ["serve", "--port", String(port), ...(options.serveArgs ?? [])], env }),
  ]);
  return {
    urls: {
      api: serve.detail["url"] ?? `http://127.0.0.1:${port}`,
      temporal: temporal.address,
      temporalUi: temporal.uiUrl,
      namespace: temporal.namespace,
      lab: lab?.url ?? null,
    },
    databaseUrl: database.url,
    stateFolder: state,
    supervisor,
    worker,
    serve,
    temporal: temporal.service,
    database: database.service,
    lab,
    logFolder,
    stop: () => supervisor.stop(),
  };
}

async function stateFolder(options: StackOptions, env: Env, supervisor: Supervisor): Promise<string> {
  if (!options.fresh) return options.state ?? stateFolderOf(env);
  // Owned first, so it is removed last: after the database that lies in it has stopped.
  const folder = await mkdtemp(join(tmpdir(), "selfheal-"));
  // Root's PostgreSQL runs as another user, who must get through to its data; what is secret in here is 0600.
  await chmod(folder, 0o711);
  supervisor.own("temporary folder", () => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function keepLogs(folder: string, { supervisor, files }: Parts): Promise<string> {
  const logs = await logFiles(folder);
  files.write = logs.write;
  // Closed after the processes that write to them, before the folder that they are in goes.
  supervisor.own("log files", () => logs.close());
  return folder;
}

async function startLab(options: StackOptions, supervisor: Supervisor, place: LabPlace): Promise<RunningLab | null> {
  if (options.lab === null) return null;
  const lab = await options.lab(place);
  supervisor.own("lab", () => lab.stop());
  return lab;
}

/** Without a place for log lines, a person still sees what goes wrong. */
function onlyTrouble(context: StackContext): (service: string, line: string) => void {
  return (service, line) => {
    if (/"level":"(warn|error|fatal)"/.test(line) || !line.startsWith("{")) context.say(`${service}: ${line}`);
  };
}
