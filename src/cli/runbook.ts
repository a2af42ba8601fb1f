/** `selfheal runbook check`: finds every mistake before a runbook gets near a server. */
import { Command } from "commander";
import { ACTIONS } from "../activities/actions.ts";
import { readEnv } from "../config/env.ts";
import { processSecrets } from "../workers/connections.ts";
import { configFolder, withExamples } from "./options.ts";
import { wantsJson } from "./output.ts";
import { runbookCheck } from "./runbook-check.ts";

export function runbookCommand(): Command {
  const check = new Command("check")
    .description("Check configuration folders, or single runbooks: each mistake with file, line and what would be right.")
    .argument("[paths...]", "folders with a selfheal.yaml, or runbook files; default: the configured folder")
    .option("--secrets", "also check that every referenced secret is there")
    .action(run);
  withExamples(check, [
    ["selfheal runbook check ./config", "everything that a worker would load"],
    ["selfheal runbook check runbooks/disk-replacement.yaml", "one runbook by itself"],
    ["selfheal runbook check --secrets ./config", "on the machine that will run it"],
  ]);
  return new Command("runbook").description("Check runbooks.").addCommand(check);
}

async function run(paths: string[], options: { secrets?: boolean }, command: Command): Promise<void> {
  process.exitCode = await runbookCheck({
    paths: paths.length > 0 ? paths : [configFolder(undefined, readEnv())],
    actions: ACTIONS,
    ...(options.secrets === true ? { secrets: processSecrets() } : {}),
    json: wantsJson(command),
    write: (text) => void process.stdout.write(text),
  });
}
