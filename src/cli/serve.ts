/** `selfheal serve`: takes alerts in and answers people. Stateless: scale by starting more of them. */
import type { Client } from "@temporalio/client";
import { Command } from "commander";
import type { Logger } from "pino";
import { catalogues } from "../activities/catalogues.ts";
import { ACTIONS } from "../activities/actions.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import { classify } from "../catalogue/classify.ts";
import { secretsStamp } from "../catalogue/secrets.ts";
import { readEnv, type Env } from "../config/env.ts";
import { createLogger } from "../config/logger.ts";
import { processSecrets } from "../config/secrets.ts";
import { temporalSettings, type TemporalSettings } from "../config/temporal.ts";
import type { JsonObject } from "../contracts/json.ts";
import { Secret } from "../ports/secret.ts";
import type { RecordStore } from "../record/api.ts";
import { activate, activeContent } from "../starters/active-catalogue.ts";
import { openWaitingRoom, type WaitingRoom } from "../starters/http/waiting-room.ts";
import { requireSenders, type Gate } from "../starters/http/gate.ts";
import { metricsOfProcess, startServer } from "../starters/http/serve.ts";
import { folderOrigin } from "../starters/folder-origin.ts";
import { LiveFolder } from "../starters/live-folder.ts";
import { countFolder, type StarterMetrics } from "../starters/metrics.ts";
import { onlyOwn, ownTemporal, temporalIdentity } from "../starters/own-temporal.ts";
import { pollers } from "../starters/pollers.ts";
import { followRecord } from "../starters/record-metrics.ts";
import { sourceSecrets, type SourceSecrets } from "../starters/source-tokens.ts";
import { temporalRemediations } from "../starters/temporal.ts";
import { startTracing } from "../tracing/start.ts";
import { folderLoader } from "../workers/folder-loader.ts";
import { configFolder, configOption, databaseOption, parsePort, requireDatabase, withExamples } from "./options.ts";
import { withCleanup, type Defer } from "./process/cleanup.ts";
import { connectBoth } from "./process/connect.ts";
import { crashPoints } from "./process/crash-points.ts";
import { announceReady } from "./process/ready.ts";
import { stopOnSignals } from "./process/signals.ts";
import { untilThere, type Patience } from "./process/until-there.ts";

interface ServeOptions {
  config?: string;
  dbUrl?: string;
  host?: string;
  port?: number;
}

export function serveCommand(): Command {
  const command = new Command("serve")
    .description("Take alerts in by webhook and serve the API. Start more of them behind a load balancer to scale.")
    .addOption(configOption())
    .addOption(databaseOption())
    .option(
      "--host <address>",
      "where to listen; default 127.0.0.1 (SELFHEAL_HOST); wider only when everybody is asked who he is",
    )
    .option("--port <port>", "default 8080 (SELFHEAL_PORT); 0 takes a free one", parsePort)
    .action((options: ServeOptions) => run(options, readEnv()));
  return withExamples(command, [
    ["selfheal serve --config ./config", "on 127.0.0.1:8080; Temporal at TEMPORAL_ADDRESS"],
    ["SELFHEAL_API_TOKEN_FILE=… SELFHEAL_WEBHOOK_TOKEN_FILE=… selfheal serve --host 0.0.0.0", "for the network"],
  ]);
}

const DEFAULT_PORT = 8080;

function run(options: ServeOptions, env: Env): Promise<void> {
  return withCleanup(async (defer) => {
    const log = createLogger(env, "serve");
    const stop = stopOnSignals();
    defer(stop.release);
    const databaseUrl = requireDatabase(options.dbUrl, env);
    const settings = temporalSettings();
    const gate = gateOf(options, env);
    let secrets: Record<string, SourceSecrets> = {};
    const metrics = metricsOfProcess();
    const tracer = startTracing(env, { kind: "serve", log, registry: metrics.registry, defer });
    const live = new LiveFolder({
      folder: configFolder(options.config, env),
      load: folderLoader(),
      lastGood: () => activeContent(record),
      beside: ({ sources }) => secretsStamp(sources as JsonObject, processSecrets()),
      apply: async (catalogue) => {
        const found = secretsOf(catalogue, gate);
        await activate(record, catalogue, await folderOrigin(configFolder(options.config, env)));
        secrets = found;
      },
      log,
      onChange: (status) => countFolder(metrics, status),
    });
    secretsOf(await live.check(), gate);
    const where = { host: gate.host, port: options.port ?? env.SELFHEAL_PORT ?? DEFAULT_PORT };
    const waiting = waitingRoom(where, { stop: stop.signal, log, defer });
    const needed = { databaseUrl, settings, applicationName: "selfheal serve", defer };
    const { record, client } = await connectBoth(needed, waiting.patience);
    await untilThere(() => live.open(), waiting.patience);
    const versions = catalogues(record, ACTIONS, () => live.catalogue);
    const own = ownTemporal(record, () => temporalIdentity(client, settings.address));
    // A Temporal that is not ours is no reason not to start: people must be able to read the record now of all times,
    // and alerts that arrive are kept in it. `/readyz` and every answer of 503 say what is wrong.
    await own.check().catch((error: unknown) => log.error({ err: error }, "alerts are kept, and answered with 503"));
    const server = await startServer({
      record,
      remediations: onlyOwn(temporalRemediations(client), own),
      classify: (alert) => classify(live.catalogue, alert),
      catalogueVersion: () => live.catalogue.version,
      folder: () => live.status,
      active: () => versions.active(),
      catalogue: () => live.catalogue,
      log,
      ...gate,
      port: await waiting.close(),
      sourceSecrets: () => secrets,
      oidc: () => live.catalogue.access.oidc ?? null,
      metrics,
      webUiUrl: webUiOf(env, settings),
      tracer,
      traceUrl: env.SELFHEAL_TRACE_URL ?? null,
      faultPoint: crashPoints(env, log),
    });
    defer(() => server.close());
    defer(showRecord({ record, live, client, settings, metrics, log }));
    live.watch();
    defer(() => live.stop());
    announceReady({ url: server.url, catalogue: live.catalogue.version });
    await stop.requested.then(() => log.info("stopping: requests in flight may finish"));
  });
}

interface Shown {
  record: RecordStore;
  live: LiveFolder;
  client: Client;
  settings: TemporalSettings;
  metrics: StarterMetrics;
  log: Logger;
}

/** On `/metrics`, from now on; answers how to stop it. */
function showRecord({ record, live, client, settings, metrics, log }: Shown): () => void {
  const { registry } = metrics;
  const asked = () => pollers(client, settings.namespace);
  const follower = followRecord({ record, catalogue: () => live.catalogue, pollers: asked, registry, log });
  return () => follower.stop();
}

interface WaitingParts extends Pick<Patience, "stop" | "log"> {
  defer: Defer;
}

/** Opened when something is away for the first time; `close` answers the port that is free again. */
function waitingRoom(where: { host: string; port: number }, { stop, log, defer }: WaitingParts) {
  let room: WaitingRoom | null = null;
  const onWait = async (system: string, why: string): Promise<void> => {
    if (room === null) {
      room = await openWaitingRoom(where);
      log.info({ host: where.host, port: room.port }, "alive and not ready: every request is answered with 503");
    }
    room.say(system, why);
  };
  defer(() => room?.close());
  return {
    patience: { stop, log, onWait },
    close: async (): Promise<number> => {
      const port = room?.port ?? where.port;
      await room?.close();
      room = null;
      return port;
    },
  };
}

/** Throws when a sender would have to prove nothing, and could be anybody. */
function secretsOf({ sources }: Catalogue, gate: Omit<Gate, "sourceSecrets">): Record<string, SourceSecrets> {
  const found = sourceSecrets(sources, processSecrets());
  requireSenders({ ...gate, sourceSecrets: found });
  return found;
}

function gateOf({ host }: ServeOptions, env: Env) {
  return {
    host: host ?? env.SELFHEAL_HOST ?? "127.0.0.1",
    webhookToken: tokenOf(env.SELFHEAL_WEBHOOK_TOKEN),
    apiToken: tokenOf(env.SELFHEAL_API_TOKEN),
  };
}

function tokenOf(value: string | undefined): Secret | null {
  return value === undefined ? null : new Secret(value);
}

/** The Web UI's pages of our namespace. */
function webUiOf(env: Env, settings: TemporalSettings): string | null {
  const base = env.SELFHEAL_WEB_UI_URL;
  return base === undefined ? null : `${base.replace(/\/$/, "")}/namespaces/${encodeURIComponent(settings.namespace)}`;
}
