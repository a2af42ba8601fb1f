/**
 * The product as it runs in production, for one bench: Temporal, PostgreSQL (fsync on), `selfheal serve` and, when the
 * bench says so, `selfheal worker`, each a process of its own. The lab runs in the bench's process, beside the load.
 */
import { Client, Connection } from "@temporalio/client";
import { join } from "node:path";
import { withCleanup } from "../../src/cli/process/cleanup.ts";
import type { ServiceOptions } from "../../src/cli/process/command.ts";
import { Supervisor } from "../../src/cli/process/supervisor.ts";
import type { EnvSource } from "../../src/config/env.ts";
import { projectPath } from "../../src/config/project.ts";
import { currentBundle } from "../../src/workers/bundle.ts";
import type { BenchContext } from "./bench.ts";
import { startDatabase, type BenchDatabase } from "./database.ts";
import type { Facts } from "./facts.ts";
import { temporaryFolder } from "./folder.ts";
import { cpuSeconds } from "./processes.ts";
import { serverVersion, startTemporal, type BenchTemporal } from "./temporal.ts";
import { startWorld, type BenchWorld, type WorldOptions } from "./world.ts";

/** Stopped with the stack, or before. */
export interface BenchProcess {
  pid: number;
  /** Where it listens, when it does. */
  url: string;
  stop(): Promise<void>;
}

export interface BenchStack extends BenchWorld {
  /** Of the API. */
  url: string;
  client: Client;
  temporal: BenchTemporal;
  database: BenchDatabase;
  facts: Facts;
  /** `selfheal worker`; resolves when it polls. */
  startWorker(more?: { args?: string[]; env?: EnvSource }): Promise<BenchProcess>;
  /** A script of bench/bare as a process. */
  startBare(script: "worker" | "http"): Promise<BenchProcess>;
  /** Seconds of CPU so far by process. */
  cpu(): Record<string, number>;
}

export function withStack<T>(
  context: BenchContext,
  options: WorldOptions,
  work: (stack: BenchStack) => Promise<T>,
): Promise<T> {
  return withCleanup(async (defer) => {
    const folder = await temporaryFolder(defer);
    const temporal = await startTemporal(context.temporal, { folder, say: context.say });
    defer(() => temporal.stop());
    const database = await startDatabase(join(folder, "postgres"));
    defer(() => database.stop());
    const world = await startWorld(join(folder, "config"), options);
    defer(() => world.lab.stop());
    const connection = await Connection.connect({ address: temporal.address });
    defer(() => connection.close());
    const processes = new Processes(context.say, { temporal, database, world });
    defer(() => processes.stop());
    const serve = await processes.start({ name: "serve", args: ["serve", "--port", "0"] });
    const result = await work({
      ...world,
      url: serve.url,
      client: new Client({ connection, namespace: temporal.namespace }),
      temporal,
      database,
      facts: {
        temporal: `${await serverVersion(temporal.address)}, ${temporal.storage}`,
        ...(await database.facts()),
      },
      startWorker: (more) => processes.startWorker(more),
      startBare: (script) =>
        processes.start({ name: `bare ${script}`, args: [], entry: projectPath(`bench/bare/${script}.ts`) }),
      cpu: () => processes.cpu(),
    });
    processes.assertNoneRestarted();
    return result;
  });
}

interface Parts {
  temporal: BenchTemporal;
  database: BenchDatabase;
  world: BenchWorld;
}

class Processes {
  readonly #say: (line: string) => void;
  readonly #parts: Parts;
  readonly #running = new Map<string, BenchProcess>();
  readonly #restarts: string[] = [];

  constructor(say: (line: string) => void, parts: Parts) {
    this.#say = say;
    this.#parts = parts;
  }

  async start(options: ServiceOptions): Promise<BenchProcess> {
    const { name } = options;
    const supervisor = new Supervisor({
      onLine: (_, line) => {
        if (/"level":"(error|fatal)"/.test(line) || !line.startsWith("{")) this.#say(`${name}: ${line}`);
      },
      onEvent: (_, event) => this.#restarts.push(`${name}: ${event}`),
    });
    const { temporal, database, world } = this.#parts;
    const env = {
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: temporal.namespace,
      SELFHEAL_CONFIG: world.configFolder,
      SELFHEAL_LOG_FORMAT: "json",
      ...options.env,
    };
    const { pid, detail } = await supervisor.start({ ...options, env }).catch(async (error: unknown) => {
      await supervisor.stop();
      throw error;
    });
    const stop = async (): Promise<void> => {
      this.#running.delete(name);
      await supervisor.stop();
    };
    const process = { pid, url: detail["url"] ?? "", stop };
    this.#running.set(name, process);
    return process;
  }

  async startWorker({ args = [], env = {} }: { args?: string[]; env?: EnvSource } = {}): Promise<BenchProcess> {
    const { codePath } = await currentBundle();
    const all = ["worker", "--bundle", codePath, "--register-search-attributes", ...args];
    return this.start({ name: "worker", args: all, env });
  }

  /** A process that died and came back has measured something else. */
  assertNoneRestarted(): void {
    if (this.#restarts.length > 0) throw new Error(`a process ended in the middle of it: ${this.#restarts.join("; ")}`);
  }

  cpu(): Record<string, number> {
    const { user, system } = process.cpuUsage();
    return {
      ...Object.fromEntries([...this.#running].map(([name, { pid }]) => [name, cpuSeconds([pid])])),
      Temporal: cpuSeconds(this.#parts.temporal.pids),
      PostgreSQL: cpuSeconds([this.#parts.database.pid]),
      // The processes above are its children: only its own is counted.
      "bench (load and lab)": (user + system) / 1e6,
    };
  }

  async stop(): Promise<void> {
    for (const one of [...this.#running.values()].toReversed()) await one.stop();
  }
}
