/** The API on a socket. Stateless: any number of these may run on one record and one Temporal namespace. */
import { randomUUID } from "node:crypto";
import { STATUS_CODES, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { createAdaptorServer } from "@hono/node-server";
import type { Logger } from "pino";
import { collectDefaultMetrics } from "prom-client";
import type { Catalogue } from "../../catalogue/catalogue.ts";
import { EXIT, UserError } from "../../config/user-error.ts";
import type { FaultHook } from "../../contracts/fault-points.ts";
import type { Tracer } from "../../ports/trace.ts";
import type { RecordStore } from "../../record/api.ts";
import { ChangeFeed } from "../change-feed.ts";
import { createIngest, type Starter } from "../ingest.ts";
import { createStarterMetrics, type StarterMetrics } from "../metrics.ts";
import type { FolderStatus } from "../live-folder.ts";
import type { Remediations } from "../remediations.ts";
import { ReportQueue } from "../reports.ts";
import type { Classify } from "../route.ts";
import type { SourceSecrets } from "../source-tokens.ts";
import { TicketEvents } from "../tickets.ts";
import { createApp } from "./app.ts";
import { authenticator, type Token } from "./auth.ts";
import { isLoopback, requireCallers, requireSenders } from "./gate.ts";
import { DEFAULT_LIMITS, type Limits } from "./context.ts";
import { keptReadiness } from "./health.ts";
import { oidcVerifier, type OidcSettings, type OidcVerifier } from "./oidc.ts";
import { LoopDelay } from "./shed.ts";
import { confinedStarter, groupsBy, withinGroups } from "./within-groups.ts";

export interface ServerOptions {
  record: RecordStore;
  remediations: Remediations;
  /** With the active catalogue; throws `Unavailable("catalogue", …)` while none is loaded. */
  classify: Classify;
  catalogueVersion: () => string | null;
  /** To explain with; left out: `/v1/explain` answers 503. */
  catalogue?: () => Catalogue | null;
  /** How the configuration folder is; left out: nobody watches one. */
  folder?: () => FolderStatus;
  /** The active catalogue, of the record. */
  active: () => Promise<Catalogue>;
  log: Logger;
  /** Default 127.0.0.1. Wider than loopback needs that everybody is asked who he is. */
  host?: string;
  /** 0 takes a free one. */
  port: number;
  /** The option that changes the port, for the message when it is in use; default `--port`. */
  portOption?: string;
  /** Of every source without one of its own. */
  webhookToken?: Token | null;
  /** By the source's name; asked for at each request. */
  sourceSecrets?: () => Readonly<Record<string, SourceSecrets>>;
  /** The one that all share; what each has for himself is in the record. */
  apiToken?: Token | null;
  /** Of the configuration in use; asked for at each request. */
  oidc?: () => OidcSettings | null;
  webUiUrl?: string | null;
  /** Default: nothing is traced. */
  tracer?: Tracer | null;
  traceUrl?: string | null;
  limits?: Partial<Limits>;
  /** How late the event loop is; left out: it is measured. */
  loopDelayMs?: () => number;
  metrics?: StarterMetrics;
  /** Default: random uuids. */
  newId?: () => string;
  now?: () => string;
  /** How long `close` waits for requests in flight; default 20,000. */
  graceMs?: number;
  /** Calls to Temporal at once; default 32. */
  concurrency?: number;
  faultPoint?: FaultHook | undefined;
}

export interface RunningServer {
  url: string;
  port: number;
  starter: Starter;
  remediations: Remediations;
  metrics: StarterMetrics;
  /** Stops accepting, lets requests in flight finish (within the grace time), closes every connection. */
  close(): Promise<void>;
}

/** A client that sends its request slower than this is cut off. */
const REQUEST_TIMEOUT_MS = 30_000;
const IDLE_CHECK_MS = 50;
const MAX_HEADER_BYTES = 16 * 1024;
const SERVER_OPTIONS = {
  requestTimeout: REQUEST_TIMEOUT_MS,
  headersTimeout: REQUEST_TIMEOUT_MS / 2,
  maxHeaderSize: MAX_HEADER_BYTES,
};
/** Of whom nothing that is sent can be right. */
const NOBODYS: Token = { reveal: () => randomUUID() };

export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const host = options.host ?? "127.0.0.1";
  const { apiToken = null, oidc = () => null } = options;
  const common = options.webhookToken ?? null;
  const secretsOf = options.sourceSecrets ?? ((): Record<string, SourceSecrets> => ({}));
  requireSenders({ host, webhookToken: common, sourceSecrets: secretsOf() });
  await requireCallers(host, apiToken !== null || oidc() !== null || options.record);
  // A sender that nobody gave a secret may come from this machine only.
  const other = common ?? (isLoopback(host) ? null : NOBODYS);
  const metrics = options.metrics ?? metricsOfProcess();
  const { remediations, record, log, catalogueVersion } = options;
  const starter = createStarter(options, remediations, metrics);
  const feed = new ChangeFeed({ record, log });
  const delay = new LoopDelay();
  const catalogue = options.catalogue ?? ((): null => null);
  const app = createApp({
    record: withinGroups(record, groupsBy(catalogue)),
    feed,
    reports: new ReportQueue(),
    tickets: new TicketEvents({ record, remediations }),
    readiness: keptReadiness({ record, remediations, catalogueVersion, metrics }),
    remediations,
    starter: confinedStarter(starter, options.classify),
    catalogueVersion,
    catalogue,
    folder: options.folder ?? null,
    active: options.active,
    log,
    metrics,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    loopDelayMs: options.loopDelayMs ?? (() => delay.ms),
    sender: (source) => {
      const { token = null, hmac = null } = secretsOf()[source] ?? {};
      // Whoever signs shows no token, unless it has one of its own.
      return { token: token ?? (hmac === null ? other : null), hmacKey: hmac };
    },
    authenticate: authenticator({ record, apiToken, oidc: verifierOf(oidc), mayBeOpen: isLoopback(host) }),
    webUiUrl: options.webUiUrl ?? null,
    traceUrl: options.traceUrl ?? null,
    isTraced: (options.tracer ?? options.traceUrl ?? null) !== null,
    now: options.now ?? (() => new Date().toISOString()),
    newRequestId: randomUUID,
    faultPoint: options.faultPoint,
  });
  const server = createAdaptorServer({ fetch: app.fetch, serverOptions: SERVER_OPTIONS }) as Server;
  server.on("clientError", answerUnreadable);
  const port = await listen(server, host, options.port, options.portOption ?? "--port");
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  log.info({ url }, "API is listening");
  const stop = (): Promise<void> => {
    feed.close();
    delay.stop();
    return closeServer(server, options.graceMs ?? 20_000);
  };
  return { url, port, starter, remediations, metrics, close: stop };
}

function createStarter(options: ServerOptions, remediations: Remediations, metrics: StarterMetrics): Starter {
  const { record, classify, log, faultPoint, tracer = null } = options;
  return createIngest({
    record,
    remediations,
    classify,
    log,
    metrics,
    tracer,
    faultPoint,
    newId: options.newId ?? randomUUID,
    ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
  });
}

export function metricsOfProcess(): StarterMetrics {
  const metrics = createStarterMetrics();
  collectDefaultMetrics({ register: metrics.registry });
  return metrics;
}

/** What is no HTTP, or has headers beyond all bounds, gets an answer of the same kind as everything else. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const tooLarge = error.code === "HPE_HEADER_OVERFLOW";
  const status = tooLarge ? 431 : error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
  const title = STATUS_CODES[status] ?? "";
  const detail = tooLarge ? `the headers are larger than ${MAX_HEADER_BYTES} bytes` : "the request cannot be read";
  const body = JSON.stringify({ type: "urn:selfheal:problem:unreadable", title, status, detail });
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/** One for each settings: it keeps the provider's keys. */
function verifierOf(settings: () => OidcSettings | null): () => OidcVerifier | null {
  let kept: { settings: OidcSettings; verifier: OidcVerifier } | null = null;
  return () => {
    const now = settings();
    if (now === null) return null;
    if (kept?.settings !== now) kept = { settings: now, verifier: oidcVerifier(now) };
    return kept.verifier;
  };
}

/** @throws UserError naming `option` when the port cannot be had. */
export function listen(server: Server, host: string, port: number, option: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(listenError(error, host, port, option)));
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number, option: string): Error {
  const options = { cause: error, exitCode: EXIT.unavailable };
  if (error.code === "EADDRINUSE") {
    const look = `see who with: ss -ltnp 'sport = :${port}'`;
    return new UserError(
      `port ${port} on ${host} for the API is in use (${look}); choose another with ${option}`,
      options,
    );
  }
  if (error.code === "EACCES") {
    return new UserError(`port ${port} for the API needs root; choose another with ${option}`, options);
  }
  return new UserError(
    `cannot listen on ${host}:${port}: ${error.message}; change it with --host and ${option}`,
    options,
  );
}

/** Stops accepting; connections that are still open after `graceMs` are cut. */
export function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    // A connection that is kept alive after its last answer would hold the close until the grace time is over.
    const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
    server.close(() => {
      clearTimeout(cut);
      clearInterval(idle);
      resolve();
    });
  });
}
