/** `selfheal backtest`: what a changed folder would have decided about recorded alerts, beside the folder in force. */
import { Command, InvalidArgumentError, Option } from "commander";
import { ACTIONS } from "../activities/actions.ts";
import { DEFAULT_ASSUMPTIONS, DEFAULT_WORK_MS, type Assumptions } from "../backtest/assumptions.ts";
import { backtest } from "../backtest/backtest.ts";
import { CHANGES, CHANGE_MEANS, type Change } from "../backtest/compare.ts";
import { recordedAlerts } from "../backtest/recorded.ts";
import { DURATION_HELP, parseDuration } from "../catalogue/duration.ts";
import { readEnv } from "../config/env.ts";
import { EXIT } from "../config/user-error.ts";
import { requireCatalogue } from "../starters/active-catalogue.ts";
import { backtestText } from "./backtest-text.ts";
import { configFolder, configOption, withExamples } from "./options.ts";
import { note, printResult } from "./output.ts";

interface BacktestOptions extends AssumptionOptions {
  alerts: string[];
  against: string;
  config?: string;
  from?: string;
  to?: string;
  failOn?: Change[];
}

export interface AssumptionOptions {
  work?: Work[];
  approve: number | null;
  reset: number | null;
}

interface Work {
  runbook: string | null;
  ms: number;
}

export function backtestCommand(): Command {
  const command = new Command("backtest")
    .description("Replay recorded alerts through a changed folder and print which decisions change.")
    .requiredOption(
      "--alerts <file...>",
      "recorded alerts, JSON lines (.gz too; - for stdin): `selfheal alerts export`, or logged webhook bodies",
    )
    .requiredOption("--against <folder>", "the changed configuration folder")
    .addOption(configOption().default(undefined, "the folder in force: SELFHEAL_CONFIG, or ./config"))
    .option("--from <time>", "leave out what came before, e.g. 2026-11-01 or 2026-11-01T12:00:00Z", parseTime)
    .option("--to <time>", "leave out what came at or after", parseTime)
    .option(
      "--fail-on <changes>",
      `exit with 1 on any of these, separated by commas: ${CHANGES.join(", ")}`,
      parseChanges,
    );
  for (const option of assumptionOptions()) command.addOption(option);
  command.action((options: BacktestOptions) => run(command, options));
  const changes = CHANGES.map((change) => `  ${change.padEnd(12)}${CHANGE_MEANS[change]}`).join("\n");
  command.addHelpText("after", `\nChanges:\n${changes}`);
  return withExamples(command, [
    ["selfheal backtest --alerts october.jsonl.gz --against ./changed", "beside ./config"],
    ["selfheal backtest --alerts - --against . --config ../main --fail-on new-action,refuse", "in a CI"],
  ]);
}

/** What the recording does not say. */
export function assumptionOptions(): Option[] {
  return [
    new Option(
      "--work <[runbook=]duration...>",
      `how long a plan holds its leases; default ${DEFAULT_WORK_MS / 60_000}m`,
    ).argParser((text: string, before: Work[] = []) => [...before, parseWork(text)]),
    new Option("--approve <duration>", "after which a person approves, or never")
      .argParser(durationOrNever)
      .default(DEFAULT_ASSUMPTIONS.approveAfterMs, "10m"),
    new Option("--reset <duration>", "after which a person resets a breaker, or never")
      .argParser(durationOrNever)
      .default(DEFAULT_ASSUMPTIONS.resetAfterMs, "1h"),
  ];
}

export function assumptionsOf({ work = [], approve, reset }: AssumptionOptions): Assumptions {
  const forAll = work.findLast((one) => one.runbook === null)?.ms ?? DEFAULT_WORK_MS;
  const byRunbook = new Map(work.flatMap(({ runbook, ms }) => (runbook === null ? [] : [[runbook, ms] as const])));
  return {
    ...DEFAULT_ASSUMPTIONS,
    workMs: (runbook) => byRunbook.get(runbook) ?? forAll,
    approveAfterMs: approve,
    resetAfterMs: reset,
  };
}

async function run(command: Command, options: BacktestOptions): Promise<void> {
  const [before, after] = await Promise.all([
    requireCatalogue(configFolder(options.config, readEnv()), ACTIONS),
    requireCatalogue(options.against, ACTIONS),
  ]);
  const alerts = recordedAlerts({ files: options.alerts, from: options.from, to: options.to });
  const assumptions = assumptionsOf(options);
  const report = await backtest({ alerts, before, after, assumptions });
  const failed = (options.failOn ?? []).filter((change) => (report.comparison?.changes[change] ?? 0) > 0);
  const assumed = assumedText(options);
  printResult(command, { ...report, assumed, failedOn: failed }, () => backtestText(report, assumed));
  if (failed.length === 0) return;
  note(`selfheal: --fail-on: there are changes of the kind ${failed.join(", ")}`);
  process.exitCode = EXIT.failed;
}

/** In the words of the report. */
export function assumedText({ work = [], approve, reset }: AssumptionOptions): string[] {
  const minutes = (ms: number): string => `${Math.round(ms / 60_000)} min`;
  const forAll = work.findLast((one) => one.runbook === null)?.ms ?? DEFAULT_WORK_MS;
  const others = work.flatMap(({ runbook, ms }) => (runbook === null ? [] : [`, ${runbook} ${minutes(ms)}`]));
  return [
    "an alert that fires stands for a probe that says unhealthy",
    `a plan holds its leases for ${minutes(forAll)}${others.join("")}, and heals`,
    approve === null ? "nobody approves" : `a person approves after ${minutes(approve)}`,
    reset === null ? "nobody resets a breaker" : `a person resets a breaker after ${minutes(reset)}`,
    "evidence is not known: a `require` that needs it refuses",
    "no silence of a person, window or mode set by hand, hold of another system or spent error budget of an objective",
  ];
}

function parseWork(text: string): Work {
  const [, runbook, written = ""] = /^(?:([^=]+)=)?(.+)$/.exec(text) ?? [];
  return { runbook: runbook ?? null, ms: duration(written) };
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new InvalidArgumentError(`${DURATION_HELP}.`);
  return ms;
}

function durationOrNever(text: string): number | null {
  return text === "never" ? null : duration(text);
}

export function parseTime(text: string): string {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new InvalidArgumentError("A time such as 2026-11-21 or 2026-11-21T12:00:00Z.");
  return new Date(ms).toISOString();
}

function parseChanges(text: string): Change[] {
  return text.split(",").map((word) => {
    const change = CHANGES.find((one) => one === word.trim());
    if (change === undefined) throw new InvalidArgumentError(`${word} is none of ${CHANGES.join(", ")}.`);
    return change;
  });
}
