/** `selfheal serve`: takes alerts in and answers people. Stateless: scale by starting more of them. */
import { Command } from "commander";
import { catalogues } from "../activities/catalogues.ts";
import { ACTIONS } from "../activities/actions.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import { classify } from "../catalogue/classify.ts";
import { secretsStamp } from "../catalogue/secrets.ts";
import { readEnv, type Env } from "../config/env.ts";
import { createLogger } from "../config/logger.ts";
import { processSecrets } from "../config/secrets.ts";
import { connectClient, temporalSettings, type TemporalSettings } from "../config/temporal.ts";
import type { JsonObject } from "../contracts/json.ts";
import { Secret } from "../ports/secret.ts";
import { openRecord } from "../record/record.ts";
import { activate, activeContent } from "../starters/active-catalogue.ts";
import { requireSenders, type Gate } from "../starters/http/gate.ts";
import { metricsOfProcess, startServer } from "../starters/http/serve.ts";
import { LiveFolder } from "../starters/live-folder.ts";
import { countFolder } from "../starters/metrics.ts";
import { onlyOwn, ownTemporal, temporalIdentity } from "../starters/own-temporal.ts";
import { sourceSecrets, type SourceSecrets } from "../starters/source-tokens.ts";
import { temporalRemediations } from "../starters/temporal.ts";
import { folderLoader } from "../workers/folder-loader.ts";
import { configFolder, configOption, databaseOption, parsePort, requireDatabase, withExamples } from "./options.ts";
import { withCleanup } from "./process/cleanup.ts";
import { crashPoints } from "./process/crash-points.ts";
import { announceReady } from "./process/ready.ts";
import { stopOnSignals } from "./process/signals.ts";

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
    const live = new LiveFolder({
      folder: configFolder(options.config, env),
      load: folderLoader(),
      lastGood: () => activeContent(record),
      beside: ({ sources }) => secretsStamp(sources as JsonObject, processSecrets()),
      apply: async (catalogue) => {
        const found = secretsOf(catalogue, gate);
        await activate(record, catalogue);
        secrets = found;
      },
      log,
      onChange: (status) => countFolder(metrics, status),
    });
    secretsOf(await live.check(), gate);
    const record = await openRecord(databaseUrl, { applicationName: "selfheal serve" });
    defer(() => record.end());
    const client = await connectClient(settings);
    defer(() => client.connection.close());
    await live.open();
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
      port: options.port ?? env.SELFHEAL_PORT ?? 8080,
      sourceSecrets: () => secrets,
      oidc: () => live.catalogue.access.oidc ?? null,
      metrics,
      webUiUrl: webUiOf(env, settings),
      faultPoint: crashPoints(env, log),
    });
    defer(() => server.close());
    live.watch();
    defer(() => live.stop());
    announceReady({ url: server.url, catalogue: live.catalogue.version });
    await stop.requested.then(() => log.info("stopping: requests in flight may finish"));
  });
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
