/** `selfheal backtest`: what a changed folder would have decided about recorded alerts, beside the folder in force. */
import { Command, InvalidArgumentError } from "commander";
import { backtest, type BacktestReport } from "../backtest/backtest.ts";
import { CHANGES, CHANGE_MEANS, type Change } from "../backtest/compare.ts";
import { recordedAlerts, type RecordedOptions } from "../backtest/recorded.ts";
import { readEnv } from "../config/env.ts";
import { EXIT, UserError } from "../config/user-error.ts";
import { assumedText, assumptionOptions, type AssumptionOptions } from "./assumptions.ts";
import { threadSide } from "./backtest-side.ts";
import { backtestText } from "./backtest-text.ts";
import { configFolder, configOption, withExamples } from "./options.ts";
import { note, printResult } from "./output.ts";
import { withCleanup } from "./process/cleanup.ts";
import { stopOnSignals } from "./process/signals.ts";
import { progressOf } from "./progress.ts";

interface BacktestOptions extends AssumptionOptions {
  alerts: string[];
  against: string;
  config?: string;
  from?: string;
  to?: string;
  failOn?: Change[];
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

async function run(command: Command, options: BacktestOptions): Promise<void> {
  const report = await watched(options);
  const failed = (options.failOn ?? []).filter((change) => (report.comparison?.changes[change] ?? 0) > 0);
  const assumed = assumedText(options);
  printResult(command, { ...report, assumed, failedOn: failed }, () => backtestText(report, assumed));
  if (failed.length === 0) return;
  note(`selfheal: --fail-on: there are changes of the kind ${failed.join(", ")}`);
  process.exitCode = EXIT.failed;
}

/** With its progress on a terminal. A Ctrl-C ends it without a report. */
function watched(options: BacktestOptions): Promise<BacktestReport> {
  return withCleanup(async (defer) => {
    const stop = stopOnSignals();
    defer(stop.release);
    const progress = progressOf("alerts");
    defer(progress.end);
    let done = 0;
    const { alerts: files, from, to, work, approve, reset } = options;
    try {
      return await backtestFolders({
        before: configFolder(options.config, readEnv()),
        after: options.against,
        recorded: { files, from, to },
        assume: { approve, reset, ...(work === undefined ? {} : { work }) },
        onProgress: (alerts) => progress.show((done = alerts)),
        signal: stop.signal,
      });
    } catch (error) {
      if (!stop.signal.aborted) throw error;
      throw new UserError(`stopped after ${done} alerts: there is no report`, { exitCode: EXIT.interrupted });
    }
  });
}

export interface FoldersOptions {
  /** Folders. */
  before: string;
  after: string;
  recorded: Omit<RecordedOptions, "signal">;
  assume: AssumptionOptions;
  onProgress: (alerts: number) => void;
  signal: AbortSignal;
}

/** Each folder is loaded and lives through the alerts in a thread of its own. */
export function backtestFolders({ before, after, recorded, assume, onProgress, signal }: FoldersOptions) {
  return withCleanup(async (defer) => {
    const sides = { before: threadSide({ folder: before, assume }), after: threadSide({ folder: after, assume }) };
    for (const { stop } of Object.values(sides)) defer(stop);
    // Both load at once. What is wrong with a folder is said before anything is read: standard input may take its time.
    await sides.before.open();
    await sides.after.open();
    return backtest({
      alerts: recordedAlerts({ ...recorded, signal }),
      ...sides,
      onProgress,
      signal,
    });
  });
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
