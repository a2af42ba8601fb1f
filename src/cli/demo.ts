/** `selfheal demo`: a simulated datacenter is healed before your eyes, from an Alertmanager payload to verified hosts. */
import { Command, InvalidArgumentError, Option } from "commander";
import { readEnv } from "../config/env.ts";
import { EXIT, UserError } from "../config/user-error.ts";
import { FAULT_NAMES, FAULTS, type FaultName } from "../lab/faults.ts";
import { parsePort, withExamples } from "./options.ts";
import { note, wantsJson } from "./output.ts";
import { playDemo, type DemoOptions, type DemoResult } from "./demo/play.ts";

/** Slower than the plain demo, so that a process has the time to come back that its work needs in the datacenter. */
const CHAOS = { hosts: 50, timeScale: 100 };

export function demoCommand(): Command {
  const command = new Command("demo")
    .description("Heal a simulated fleet from a real Alertmanager payload, with every stage shown. Nothing to install.")
    .option("--hosts <n>", "hosts that get an alert; the first five show one thing each", parseCount, 6)
    .addOption(new Option("--fault <name>", "make something go wrong for the first host").choices(FAULT_NAMES))
    .addOption(
      new Option("--approve <how>", "who approves what needs a person").choices(["auto", "ask"]).default("auto"),
    )
    .option("--chaos", `kill worker, API, Temporal and database at random while ${CHAOS.hosts} hosts heal`)
    .option("--kill-every <seconds>", "with --chaos: the mean time between two kills", parseCount, 10)
    .option("--seed <n>", "same seed, same world", parseCount, 7)
    .option("--time-scale <n>", "seconds of the datacenter in each real second", parseCount, 600)
    .option("--once", "stop when all is done; status 0 only when every host ended as expected (--chaos: all in order)")
    .option("--port <port>", "port of the API; 0 takes a free one", parsePort, 8080)
    .option("--temporal-port <port>", "port of Temporal; 0 takes a free one", parsePort, 7233)
    .option("--ui-port <port>", "port of Temporal's Web UI; default: Temporal's port + 1000", parsePort)
    .action(run);
  const faults = FAULT_NAMES.map((name) => `  ${name.padEnd(22)}${FAULTS[name]}`).join("\n");
  withExamples(command, [
    ["selfheal demo", "six hosts; stays up for exploring until Ctrl-C; k kills the worker"],
    ["selfheal demo --once --port 0 --temporal-port 0", "as a test, beside whatever runs"],
    ["selfheal demo --fault reply-lost", "the reply of the ticket system is lost: still one ticket"],
    ["selfheal demo --approve ask --hosts 3", "you approve, from another terminal or the Web UI"],
    ["selfheal demo --hosts 30", "more than the group's cap: they queue"],
    ["selfheal demo --chaos --once", "everything is killed, again and again; nothing may be lost or doubled"],
  ]);
  return command.addHelpText("after", `\nFaults:\n${faults}`);
}

interface DemoFlags extends DemoOptions {
  chaos?: boolean;
  killEvery: number;
}

async function run(options: Omit<DemoFlags, "fault"> & { fault?: FaultName }, command: Command): Promise<void> {
  if (options.chaos === true) return runChaos(options, command);
  const result = await playDemo({ ...options, fault: options.fault ?? null, json: wantsJson(command) }, readEnv());
  if (wantsJson(command)) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  const fault = faultOf(result);
  if (fault === null) return;
  if (options.once === true || result.stopped) throw fault;
  note(fault.message);
}

/** What was stopped says nothing about how a host would have ended. */
export function faultOf({ stopped, endings }: DemoResult): UserError | null {
  if (stopped) return new UserError("stopped before the end", { exitCode: EXIT.interrupted });
  const wrong = endings.filter((ending) => !ending.asExpected);
  if (wrong.length === 0) return null;
  const names = wrong.map(({ host, outcome, expected }) => `${host} ${outcome} instead of ${expected}`).join(", ");
  return new UserError(`not every host ended as expected: ${names}`, { exitCode: EXIT.failed });
}

async function runChaos(options: Omit<DemoFlags, "fault">, command: Command): Promise<void> {
  for (const name of ["fault", "approve"]) {
    if (command.getOptionValueSource(name) === "cli")
      throw new UserError(`--${name} does not go with --chaos: leave one out`, { exitCode: EXIT.usage });
  }
  const defaults = Object.entries(CHAOS).filter(([name]) => command.getOptionValueSource(name) === "default");
  const { playChaos } = await import("./demo/play-chaos.ts");
  const asked = { ...options, ...Object.fromEntries(defaults), json: wantsJson(command) };
  const result = await playChaos(asked, readEnv());
  if (wantsJson(command)) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  if (result.reconciliation === null) throw new UserError("stopped before the end", { exitCode: EXIT.interrupted });
  if (!result.reconciliation.ok) {
    throw new UserError("something was lost, doubled or left behind: see above", { exitCode: EXIT.failed });
  }
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 100_000) {
    throw new InvalidArgumentError("Give a whole number from 1 to 100000.");
  }
  return count;
}
