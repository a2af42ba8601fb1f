/** `selfheal explain`: why an alert is decided as it is. From a file and a folder alone, or by a running selfheal. */
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { ACTIONS } from "../activities/actions.ts";
import { alertsOf } from "../backtest/recorded.ts";
import { explain, NOTHING_READ } from "../catalogue/explain.ts";
import { readEnv } from "../config/env.ts";
import { EXIT, UserError } from "../config/user-error.ts";
import type { Alert } from "../contracts/alert.ts";
import { requireCatalogue } from "../starters/active-catalogue.ts";
import type { ExplainAnswer } from "../starters/explain.ts";
import { alertOfLabels } from "../starters/sources/bounds.ts";
import { explanationText } from "./explain-text.ts";
import { configFolder, configOption, withExamples } from "./options.ts";
import { printResult } from "./output.ts";
import { callApi } from "./remediation-api.ts";
import { apiCommand, contextOf, ID_HELP, type RemediationCommandOptions } from "./remediation-context.ts";

interface ExplainOptions {
  fingerprint?: string;
  remediation?: string;
  config?: string;
}

export function explainCommand(options: RemediationCommandOptions = {}): Command {
  const context = contextOf(options);
  const command = apiCommand(
    "explain",
    "Say which rule, which facts and which guardrails decide about an alert, and what would happen now.",
  )
    .argument(
      "[alert]",
      "a JSON file: an alert, its labels alone, or a body of Alertmanager's webhook; needs no running selfheal",
    )
    .option("--fingerprint <fingerprint>", "an alert of the record, explained by the API")
    .option("--remediation <id>", `${ID_HELP}; explained by the API`)
    .addOption(configOption());
  command.action(async (file: string | undefined, given: ExplainOptions) => {
    const { fingerprint, remediation } = given;
    const chosen = [file, fingerprint, remediation].filter((one) => one !== undefined);
    if (chosen.length !== 1) {
      throw new UserError("explain what? Right would be one of a file, --fingerprint and --remediation", {
        exitCode: EXIT.usage,
      });
    }
    const answers =
      file === undefined ? [await ask(given)] : await offline(file, configFolder(given.config, readEnv()));
    printResult(command, answers.length === 1 ? answers[0] : answers, () => answers.map(explanationText).join("\n\n"));
  });
  const ask = ({ fingerprint, remediation }: ExplainOptions): Promise<ExplainAnswer> =>
    callApi(context.options(command), "/explain", fingerprint === undefined ? { remediation } : { fingerprint });
  return withExamples(command, [
    ["selfheal explain alert.json --config ./config", "what this folder makes of it, from the file alone"],
    ["selfheal explain --remediation web-1", "what was decided, and what would be now"],
  ]);
}

/** Facts of live systems are not read here, and the answer says which. */
async function offline(file: string, folder: string): Promise<ExplainAnswer[]> {
  const alerts = await alertsIn(file);
  const catalogue = await requireCatalogue(folder, ACTIONS);
  return alerts.map((alert) => ({
    recorded: null,
    now: explain(catalogue, [alert], { ...NOTHING_READ, now: new Date().toISOString() }),
  }));
}

async function alertsIn(file: string): Promise<Alert[]> {
  const text = await readFile(file === "-" ? "/dev/stdin" : file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`${file} cannot be read (${error.code ?? error.message})`, { exitCode: EXIT.usage });
  });
  const labels = labelsAlone(text);
  return labels === null ? alertsOf(text, file) : [alertOfLabels(labels)];
}

/** `{"alertname": "DiskFull", "host": "web-1"}` or `{"labels": {…}}` without a status. */
function labelsAlone(text: string): Record<string, string> | null {
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    if (typeof value["status"] === "string" || Array.isArray(value["alerts"])) return null;
    const labels = (value["labels"] ?? value) as Record<string, unknown>;
    return Object.values(labels).every((one) => typeof one === "string") ? (labels as Record<string, string>) : null;
  } catch {
    return null;
  }
}
