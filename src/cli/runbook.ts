/** `selfheal runbook …`: what people do with runbooks before these act. */
import { Command } from "commander";
import { ACTIONS } from "../activities/actions.ts";
import { processSecrets } from "../config/secrets.ts";
import { withExamples } from "./options.ts";
import { wantsJson } from "./output.ts";
import { runbookCheck } from "./runbook-check.ts";
import { runbookTest } from "./runbook-test.ts";

export function runbookCommand(): Command {
  const check = new Command("check")
    .description("Find every mistake in configuration folders or runbooks at once, each with its place and its cure.")
    .argument("[path...]", "folders with a selfheal.yaml, folders with runbooks, or single files", ["runbooks"])
    .option("--secrets", "also follow references to secrets in this environment")
    .action(run);
  withExamples(check, [
    ["selfheal runbook check", "the runbooks in ./runbooks"],
    ["selfheal runbook check ./config --secrets", "a whole folder, on the machine where it will run"],
    ["selfheal --json runbook check disk.yaml", "for a CI or an editor"],
  ]);
  return new Command("runbook").description("Check and test runbooks.").addCommand(check).addCommand(testCommand());
}

function testCommand(): Command {
  const test = new Command("test")
    .description("Run the tests beside the runbooks (*.test.yaml): alerts and facts, and what must be decided.")
    .argument("[folder]", "a configuration folder, or one with runbooks alone", "runbooks")
    .action(async (folder: string, _options: object, command: Command) => {
      const write = (text: string): void => void process.stdout.write(text);
      process.exitCode = await runbookTest({ folder, actions: ACTIONS, json: wantsJson(command), write });
    });
  return withExamples(test, [
    ["selfheal runbook test", "the tests in ./runbooks"],
    ["selfheal --json runbook test ./config", "for a CI"],
  ]);
}

async function run(paths: string[], options: { secrets?: boolean }, command: Command): Promise<void> {
  process.exitCode = await runbookCheck({
    paths,
    actions: ACTIONS,
    ...(options.secrets === true ? { secrets: processSecrets() } : {}),
    json: wantsJson(command),
    write: (text) => void process.stdout.write(text),
  });
}
