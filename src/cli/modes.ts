/** `selfheal modes …`: how much the automation does by itself, and what it has shown for that. */
import { Command, InvalidArgumentError, Option } from "commander";
import { EXIT, UserError } from "../config/user-error.ts";
import { ATTESTATION_KINDS, MODES, type Attestation } from "../contracts/autonomy.ts";
import { plain } from "../contracts/text.ts";
import type { Evidence } from "../policy/evidence.ts";
import type { GateAnswer, ModeRow, ModesAnswer, PromoteAnswer } from "../starters/modes.ts";
import { evidenceText, gateText, modesText } from "./modes-text.ts";
import { withExamples } from "./options.ts";
import { note, printResult } from "./output.ts";
import { callApi } from "./remediation-api.ts";
import { apiCommand, contextOf, type Context, type RemediationCommandOptions } from "./remediation-context.ts";

export function modesCommand(options: RemediationCommandOptions = {}): Command {
  const context = contextOf(options);
  return new Command("modes")
    .description("observe, review or auto: see them, set them, and the evidence for more")
    .addCommand(showCommand(context))
    .addCommand(setCommand(context))
    .addCommand(evidenceCommand(context))
    .addCommand(attestCommand(context))
    .addCommand(promoteCommand(context));
}

function showCommand(context: Context): Command {
  const command = apiCommand("show", "the mode of everything, each group and each runbook, and what counts in the end");
  command.action(async () => {
    const answer = await callApi<ModesAnswer>(context.options(command), "/modes");
    printResult(command, answer, () => modesText(answer));
  });
  return withExamples(command, [["selfheal modes show", "the lowest of global, group and runbook counts"]]);
}

interface SetOptions {
  scope: string;
  mode: string;
  reason: string;
  by?: string;
}

function setCommand(context: Context): Command {
  const modes = [...MODES, "file"];
  const command = apiCommand("set", "set a mode until somebody sets another; `file` goes back to what the files say")
    .requiredOption("--scope <scope>", "global, group:NAME, runbook:NAME or runbook:NAME@GROUP")
    .addOption(new Option("--mode <mode>", "the mode").choices(modes).makeOptionMandatory())
    .requiredOption("--reason <text>", "why; people read it in the record")
    .option("--by <name>", "who says so; default the owner of your token, else your user name");
  command.action(async ({ scope, mode, reason, by = context.by() }: SetOptions) => {
    const row = await callApi<ModeRow>(context.options(command), "/modes", { scope, mode, reason, by });
    printResult(command, row, () => plain(`${row.scope}: ${row.mode} (the files say ${row.declared})`));
  });
  return withExamples(command, [
    ['selfheal modes set --scope global --mode review --reason "release week"', "a person approves everything"],
    ['selfheal modes set --scope global --mode file --reason "it is over"', "as selfheal.yaml says"],
  ]);
}

function evidenceCommand(context: Context): Command {
  const command = apiCommand(
    "evidence",
    "by runbook and group: what it would have done, and whether people agreed",
  ).option("--days <days>", "how far back; default promotion.within of selfheal.yaml", positive);
  command.action(async ({ days }: { days?: number }) => {
    const query = days === undefined ? "" : `?days=${days}`;
    const { evidence } = await callApi<{ evidence: Evidence[] }>(context.options(command), `/modes/evidence${query}`);
    printResult(command, evidence, () => evidenceText(evidence));
  });
  return withExamples(command, [["selfheal modes evidence --days 30", "of the last month"]]);
}

function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError("A number greater than 0.");
  return number;
}

interface AttestOptions {
  summary: string;
  failed?: true;
  by?: string;
}

function attestCommand(context: Context): Command {
  const command = apiCommand("attest", "write down a backtest or a rehearsal of the active version of a runbook")
    .argument("<runbook>", "its name")
    .addOption(new Option("--kind <kind>", "what was run").choices(ATTESTATION_KINDS).makeOptionMandatory())
    .requiredOption("--summary <text>", "what was run and what came of it")
    .option("--failed", "it did not pass: takes back what was written down before")
    .option("--by <name>", "who ran it; default the owner of your token, else your user name");
  command.action(async (runbook: string, options: AttestOptions & { kind: string }) => {
    const { kind, summary, failed, by = context.by() } = options;
    const body = { runbook, kind, summary, passed: failed !== true, by };
    const made = await callApi<Attestation>(context.options(command), "/modes/attestations", body);
    printResult(command, made, () =>
      plain(`${kind} of ${runbook} (version ${made.runbookHash.slice(0, 12)}) ${made.passed ? "passed" : "failed"}`),
    );
  });
  const example = 'selfheal modes attest power-cycle --kind rehearsal --summary "3 hosts of the lab, all healed"';
  return withExamples(command, [[example, "counts for this version only"]]);
}

interface PromoteOptions {
  group: string;
  override?: string;
  dryRun?: true;
  by?: string;
}

function promoteCommand(context: Context): Command {
  const command = apiCommand("promote", "let a runbook act by itself in one group, once its checklist is met")
    .argument("<runbook>", "its name; the active version is promoted")
    .requiredOption("--group <name>", "the targets' group")
    .option("--override <reason>", "though something is missing; recorded")
    .option("--dry-run", "only show the checklist")
    .option(
      "--by <name>",
      "who promotes it; needs a role that may approve it; default the owner of your token, else your user name",
    );
  command.action(async (runbook: string, { group, override, dryRun, by = context.by() }: PromoteOptions) => {
    const query = new URLSearchParams({ runbook, group }).toString();
    const looked = await callApi<GateAnswer>(context.options(command), `/modes/gate?${query}`);
    if (dryRun === true) {
      printResult(command, looked, () => gateText(looked.gate));
      return;
    }
    const missing = looked.gate.filter((one) => !one.met);
    if (missing.length > 0 && override === undefined) {
      note(gateText(looked.gate));
      const items = missing.map((one) => one.item).join(", ");
      throw new UserError(`${runbook} is not promoted in ${group}; missing: ${items}`, { exitCode: EXIT.failed });
    }
    const body = { runbook, group, by, ...(override === undefined ? {} : { override }) };
    const done = await callApi<PromoteAnswer>(context.options(command), "/modes/promote", body);
    printResult(command, done, () => {
      const rest =
        done.effective === "auto" ? "" : `; the mode that counts there is still ${done.effective} (modes show)`;
      return `${gateText(done.gate)}\n${plain(`${runbook} is auto in ${group}${rest}`)}`;
    });
  });
  return withExamples(command, [
    ["selfheal modes promote power-cycle --group web --dry-run", "what is missing"],
    ["selfheal modes promote power-cycle --group web --by anna", "refuses while something is"],
  ]);
}
