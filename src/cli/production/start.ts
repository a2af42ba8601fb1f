/**
 * The production topology on this machine, natively: PostgreSQL, Temporal on it, its Web UI, several APIs and several
 * workers, each a process that is started again when it dies. For trying and testing what docker-compose.temporal.yml
 * describes (topology.ts), and for killing parts of it.
 */
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Env, EnvSource } from "../../config/env.ts";
import { EXIT, UserError } from "../../config/user-error.ts";
import { currentBundle } from "../../workers/bundle.ts";
import { startTemporalServer, startTemporalUi, updateSchemas } from "../../workers/temporal-production.ts";
import { NAMESPACE } from "../../workers/temporal-server-config.ts";
import { obtainTemporalTools, type TemporalTools } from "../../workers/temporal-server-tools.ts";
import { runOf } from "../process/command.ts";
import type { Service } from "../process/kept-service.ts";
import type { LabPlace, RunningLab } from "../process/stack.ts";
import { Supervisor } from "../process/supervisor.ts";
import { makeSecrets, postgresPrograms, readSecret, startDatabase, temporalDatabase } from "./database.ts";
import { logFiles } from "../process/log-files.ts";
import { claimPorts, type Ports } from "./ports.ts";
import {
  imageEnv,
  type Places,
  serveArgs,
  serveEnv,
  STOP_WITHIN_MS,
  withoutOurs,
  workerArgs,
  workerEnv,
} from "./topology.ts";

export interface ProductionOptions {
  /** Keeps everything there; null: a temporary folder that is removed at the end. */
  data: string | null;
  /** Configuration folder of a user's own systems, or a simulated datacenter that brings its own. */
  systems: { config: string } | { lab: (place: LabPlace) => Promise<RunningLab> };
  /** How many of each. */
  apis: number;
  workers: number;
  /** Of the first API, of Temporal's frontend, of its Web UI; 0 takes free ones. */
  ports: { api: number; temporal: number; ui: number };
  /** More arguments for the workers. */
  workerArgs?: readonly string[];
}

export interface ProductionContext {
  env: Env;
  /** Aborted when the user wants to stop: the start is given up between two steps. */
  stop: AbortSignal;
  /** One line for a person. */
  say: (line: string) => void;
}

export interface Production {
  urls: { apis: string[]; health: string[]; temporal: string; ui: string; lab: string | null };
  /** `kill` is SIGKILL, `restart` a clean one; PostgreSQL's `kill` takes all its processes. Each is started again. */
  parts: { postgres: Service; temporal: Service; ui: Service; apis: Service[]; workers: Service[] };
  namespace: string;
  /** Where everything lies: secrets, logs, data. */
  folder: string;
  /** Folder of the password and token files. */
  secrets: string;
  /** The environment of `selfheal serve`, for other commands of selfheal beside it. */
  env: EnvSource;
  supervisor: Supervisor;
  /** Workers, APIs, Web UI, Temporal, PostgreSQL; removes a temporary folder. */
  stop(): Promise<void>;
}

const HOST = "127.0.0.1";
/** As a container's `restart: unless-stopped`. */
const PATIENCE = Number.POSITIVE_INFINITY;
/** A worker waits for a Temporal that has just come up. */
const HEALTHY_WITHIN_MS = 120_000;
const HEALTH_EVERY_MS = 100;

/** On any failure everything that was started is stopped before it rejects. */
export async function startProduction(options: ProductionOptions, context: ProductionContext): Promise<Production> {
  // The longest part, and it needs nothing stopped afterwards.
  const tools = await obtainTemporalTools(context.env, context.say, context.stop);
  const folder = await makeFolder(options.data);
  const logs = await logFiles(join(folder, "log"));
  const supervisor = new Supervisor({
    onLine: (service, line) => logs.write(service, line),
    onEvent: (service, event) => {
      logs.write(service, event);
      context.say(`${service}: ${event}`);
    },
  });
  // Owned first, so closed and removed last.
  supervisor.own("log files", () => logs.close());
  if (options.data === null) supervisor.own("temporary folder", () => rm(folder, { recursive: true, force: true }));
  const stopEarly = (): void => void supervisor.stop();
  context.stop.addEventListener("abort", stopEarly);
  try {
    const starter = new Starter(options, context, { tools, folder, supervisor, write: logs.write });
    const production = await starter.start();
    context.stop.throwIfAborted();
    return production;
  } catch (error) {
    await supervisor.stop();
    throw context.stop.aborted ? new UserError("stopped", { exitCode: EXIT.interrupted }) : error;
  } finally {
    context.stop.removeEventListener("abort", stopEarly);
  }
}

async function makeFolder(data: string | null): Promise<string> {
  const folder = data === null ? await mkdtemp(join(tmpdir(), "selfheal-production-")) : resolve(data);
  const made = await mkdir(folder, { recursive: true });
  // Root's PostgreSQL runs as another user, who must get through to its data; what is secret in here is closed.
  if (data === null || made !== undefined) await chmod(folder, 0o711);
  return folder;
}

interface Ground {
  tools: TemporalTools;
  folder: string;
  supervisor: Supervisor;
  write: (service: string, line: string) => void;
}

class Starter {
  readonly #options: ProductionOptions;
  readonly #context: ProductionContext;
  readonly #ground: Ground;
  readonly #secrets: string;

  constructor(options: ProductionOptions, context: ProductionContext, ground: Ground) {
    this.#options = options;
    this.#context = context;
    this.#ground = ground;
    this.#secrets = join(ground.folder, "secrets");
  }

  async start(): Promise<Production> {
    const { supervisor, folder } = this.#ground;
    // What is in use is said before anything has started.
    const ports = await claimPorts(this.#options);
    const postgres = await this.#startPostgres(ports);
    const temporal = await this.#startTemporal(ports);
    const ui = await this.#startUi(ports);
    const apiUrls = ports.apis.map((port) => `http://${HOST}:${port}`);
    const lab = await this.#startLab(apiUrls[0] ?? "");
    const config =
      "config" in this.#options.systems ? resolve(this.#options.systems.config) : (lab?.configFolder ?? "");
    const places: Places = {
      secrets: this.#secrets,
      temporalAddress: `${HOST}:${ports.temporal.frontend.grpc}`,
      namespace: NAMESPACE,
      config,
      logLevel: this.#context.env.SELFHEAL_LOG_LEVEL,
      uiUrl: `http://${HOST}:${ports.ui}`,
    };
    const { apis, workers } = await this.#startSelfheal(ports, places);
    const health = [
      ...apiUrls.map((url) => `${url}/readyz`),
      ...ports.health.map((port) => `http://${HOST}:${port}/readyz`),
    ];
    await untilHealthy(health, supervisor, this.#context.stop);
    return {
      urls: { apis: apiUrls, health, temporal: places.temporalAddress, ui: places.uiUrl, lab: lab?.url ?? null },
      parts: { postgres, temporal, ui, apis, workers },
      namespace: NAMESPACE,
      folder,
      secrets: this.#secrets,
      env: { ...withoutOurs(), ...serveEnv(places), SELFHEAL_URL: apiUrls[0] },
      supervisor,
      stop: () => supervisor.stop(),
    };
  }

  async #startPostgres(ports: Ports): Promise<Service> {
    const place = this.#database(ports);
    await makeSecrets(place);
    const programs = await postgresPrograms(place.folder, this.#context.env);
    this.#say(`starting PostgreSQL (${programs ?? "the embedded one"})`);
    return this.#ground.supervisor.keep({
      name: "postgres",
      patience: PATIENCE,
      launch: () => startDatabase(place, programs),
    });
  }

  async #startTemporal(ports: Ports): Promise<Service> {
    const { tools, folder, supervisor, write } = this.#ground;
    const database = await temporalDatabase(this.#database(ports));
    this.#say("starting Temporal on it");
    await updateSchemas(tools.sql, database);
    return supervisor.keep({
      name: "temporal",
      patience: PATIENCE,
      launch: async (stop) => {
        const place = { command: tools.server, folder: join(folder, "temporal"), database, ports: ports.temporal };
        return runOf(await startTemporalServer({ ...place, stop, onLine: (line) => write("temporal", line) }));
      },
    });
  }

  async #startUi(ports: Ports): Promise<Service> {
    const { tools, folder, supervisor, write } = this.#ground;
    const temporalAddress = `${HOST}:${ports.temporal.frontend.grpc}`;
    return supervisor.keep({
      name: "temporal-ui",
      patience: PATIENCE,
      launch: async (stop) => {
        const place = { command: tools.ui, folder: join(folder, "temporal-ui"), temporalAddress, port: ports.ui };
        return runOf(await startTemporalUi({ ...place, stop, onLine: (line) => write("temporal-ui", line) }));
      },
    });
  }

  async #startLab(apiUrl: string): Promise<RunningLab | null> {
    const { systems } = this.#options;
    if (!("lab" in systems)) return null;
    const webhookToken = await readSecret(this.#secrets, "webhookToken");
    const lab = await systems.lab({ folder: join(this.#ground.folder, "lab"), apiUrl, webhookToken });
    this.#ground.supervisor.own("lab", () => lab.stop());
    return lab;
  }

  async #startSelfheal(ports: Ports, places: Places): Promise<{ apis: Service[]; workers: Service[] }> {
    const { supervisor } = this.#ground;
    this.#say(`starting ${ports.apis.length} APIs and ${ports.health.length} workers`);
    const image = { ...withoutOurs(), ...imageEnv((await currentBundle()).codePath) };
    // All at once: whoever comes first migrates the record, and the others wait for it.
    const start = (kind: "serve" | "worker", number: number, args: string[], env: EnvSource): Promise<Service> =>
      supervisor.start({
        name: `${kind}-${number}`,
        args,
        env: { ...image, ...env },
        readyWithinMs: HEALTHY_WITHIN_MS,
        stopWithinMs: STOP_WITHIN_MS[kind],
        patience: PATIENCE,
      });
    const more = this.#options.workerArgs ?? [];
    const [apis, workers] = await Promise.all([
      Promise.all(
        ports.apis.map((port, i) => start("serve", i + 1, serveArgs({ host: HOST, port }), serveEnv(places))),
      ),
      Promise.all(
        ports.health.map((port, i) => start("worker", i + 1, [...workerArgs(port), ...more], workerEnv(places))),
      ),
    ]);
    return { apis, workers };
  }

  #database(ports: Ports): { folder: string; secrets: string; port: number } {
    return { folder: join(this.#ground.folder, "postgres"), secrets: this.#secrets, port: ports.postgres };
  }

  #say(line: string): void {
    this.#context.stop.throwIfAborted();
    this.#context.say(line);
  }
}

async function untilHealthy(urls: string[], supervisor: Supervisor, stop: AbortSignal): Promise<void> {
  const deadline = performance.now() + HEALTHY_WITHIN_MS;
  let ill: string[] = urls;
  while (ill.length > 0) {
    stop.throwIfAborted();
    if (performance.now() > deadline) {
      throw new UserError(`not healthy after ${HEALTHY_WITHIN_MS / 1000} s: ${ill.join(", ")}`, {
        exitCode: EXIT.unavailable,
      });
    }
    const well = await Promise.all(
      ill.map((url) =>
        fetch(url).then(
          (answer) => answer.ok,
          () => false,
        ),
      ),
    );
    ill = ill.filter((_, index) => well[index] !== true);
    if (ill.length > 0) await Promise.race([sleep(HEALTH_EVERY_MS), supervisor.failed]);
  }
}
