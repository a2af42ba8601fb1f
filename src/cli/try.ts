/** `selfheal try`: read-only, on your own Prometheus and Alertmanager, with nothing written. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { parse } from "yaml";
import { ACTIONS } from "../activities/actions.ts";
import { activeAlerts } from "../adapters/alertmanager/active.ts";
import { firedAlerts } from "../adapters/prometheus/fired.ts";
import { tryOut, type FiredAlert, type TryReport } from "../backtest/try/try.ts";
import { isRunbookFile } from "../catalogue/folder.ts";
import { projectPath } from "../config/project.ts";
import { EXIT, messageOf, UserError } from "../config/user-error.ts";
import type { JsonObject } from "../contracts/json.ts";
import { AdapterError } from "../ports/failure.ts";
import { requireCatalogue } from "../starters/active-catalogue.ts";
import { assumedText, assumptionOptions, assumptionsOf, type AssumptionOptions } from "./assumptions.ts";
import { backtestText } from "./backtest-text.ts";
import { configOption, parseCount, withExamples } from "./options.ts";
import { note, printResult, table } from "./output.ts";

interface TryOptions extends AssumptionOptions {
  prometheus: string;
  alertmanager?: string;
  days: number;
  config?: string;
}

const DAY_MS = 24 * 3_600_000;
/** Beyond that the rest is left out, and said so. */
const MOST_ALERTS = 500_000;

export function tryCommand(): Command {
  const command = new Command("try")
    .description(
      "Say what selfheal would have done about the alerts of your last days. It only reads, and writes nothing.",
    )
    .requiredOption("--prometheus <url>", "your Prometheus, with the path under which it is served")
    .option("--alertmanager <url>", "your Alertmanager: also what fires now from other Prometheus servers")
    .option("--days <count>", "how far back; Prometheus keeps 15 days unless told otherwise", parseCount, 30)
    .addOption(
      configOption().default(undefined, "your folder; default: the shipped runbooks, and targets by their labels"),
    );
  for (const option of assumptionOptions()) command.addOption(option);
  command.action((options: TryOptions) => run(command, options));
  return withExamples(command, [
    ["selfheal try --prometheus http://prometheus:9090 --alertmanager http://alertmanager:9093", "the last 30 days"],
  ]);
}

async function run(command: Command, options: TryOptions): Promise<void> {
  const to = Date.now();
  const fired = await readFired(options, to);
  const catalogue = options.config === undefined ? null : await requireCatalogue(options.config, ACTIONS);
  const runbooks = await shippedRunbooks();
  const report = await tryOut({
    fired,
    to,
    runbooks,
    catalogue,
    actions: ACTIONS,
    assumptions: assumptionsOf(options),
  });
  const assumed = assumedText(options);
  printResult(command, { ...report, assumed }, () => tryText(report, options.days, assumed));
}

async function readFired({ prometheus, alertmanager, days }: TryOptions, to: number): Promise<FiredAlert[]> {
  const { OUTSIDE } = await import("../workers/compose.ts");
  const fired: FiredAlert[] = [];
  try {
    for await (const one of firedAlerts({ url: prometheus, outside: OUTSIDE, from: to - days * DAY_MS, to })) {
      if (fired.length >= MOST_ALERTS) {
        note(`selfheal: more than ${MOST_ALERTS} alerts: the rest is left out; ask for fewer --days`);
        break;
      }
      fired.push(one);
    }
    const known = new Set(fired.map(({ labels }) => keyOf(labels)));
    for (const one of alertmanager === undefined ? [] : await activeAlerts({ url: alertmanager, outside: OUTSIDE })) {
      // Alertmanager's labels are those of Prometheus and its external ones.
      if (!known.has(keyOf(one.labels))) fired.push({ ...one, endsAt: null });
    }
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    throw new UserError(`${messageOf(error)}; is the address right?`, { exitCode: EXIT.unavailable, cause: error });
  }
  return fired;
}

/** The labels that both sides give an alert. */
function keyOf({ alertname = "", host = "", instance = "", device = "" }: Record<string, string>): string {
  return JSON.stringify([alertname, host, instance, device]);
}

async function shippedRunbooks(): Promise<JsonObject[]> {
  const folder = projectPath("runbooks");
  const files = (await readdir(folder)).filter(isRunbookFile).sort();
  return Promise.all(files.map(async (file) => parse(await readFile(join(folder, file), "utf8")) as JsonObject));
}

export function tryText({ backtest, unnamed, worth }: TryReport, days: number, assumed: readonly string[]): string {
  if (backtest.alerts === 0) return `Nothing fired in the last ${days} days, as far as this Prometheus remembers.`;
  const nameless = table(
    ["alert", "times", "its labels"],
    unnamed.slice(0, 10).map(({ alertname, times, labels }) => [alertname, String(times), labels.join(", ")]),
  );
  const best = worth.map(({ alertname, why }, index) => `  ${index + 1}. ${alertname}: ${why}`).join("\n");
  return [
    backtestText(backtest, assumed),
    unnamed.length === 0 ? "Every alert names a host." : `Alerts that name no host:\n${nameless}`,
    best === "" ? "" : `Most worth automating:\n${best}`,
    "Nothing was changed. Next: selfheal init",
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}
