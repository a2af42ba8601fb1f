/** `selfheal dev`: everything on one machine, for trying things. The pieces are the ones that production runs. */
import { createConnection } from "node:net";
import { Command } from "commander";
import { readEnv } from "../config/env.ts";
import { paint, printResult, wantsJson, note } from "./output.ts";
import { configFolder, configOption, databaseOption, parseCount, parsePort, withExamples } from "./options.ts";
import type { Stack, StackOptions } from "./process/stack.ts";
import { stopOnSignals } from "./process/signals.ts";

interface DevOptions {
  config?: string;
  lab: boolean;
  port: number;
  temporalPort: number;
  uiPort?: number;
  dbUrl?: string;
  state?: string;
  fresh?: boolean;
  hosts: number;
  timeScale: number;
  seed: number;
}

export function devCommand(): Command {
  const command = new Command("dev")
    .description(
      "Start Temporal with its Web UI, a database, a worker and the API on this machine, and print their URLs.",
    )
    .addOption(configOption())
    .option("--no-lab", "do not start the simulated datacenter")
    .option("--hosts <count>", "hosts of the simulated datacenter", parseCount, 20)
    .option("--time-scale <factor>", "how much faster than real time it runs", parseCount, 120)
    .option("--seed <number>", "the same seed gives the same datacenter", parseCount, 1)
    .option("--port <port>", "port of the API; 0 takes a free one", parsePort, 8080)
    .option("--temporal-port <port>", "port of Temporal; 0 takes a free one", parsePort, 7233)
    .option("--ui-port <port>", "port of Temporal's Web UI; default: Temporal's port + 1000", parsePort)
    .addOption(databaseOption())
    .option("--state <folder>", "where Temporal and the database keep their data (SELFHEAL_STATE)")
    .option("--fresh", "start with nothing remembered, and forget everything at the end")
    .action(runDev);
  return withExamples(command, [
    ["selfheal dev", "everything, with the simulated datacenter"],
    ["selfheal dev --no-lab --config ./config", "your own runbooks and systems"],
    ["selfheal dev --port 0 --temporal-port 0 --fresh", "beside another one, leaving nothing behind"],
    ["TEMPORAL_ADDRESS=temporal:7233 selfheal dev", "on a Temporal that runs already"],
  ]);
}

async function runDev(options: DevOptions, command: Command): Promise<void> {
  const env = readEnv();
  const stop = stopOnSignals();
  const json = wantsJson(command);
  // Mistakes are said before anything heavy has started.
  if (!options.lab || options.config !== undefined) await sayOwnSystems(configFolder(options.config, env));
  // Loaded here: it brings the Temporal SDK's native half, which no other command should wait for.
  const { startStack } = await import("./process/stack.ts");
  const stack = await startStack(stackOptions(options), { env, stop: stop.signal, say: note });
  try {
    if (!stop.signal.aborted) {
      printResult(command, { ...stack.urls, logs: stack.logFolder }, () => describe(stack));
      if (!json) note(paint("dim", "Ctrl-C stops everything.", process.stderr));
    }
    await Promise.race([stop.requested, stack.supervisor.failed]);
    note("stopping …");
  } finally {
    await stack.stop();
    stop.release();
  }
}

async function sayOwnSystems(folder: string): Promise<void> {
  const { checkOwnSystems, describeLook } = await import("./process/own-systems.ts");
  const outside = { fetch, connect: createConnection, clock: { now: Date.now } };
  for (const look of await checkOwnSystems(folder, outside)) note(describeLook(look));
}

function stackOptions(options: DevOptions): StackOptions {
  return {
    config: options.config,
    lab: options.lab
      ? async (place) => {
          const { startDevLab } = await import("./dev-lab.ts");
          return startDevLab(options, place);
        }
      : null,
    port: options.port,
    temporalPort: options.temporalPort,
    uiPort: options.uiPort,
    databaseUrl: options.dbUrl,
    state: options.state,
    fresh: options.fresh === true,
    logs: true,
  };
}

function describe(stack: Stack): string {
  const { api, temporal, temporalUi, lab } = stack.urls;
  const rows = [
    ["API", api],
    ["Alertmanager webhook", `${api}/v1/alerts/alertmanager`],
    ["Temporal Web UI", temporalUi ?? "(of your Temporal)"],
    ["Temporal", temporal],
    ...(lab === null ? [] : [["Lab", lab]]),
    ["State", stack.stateFolder],
    ...(stack.logFolder === null ? [] : [["Logs", stack.logFolder]]),
  ];
  return rows.map(([name, url]) => `  ${(name ?? "").padEnd(22)}${paint("cyan", url ?? "")}`).join("\n");
}
