/** The stack's two servers: Temporal's dev server and the embedded PostgreSQL, or those that the user has already. */
import { join } from "node:path";
import { temporalSettings } from "../../config/temporal.ts";
import { UserError } from "../../config/user-error.ts";
import { startEmbedded, type EmbeddedPostgres } from "../../record/embedded.ts";
import { migrate } from "../../record/migrate.ts";
import { freeLowPort } from "../../workers/ports.ts";
import { obtainTemporalCli } from "../../workers/temporal-cli.ts";
import { startDevServer, type DevServer, type DevServerOptions } from "../../workers/temporal-server.ts";
import type { Run, Service } from "./kept-service.ts";
import type { StackContext, StackOptions } from "./stack.ts";
import { checkpoint } from "./stopped.ts";
import type { Supervisor } from "./supervisor.ts";

interface Place {
  supervisor: Supervisor;
  /** The state folder. */
  state: string;
}

export interface TemporalPlace {
  address: string;
  namespace: string;
  uiUrl: string | null;
  /** null when it is not ours, or could not go on after its death. */
  service: Service | null;
}

export async function startTemporal(
  options: StackOptions,
  context: StackContext,
  { supervisor, state }: Place,
): Promise<TemporalPlace> {
  const { env, say } = context;
  if (env.TEMPORAL_ADDRESS !== undefined) {
    const { address, namespace } = temporalSettings();
    say(`using Temporal at ${address}, namespace ${namespace} (TEMPORAL_ADDRESS)`);
    return { address, namespace, uiUrl: null, service: null };
  }
  const cli = await obtainTemporalCli(env, say, { signal: context.stop });
  checkpoint(context.stop);
  say("starting Temporal");
  const asked = {
    cli: cli.path,
    port: options.temporalPort,
    ...(options.uiPort === undefined ? {} : { uiPort: options.uiPort }),
    log: (line: string) => context.onLine?.("temporal", line),
  };
  if (options.temporalOnDisk ?? !options.fresh) {
    return keepTemporal({ ...asked, dbFile: join(state, "temporal", "temporal.sqlite") }, supervisor);
  }
  const server = await startDevServer(asked);
  supervisor.own("Temporal", () => server.stop());
  // What it knew was in its memory.
  void server.ended.then((how) => supervisor.fail(new UserError(`the Temporal dev server has ended (${how})`)));
  return { ...placeOf(server), service: null };
}

async function keepTemporal(options: DevServerOptions, supervisor: Supervisor): Promise<TemporalPlace> {
  let last: DevServer | null = null;
  const launch = async (): Promise<Run> => {
    const server = await startDevServer(last === null ? options : { ...options, ...portsOf(last) });
    last = server;
    return {
      pid: server.pid,
      detail: {},
      ended: server.ended,
      lastWords: () => server.tail().slice(-2).join(" | "),
      kill: () => server.kill(),
      stop: () => server.stop(),
    };
  };
  const service = await supervisor.keep({ name: "Temporal", launch });
  return { ...placeOf(last as unknown as DevServer), service };
}

const placeOf = ({ address, namespace, uiUrl }: DevServer) => ({ address, namespace, uiUrl });

/** Everybody knows where it is. */
function portsOf({ address, uiUrl }: DevServer): Pick<DevServerOptions, "port" | "uiPort"> {
  const portIn = (url: string): number => Number(new URL(url).port);
  return { port: portIn(`http://${address}`), uiPort: uiUrl === null ? null : portIn(uiUrl) };
}

export interface DatabasePlace {
  /** Connection string with its password: never print it. */
  url: string;
  /** null when it is not ours. */
  service: Service | null;
}

export async function startDatabase(
  options: StackOptions,
  context: StackContext,
  { supervisor, state }: Place,
): Promise<DatabasePlace> {
  const given = options.databaseUrl ?? context.env.DATABASE_URL;
  if (given !== undefined) {
    await migrate(given);
    return { url: given, service: null };
  }
  context.say("starting the embedded PostgreSQL");
  const dataFolder = join(state, "postgres");
  const settings = options.databaseSettings ?? {};
  // Killed, it comes back under the same port: none that connections are given meanwhile.
  const port = options.fresh ? { port: await freeLowPort() } : {};
  const database = await startEmbedded({ dataFolder, settings, ...port });
  const ours = database.how !== "attached";
  if (!ours) supervisor.own("PostgreSQL", () => database.stop());
  const service = ours ? await keepDatabase(database, settings, supervisor) : null;
  await migrate(database.url);
  return { url: database.url, service };
}

function keepDatabase(
  first: EmbeddedPostgres,
  settings: Record<string, string>,
  supervisor: Supervisor,
): Promise<Service> {
  const { dataFolder, port } = first;
  let next: Promise<EmbeddedPostgres> | null = Promise.resolve(first);
  const launch = async (): Promise<Run> => {
    const server = await (next ?? startEmbedded({ dataFolder, port, settings }));
    next = null;
    return {
      pid: server.pid,
      detail: {},
      ended: server.ended,
      lastWords: () => `its log is ${join(dataFolder, "server.log")}`,
      kill: () => void server.kill(),
      stop: () => server.stop(),
    };
  };
  return supervisor.keep({ name: "PostgreSQL", launch });
}
