/** `selfheal doctor`: is everything there, do the parts agree, and what was left behind? It only reads. */
import { Command } from "commander";
import { ACTIONS } from "../activities/actions.ts";
import { readEnv, type Env } from "../config/env.ts";
import { createLogger } from "../config/logger.ts";
import { parsePayloadKeys } from "../config/payload-codec.ts";
import { connectClient, temporalSettings } from "../config/temporal.ts";
import { inspectDatabase } from "../record/inspect.ts";
import { openRecord } from "../record/record.ts";
import { requireLoaded } from "../starters/active-catalogue.ts";
import { pollers } from "../starters/pollers.ts";
import type { AccessSettings } from "./doctor-access.ts";
import { diagnose, type DoctorParts, type DoctorTemporal } from "./doctor-checks.ts";
import { exitCodeOf, textOf, type Level } from "./doctor-line.ts";
import { findDatabase, withDatabase, type DatabasePlace } from "./database.ts";
import { configFolder, configOption, withExamples } from "./options.ts";
import { paint, printResult, type Style } from "./output.ts";
import { withCleanup } from "./process/cleanup.ts";

interface DoctorOptions extends DatabasePlace {
  config?: string;
}

export function doctorCommand(): Command {
  const command = withDatabase(new Command("doctor"))
    .description("Check connections, database, Temporal and catalogue, and list what was left behind. Changes nothing.")
    .addOption(configOption())
    .addHelpText(
      "after",
      "\nExit status: 0 all is well; 1 something was found; 2 the configuration is wrong; 3 a part is away.",
    )
    .action((options: DoctorOptions, self: Command) => run(options, readEnv(), self));
  return withExamples(command, [
    ["selfheal doctor --config ./config", "with DATABASE_URL and TEMPORAL_ADDRESS as the worker has them"],
    ["selfheal doctor --json", "for a monitoring system: by exit status, or each line"],
  ]);
}

const STYLES: Record<Level, Style> = { ok: "green", info: "dim", warn: "yellow", FAIL: "red" };

function run(options: DoctorOptions, env: Env, command: Command): Promise<void> {
  return withCleanup(async (defer) => {
    const { lines, findings } = await diagnose(await realParts(options, env, defer));
    const exitCode = exitCodeOf(lines);
    printResult(command, { exitCode, lines, findings }, () =>
      textOf(lines, (level, text) => paint(STYLES[level], text)),
    );
    process.exitCode = exitCode;
  });
}

type Defer = (end: () => unknown) => void;

async function realParts(options: DoctorOptions, env: Env, defer: Defer): Promise<DoctorParts> {
  const folder = configFolder(options.config, env);
  // Its lines are the result; a log beside them says the same again.
  const log = createLogger({ ...env, SELFHEAL_LOG_LEVEL: "silent" }, "doctor");
  const [{ lookAtConnections }, { buildPorts }, { resolveConnections }, { OUTSIDE }] = await Promise.all([
    import("../adapters/look.ts"),
    import("../adapters/build.ts"),
    import("../workers/connections.ts"),
    import("../workers/compose.ts"),
  ]);
  const databaseUrl = findDatabase(options, env);
  // Whoever asks for it gets the failure: a database that is missing is a line like everything else.
  databaseUrl.catch(() => undefined);
  return {
    folder,
    loaded: () => requireLoaded(folder, ACTIONS),
    connections: resolveConnections,
    lookAt: (connections) => lookAtConnections(connections, OUTSIDE),
    loadBalancer: (connections) => buildPorts(connections, OUTSIDE).loadBalancer,
    database: async () => inspectDatabase(await databaseUrl),
    record: async () => {
      const record = await openRecord(await databaseUrl, { applicationName: "selfheal doctor" });
      defer(() => record.end());
      return record;
    },
    temporal: () => realTemporal(defer),
    access: accessOf(env),
    log,
  };
}

function accessOf({ SELFHEAL_HOST, SELFHEAL_API_TOKEN, SELFHEAL_PAYLOAD_KEYS: keys }: Env): AccessSettings {
  return {
    host: SELFHEAL_HOST ?? "127.0.0.1",
    shared: SELFHEAL_API_TOKEN !== undefined,
    payloadKeys: () => (keys === undefined ? [] : parsePayloadKeys(keys).map(({ id }) => id)),
  };
}

const CALL_TIMEOUT_MS = 5_000;

async function realTemporal(defer: Defer): Promise<DoctorTemporal> {
  const settings = temporalSettings();
  const client = await connectClient(settings);
  defer(() => client.connection.close());
  const [{ temporalView }, { ensureSearchAttributes }] = await Promise.all([
    import("../watchers/sweep-temporal.ts"),
    import("../workers/search-attributes.ts"),
  ]);
  const { namespace } = settings;
  const within = <T>(call: () => Promise<T>): Promise<T> => client.withDeadline(Date.now() + CALL_TIMEOUT_MS, call);
  return {
    place: `${settings.address}, namespace ${namespace}`,
    view: temporalView(client, settings.address),
    searchAttributes: () =>
      within(() => ensureSearchAttributes({ connection: client.connection, namespace, mayAdd: false })),
    pollers: () => pollers(client, namespace),
  };
}
