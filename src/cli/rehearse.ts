/** `selfheal rehearse`: a runbook end to end in the lab, under faults and seeds, before it may act for real. */
import { Argument, InvalidArgumentError, Option, type Command } from "commander";
import { ACTIONS } from "../activities/actions.ts";
import type { Catalogue, Runbook } from "../catalogue/catalogue.ts";
import { readEnv } from "../config/env.ts";
import { projectPath } from "../config/project.ts";
import { EXIT, UserError } from "../config/user-error.ts";
import { FAULTS } from "../lab/faults.ts";
import { requireCatalogue } from "../starters/active-catalogue.ts";
import { writeDown } from "./attest.ts";
import { refuseForeignServers } from "./demo/own-servers.ts";
import { parseCount, withExamples } from "./options.ts";
import { note, printResult } from "./output.ts";
import { stopOnSignals } from "./process/signals.ts";
import type { Rehearsal, SeedResult } from "./rehearse/judge.ts";
import { rehearsalOf } from "./rehearse/judge.ts";
import { STRIKES, type Strike } from "./rehearse/scenarios.ts";
import { rehearsalText } from "./rehearse/text.ts";
import { apiCommand, contextOf, type Context, type RemediationCommandOptions } from "./remediation-context.ts";

interface Options {
  all?: true;
  folder?: string;
  seeds: number;
  firstSeed: number;
  faults: Strike[];
  timeScale: number;
  attest?: true;
  by?: string;
}

export function rehearseCommand(options: RemediationCommandOptions = {}): Command {
  const context = contextOf(options);
  const command = apiCommand(
    "rehearse",
    "Run a runbook end to end in a simulated datacenter, under faults, before it may act.",
  )
    .addArgument(new Argument("[runbook]", "its name"))
    .option("--all", "every runbook of the folder, one after the other")
    .option("--folder <folder>", "with runbooks and selfheal.yaml (SELFHEAL_CONFIG); default: the shipped example")
    .option("--seeds <n>", "so many runs, each of another seed", parseCount, 1)
    .option("--first-seed <n>", "the same seed gives the same world", parseCount, 1)
    .addOption(
      new Option("--faults <names>", "with commas between")
        .argParser(parseStrikes)
        .default([...STRIKES], "all of them"),
    )
    .option("--time-scale <n>", "seconds of the datacenter in each real second", parseCount, 600)
    .option("--attest", "write a rehearsal down as evidence for `modes promote`, through the API")
    .option("--by <name>", "with --attest: who ran it; default the owner of your token, else your user name");
  command.action((name: string | undefined, given: Options) => run(context, command, name, given));
  const faults = STRIKES.map(
    (strike) => `  ${strike.padEnd(22)}${strike === "none" ? "nothing strikes: it must heal" : FAULTS[strike]}`,
  );
  withExamples(command, [
    ["selfheal rehearse disk-replacement", "of the shipped example, a host for each fault; some 5 minutes"],
    ["selfheal rehearse --all --folder ./config --seeds 3", "yours, three times"],
    ["selfheal rehearse disk-replacement --folder ./config --faults none,reply-lost --attest", "two, written down"],
  ]);
  return command.addHelpText(
    "after",
    `\nIts hosts have failing disks: a runbook for anything else does not pass.\n\nFaults:\n${faults.join("\n")}\n\nExit status: 0 every rehearsal passed; 1 one did not; 2 nothing was run.`,
  );
}

function parseStrikes(text: string): Strike[] {
  const names = text.split(",").map((name) => name.trim());
  return names.map((name) => {
    const strike = STRIKES.find((one) => one === name);
    if (strike === undefined) throw new InvalidArgumentError(`Got ${name}; there are: ${STRIKES.join(", ")}.`);
    return strike;
  });
}

async function run(context: Context, command: Command, name: string | undefined, options: Options): Promise<void> {
  const env = readEnv();
  refuseForeignServers(env, "a rehearsal runs on servers of its own");
  const folder = options.folder ?? env.SELFHEAL_CONFIG ?? projectPath("examples", "first-remediation");
  const catalogue = await requireCatalogue(folder, ACTIONS);
  const runbooks = chosen(catalogue, name, options.all === true);
  const stop = stopOnSignals();
  const rehearsals: Rehearsal[] = [];
  const attest = ({ runbook, runbookHash, passed, summary }: Rehearsal): Promise<void> =>
    writeDown(context, command, { runbook, runbookHash, kind: "rehearsal", passed, summary }, options.by);
  try {
    for (const runbook of runbooks) {
      const rehearsal = await rehearse({ catalogue, runbook }, options, { env, stop: stop.signal });
      rehearsals.push(rehearsal);
      if (options.attest === true) await attest(rehearsal);
    }
  } finally {
    stop.release();
  }
  printResult(command, rehearsals, () => rehearsals.map(rehearsalText).join("\n\n"));
  const failed = rehearsals.filter(({ passed }) => !passed).map(({ runbook }) => runbook);
  if (failed.length > 0) throw new UserError(`not passed: ${failed.join(", ")}`, { exitCode: EXIT.failed });
}

function chosen({ runbooks }: Catalogue, name: string | undefined, all: boolean): readonly Runbook[] {
  const names = runbooks.map((one) => one.name).join(", ");
  const usage = (message: string): UserError => new UserError(message, { exitCode: EXIT.usage });
  if ((name === undefined) !== all) throw usage(`which runbook? Either its name (${names}) or --all`);
  const found = runbooks.filter((one) => all || one.name === name);
  if (found.length === 0) throw usage(`there is no runbook ${name ?? ""}; there are: ${names}`);
  return found;
}

async function rehearse(
  piece: { catalogue: Catalogue; runbook: Runbook },
  { seeds, firstSeed, faults, timeScale }: Options,
  place: { env: ReturnType<typeof readEnv>; stop: AbortSignal },
): Promise<Rehearsal> {
  const { rehearseSeed } = await import("./rehearse/run.ts");
  const results: SeedResult[] = [];
  let standIns: string[] = [];
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    note(`${piece.runbook.name}, seed ${seed}: starting`);
    const { standIns: stoodIn, ...result } = await rehearseSeed(piece, { seed, strikes: faults, timeScale }, place);
    standIns = stoodIn;
    results.push(result);
  }
  const { name: runbook, hash: runbookHash } = piece.runbook;
  return rehearsalOf({ runbook, runbookHash, standIns }, results);
}
