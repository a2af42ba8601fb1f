/** `selfheal backtest`: what a changed folder would have decided about recorded alerts, beside the folder in force. */
import { InvalidArgumentError, type Command } from "commander";
import { ACTIONS } from "../activities/actions.ts";
import { attestedBy } from "../backtest/attest.ts";
import { backtest, type BacktestReport } from "../backtest/backtest.ts";
import { CHANGES, CHANGE_MEANS, type Change } from "../backtest/compare.ts";
import { recordedAlerts, type RecordedOptions } from "../backtest/recorded.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import { readEnv } from "../config/env.ts";
import { EXIT, UserError } from "../config/user-error.ts";
import { requireCatalogue } from "../starters/active-catalogue.ts";
import { assumedText, assumptionOptions, type AssumptionOptions } from "./assumptions.ts";
import { writeDown } from "./attest.ts";
import { threadSide } from "./backtest-side.ts";
import { backtestText } from "./backtest-text.ts";
import { configFolder, configOption, withExamples } from "./options.ts";
import { note, printResult } from "./output.ts";
import { withCleanup } from "./process/cleanup.ts";
import { stopOnSignals } from "./process/signals.ts";
import { progressOf } from "./progress.ts";
import { apiCommand, contextOf, type Context, type RemediationCommandOptions } from "./remediation-context.ts";

interface BacktestOptions extends AssumptionOptions {
  alerts: string[];
  against: string;
  config?: string;
  from?: string;
  to?: string;
  failOn?: Change[];
  attest?: string[];
  by?: string;
}

export function backtestCommand(options: RemediationCommandOptions = {}): Command {
  const context = contextOf(options);
  const command = apiCommand(
    "backtest",
    "Replay recorded alerts through a changed folder and print which decisions change.",
  )
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
    )
    .option(
      "--attest <runbook...>",
      "take them as promoted in the changed folder, and write down what came of it as evidence for `modes promote`, " +
        "through the API; needs --fail-on",
    )
    .option("--by <name>", "with --attest: who ran it; default the owner of your token, else your user name");
  for (const option of assumptionOptions()) command.addOption(option);
  command.action((given: BacktestOptions) => run(context, command, given));
  const changes = CHANGES.map((change) => `  ${change.padEnd(12)}${CHANGE_MEANS[change]}`).join("\n");
  command.addHelpText("after", `\nChanges:\n${changes}`);
  return withExamples(command, [
    ["selfheal backtest --alerts october.jsonl.gz --against ./changed", "beside ./config"],
    ["selfheal backtest --alerts - --against . --config ../main --fail-on new-action,refuse", "in a CI"],
    [
      "selfheal backtest --alerts october.jsonl.gz --against ./config --attest power-cycle --fail-on refuse",
      "evidence",
    ],
  ]);
}

async function run(context: Context, command: Command, options: BacktestOptions): Promise<void> {
  const { attest = [], failOn = [], against, by } = options;
  const promoted = attest.length === 0 ? null : await requirePromoted(against, attest, failOn);
  const report = await watched(options);
  const failed = failOn.filter((change) => (report.comparison?.changes[change] ?? 0) > 0);
  const assumed = [...assumedText(options), ...attest.map((name) => `${name} is promoted in the changed folder`)];
  printResult(command, { ...report, assumed, failedOn: failed }, () => backtestText(report, assumed));
  if (report.firing === 0) {
    note(`selfheal: no alert that fires is in ${options.alerts.join(", ")}${spanOf(options)}: this shows nothing`);
    if (failOn.length > 0) process.exitCode = EXIT.failed;
  }
  if (failed.length > 0) {
    note(`selfheal: --fail-on: there are changes of the kind ${failed.join(", ")}`);
    process.exitCode = EXIT.failed;
  }
  if (promoted === null) return;
  if (promoted.version !== report.after.catalogue)
    throw new UserError(`${against} has changed meanwhile: run it again`);
  for (const { name, hash } of promoted.runbooks) {
    const ran = attestedBy(report, name, failOn);
    if (ran === null)
      throw new UserError(`nothing is written down of ${name}: no alert of the recording is one of its`);
    await writeDown(context, command, { runbook: name, runbookHash: hash, kind: "backtest", ...ran }, by);
    if (!ran.passed) process.exitCode = EXIT.failed;
  }
}

function spanOf({ from, to }: Pick<BacktestOptions, "from" | "to">): string {
  return `${from === undefined ? "" : ` from ${from}`}${to === undefined ? "" : ` to ${to}`}`;
}

async function requirePromoted(
  folder: string,
  names: readonly string[],
  failOn: readonly Change[],
): Promise<Pick<Catalogue, "version" | "runbooks">> {
  const usage = (message: string): UserError => new UserError(message, { exitCode: EXIT.usage });
  if (failOn.length === 0) throw usage("--attest needs --fail-on: what must not come up for it to pass");
  const { version, runbooks } = await requireCatalogue(folder, ACTIONS);
  const unknown = names.filter((name) => !runbooks.some((one) => one.name === name));
  if (unknown.length > 0) {
    throw usage(
      `${folder} has no runbook ${unknown.join(", ")}; there are: ${runbooks.map(({ name }) => name).join(", ")}`,
    );
  }
  return { version, runbooks: runbooks.filter(({ name }) => names.includes(name)) };
}

/** With its progress on a terminal. A Ctrl-C ends it without a report. */
function watched(options: BacktestOptions): Promise<BacktestReport> {
  return withCleanup(async (defer) => {
    const stop = stopOnSignals();
    defer(stop.release);
    const progress = progressOf("alerts");
    defer(progress.end);
    let done = 0;
    const { alerts: files, from, to, work, approve, reset, attest = [] } = options;
    try {
      return await backtestFolders({
        before: configFolder(options.config, readEnv()),
        after: options.against,
        promoted: attest,
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
  /** Runbooks of `after` that are taken as promoted. */
  promoted?: readonly string[];
  recorded: Omit<RecordedOptions, "signal">;
  assume: AssumptionOptions;
  onProgress: (alerts: number) => void;
  signal: AbortSignal;
}

/** Each folder is loaded and lives through the alerts in a thread of its own. */
export function backtestFolders(options: FoldersOptions) {
  const { before, after, promoted = [], recorded, assume, onProgress, signal } = options;
  return withCleanup(async (defer) => {
    const sides = {
      before: threadSide({ folder: before, promoted: [], assume }),
      after: threadSide({ folder: after, promoted, assume }),
    };
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
