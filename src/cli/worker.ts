/** `selfheal worker`: runs remediations. Scale by starting more of them. */
import type { Client } from "@temporalio/client";
import { Command } from "commander";
import type { Logger } from "pino";
import { collectDefaultMetrics, Registry } from "prom-client";
import { readEnv, type Env } from "../config/env.ts";
import { createLogger } from "../config/logger.ts";
import { temporalSettings } from "../config/temporal.ts";
import { crashPoints } from "./process/crash-points.ts";
import type { RecordStore } from "../record/api.ts";
import { startTracing } from "../tracing/start.ts";
import { onlyOwn, ownTemporal } from "../starters/own-temporal.ts";
import { temporalRemediations } from "../starters/temporal.ts";
import {
  ensureLessonsSchedule,
  ensureManifestSchedule,
  ensureSweepSchedule,
  ensureWatchSchedule,
} from "../watchers/schedule.ts";
import { pulse, recordMark, type RecordMark } from "../watchers/pulse.ts";
import { temporalView } from "../watchers/sweep-temporal.ts";
import { serveHealth } from "../workers/health.ts";
import {
  configFolder,
  configOption,
  databaseOption,
  parseMs,
  parsePort,
  requireDatabase,
  withExamples,
} from "./options.ts";
import { runAtHome } from "./process/at-home.ts";
import { withCleanup, type Defer } from "./process/cleanup.ts";
import { connectBoth } from "./process/connect.ts";
import { announceReady } from "./process/ready.ts";
import { stopOnSignals } from "./process/signals.ts";

interface WorkerOptions {
  config?: string;
  dbUrl?: string;
  bundle?: string;
  registerSearchAttributes?: boolean;
  healthPort?: number;
  watchEvery: number;
  sweepEvery: number;
}

export function workerCommand(): Command {
  const command = new Command("worker")
    .description("Run remediations: a Temporal worker with the prebuilt workflow bundle. Start more of them to scale.")
    .addOption(configOption())
    .addOption(databaseOption())
    .option("--bundle <file>", "the workflow bundle; default dist/workflow-bundle.js (SELFHEAL_WORKFLOW_BUNDLE)")
    .option("--register-search-attributes", "add selfheal's search attributes to the namespace when they are missing")
    .option("--health-port <port>", "answer GET /healthz, /readyz and /metrics there", parsePort)
    .option("--watch-every <ms>", "time between two looks at what is waited for", parseMs, 2_000)
    .option("--sweep-every <ms>", "time between two sweeps for what was left behind", parseMs, 60_000)
    .action((options: WorkerOptions) => run(options, readEnv()));
  return withExamples(command, [
    ["npm run build && selfheal worker --config ./config", "as in production; Temporal at TEMPORAL_ADDRESS"],
    ["selfheal worker --register-search-attributes", "on a namespace that was just made"],
  ]);
}

function run(options: WorkerOptions, env: Env): Promise<void> {
  return withCleanup(async (defer) => {
    const log = createLogger(env, "worker");
    const stop = stopOnSignals();
    defer(stop.release);
    const databaseUrl = requireDatabase(options.dbUrl, env);
    const settings = temporalSettings();
    const registry = new Registry();
    const tracer = startTracing(env, { kind: "worker", log, registry, defer });
    // Loaded here: the SDK's native half takes a while, and no other command needs it.
    const [{ compose }, { liveConnections }, { prebuiltBundle }, { runWorker }] = await Promise.all([
      import("../workers/compose.ts"),
      import("../workers/live-connections.ts"),
      import("../workers/bundle.ts"),
      import("../workers/run-worker.ts"),
    ]);
    const bundle = await prebuiltBundle(options.bundle ?? env.SELFHEAL_WORKFLOW_BUNDLE);
    // A worker takes connections alone from its folder: runbooks it takes from the record, by version.
    const folder = liveConnections(configFolder(options.config, env), log);
    await folder.open();
    let polling = false;
    const health = await openHealth(options, { ready: () => polling, registry }, defer);
    const needed = { databaseUrl, settings, applicationName: "selfheal worker", defer };
    const { record, client } = await connectBoth(needed, { stop: stop.signal, log });
    const [temporal, mark] = [temporalView(client, settings.address), recordMark(client)];
    const own = ownTemporal(record, () => temporal.identity());
    const { activities, ports, runs, reconnect } = compose({
      record,
      remediations: onlyOwn(temporalRemediations(client), own),
      temporal,
      mark,
      connections: folder.connections,
      auditFolder: env.SELFHEAL_AUDIT_FOLDER,
      log,
      tracer,
      stopping: stop.signal,
      faultPoint: crashPoints(env, log),
    });
    folder.watch(reconnect);
    defer(() => folder.stop());
    const work = (): Promise<void> =>
      runWorker({
        settings,
        bundle,
        activities,
        mayAddAttributes: options.registerSearchAttributes === true,
        shutdownGraceMs: env.SELFHEAL_SHUTDOWN_GRACE_SECONDS * 1000,
        ...(env.SELFHEAL_BUILD_ID === undefined ? {} : { buildId: env.SELFHEAL_BUILD_ID }),
        log,
        runs,
        stop: stop.signal,
        beforePolling: () => beforePolling(client, options, { record, mark, log, env }),
        onReady: (detail) => {
          polling = true;
          announceReady({ ...detail, ...health });
        },
      });
    await runAtHome({ own, record, notify: ports.notify, stop: stop.request, log }, work);
  });
}

/** Answers where it is, for whoever started us. */
async function openHealth(
  { healthPort }: WorkerOptions,
  shown: { ready: () => boolean; registry: Registry },
  defer: Defer,
): Promise<{ health?: string }> {
  if (healthPort === undefined) return {};
  collectDefaultMetrics({ register: shown.registry });
  const health = await serveHealth({ port: healthPort, ...shown });
  defer(() => health.close());
  return { health: `http://127.0.0.1:${health.port}` };
}

interface Marked {
  record: RecordStore;
  mark: RecordMark;
  log: Logger;
  env: Env;
}

async function beforePolling(
  client: Client,
  { watchEvery, sweepEvery }: WorkerOptions,
  { record, mark, log, env }: Marked,
): Promise<void> {
  const { restored } = await pulse(record, mark);
  if (restored) log.error("the record was restored to an older state: the global mode is review");
  await ensureWatchSchedule(client, { everyMs: watchEvery });
  await ensureSweepSchedule(client, { everyMs: sweepEvery });
  await ensureLessonsSchedule(client);
  if (env.SELFHEAL_AUDIT_FOLDER !== undefined) await ensureManifestSchedule(client);
}
