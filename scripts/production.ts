/** `npm run production`: the production topology on this machine, for trying it (docs/production.md). */
import { Command } from "commander";
import { parseCount, parsePort } from "../src/cli/options.ts";
import { note, printError } from "../src/cli/output.ts";
import { startDevLab, type DevLab } from "../src/cli/dev-lab.ts";
import { checkOwnSystems, describeLook } from "../src/cli/process/own-systems.ts";
import { stopOnSignals } from "../src/cli/process/signals.ts";
import { reconcile, untilClosed } from "../src/cli/production/check.ts";
import { describeProduction } from "../src/cli/production/describe.ts";
import { startProduction, type Production } from "../src/cli/production/start.ts";
import { DEFAULT_PORTS } from "../src/cli/production/topology.ts";
import { readEnv, type Env } from "../src/config/env.ts";
import { EXIT, UserError } from "../src/config/user-error.ts";
import { OUTSIDE } from "../src/workers/compose.ts";
import { obtainTemporalTools } from "../src/workers/temporal-server-tools.ts";

interface Options {
  config?: string;
  data?: string;
  apis: number;
  workers: number;
  port: number;
  temporalPort: number;
  uiPort: number;
  hosts: number;
  timeScale: number;
  seed: number;
  check?: boolean;
  install?: boolean;
}

const HEALED_WITHIN_MS = 240_000;

const program = new Command("npm run production --")
  .description(
    "PostgreSQL, Temporal on it, its Web UI, several APIs and workers: what the compose file starts, natively.",
  )
  .option("--config <folder>", "your runbooks and systems; default: a simulated datacenter with one failing disk")
  .option("--data <folder>", "keep databases, secrets and logs there; default: a temporary folder, removed at the end")
  .option("--apis <count>", "how many APIs", parseCount, 2)
  .option("--workers <count>", "how many workers", parseCount, 2)
  .option("--port <port>", "of the first API, the others follow; 0 takes free ones", parsePort, DEFAULT_PORTS.api)
  .option("--temporal-port <port>", "of Temporal; 0 takes free ones", parsePort, DEFAULT_PORTS.temporal)
  .option("--ui-port <port>", "of Temporal's Web UI; 0 takes a free one", parsePort, DEFAULT_PORTS.ui)
  .option("--hosts <count>", "hosts of the simulated datacenter", parseCount, 20)
  .option("--time-scale <factor>", "how much faster than real time it runs", parseCount, 600)
  .option("--seed <number>", "the same seed gives the same datacenter", parseCount, 1)
  .option("--check", "heal the failing disk, reconcile record, Temporal and datacenter, stop; status 0 when all fits")
  .option("--install", "only find or build the programs of Temporal, and say where they are")
  .action((options: Options) => main(options, readEnv()));

async function main(options: Options, env: Env): Promise<void> {
  const stop = stopOnSignals();
  if (options.install === true) {
    const tools = await obtainTemporalTools(env, note, stop.signal);
    for (const path of [tools.server, tools.sql, tools.ui]) note(path);
    stop.release();
    return;
  }
  if (options.check === true && options.config !== undefined)
    throw new UserError("--check breaks and heals a disk: that is for the simulated datacenter, without --config", {
      exitCode: EXIT.usage,
    });
  if (options.config !== undefined)
    for (const look of await checkOwnSystems(options.config, OUTSIDE)) note(describeLook(look));
  const startedAt = performance.now();
  let lab: DevLab | null = null;
  const production = await startProduction(
    {
      data: options.data ?? null,
      systems:
        options.config === undefined
          ? { lab: async (place) => (lab = await startDevLab(options, place)) }
          : { config: options.config },
      apis: options.apis,
      workers: options.workers,
      ports: { api: options.port, temporal: options.temporalPort, ui: options.uiPort },
    },
    { env, stop: stop.signal, say: note },
  );
  try {
    note(`ready after ${seconds(startedAt)}`);
    console.log(describeProduction(production));
    if (options.check === true && lab !== null) await check(production, lab);
    else await Promise.race([stop.requested, production.supervisor.failed]);
  } finally {
    const stoppedAt = performance.now();
    note("stopping: workers, APIs, Web UI, Temporal, PostgreSQL");
    await production.stop();
    note(`stopped after ${seconds(stoppedAt)}`);
    stop.release();
  }
}

async function check(production: Production, { lab }: DevLab): Promise<void> {
  const startedAt = performance.now();
  const hosts = lab.world.failing().map(({ id }) => id);
  note(`healing ${hosts.join(", ")}`);
  await untilClosed(production, hosts, HEALED_WITHIN_MS);
  note(`closed after ${seconds(startedAt)}`);
  const wrong = await reconcile(production, lab, hosts);
  if (wrong.length > 0) throw new UserError(`check: ${wrong.join("; ")}`, { exitCode: EXIT.failed });
  note("check: record, Temporal and datacenter agree, and nothing is left behind");
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = printError(error, { json: false, debug: false });
}
