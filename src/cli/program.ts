/** All commands, wired: one file a command. */
import { Command } from "commander";
import { projectVersion } from "../config/project.ts";
import { approvalsCommand } from "./approvals.ts";
import { alertmanagerCommand } from "./alertmanager.ts";
import { alertsCommand } from "./alerts.ts";
import { auditCommand } from "./audit.ts";
import { backtestCommand } from "./backtest.ts";
import { codecCommand } from "./codec.ts";
import { catalogueCommand } from "./catalogue.ts";
import { controlCommands } from "./controls.ts";
import { demoCommand } from "./demo.ts";
import { devCommand } from "./dev.ts";
import { doctorCommand } from "./doctor.ts";
import { explainCommand } from "./explain.ts";
import { identityCommand } from "./identity.ts";
import { initCommand } from "./init.ts";
import { inventoryCommand } from "./inventory.ts";
import { modesCommand } from "./modes.ts";
import { recordCommand } from "./record.ts";
import { rehearseCommand } from "./rehearse.ts";
import { postmortemCommand } from "./postmortem.ts";
import { remediationCommand } from "./remediation.ts";
import { reportCommand } from "./report.ts";
import { runbookCommand } from "./runbook.ts";
import { schemaCommand } from "./schema.ts";
import { serveCommand } from "./serve.ts";
import { temporalCommand } from "./temporal.ts";
import { tokenCommand } from "./token.ts";
import { tryCommand } from "./try.ts";
import { surroundingCommands } from "./windows.ts";
import { workerCommand } from "./worker.ts";

const EXIT_CODES = `
Exit status: 0 it worked; 1 it was tried and failed; 2 wrong command line or configuration; 3 something it needs
(Temporal, the database, a port) is not there; 130 stopped before it was up, or by a second Ctrl-C; 141 nobody
reads its output any more.

Start with \`selfheal demo\` (a simulated datacenter, nothing to install) or \`selfheal dev\`.`;

export function selfhealProgram(): Command {
  const root = new Command("selfheal")
    .description("Heals servers from alerts: durable, guarded, reversible remediation workflows on Temporal.")
    .version(projectVersion(), "-V, --version", "print the version")
    .option("--json", "print results (and errors) as JSON")
    .option("--debug", "print the stack of an error")
    .helpOption("-h, --help", "show help")
    .showHelpAfterError("(add --help for the options)")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "selfheal: ")) })
    .exitOverride()
    .addHelpText("after", EXIT_CODES);
  for (const command of [
    demoCommand(),
    initCommand(),
    devCommand(),
    workerCommand(),
    serveCommand(),
    runbookCommand(),
    tryCommand(),
    explainCommand(),
    backtestCommand(),
    rehearseCommand(),
    alertsCommand(),
    inventoryCommand(),
    identityCommand(),
    remediationCommand(),
    reportCommand(),
    postmortemCommand(),
    tokenCommand(),
    ...controlCommands(),
    approvalsCommand(),
    modesCommand(),
    catalogueCommand(),
    ...surroundingCommands(),
    doctorCommand(),
    auditCommand(),
    recordCommand(),
    schemaCommand(),
    alertmanagerCommand(),
    temporalCommand(),
    codecCommand(),
  ]) {
    root.addCommand(command);
    inherit(root, command);
  }
  return root;
}

/** Commander hands settings down only to commands that it makes itself. */
function inherit(parent: Command, command: Command): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inherit(command, child);
}
