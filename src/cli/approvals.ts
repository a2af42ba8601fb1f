/** `selfheal approvals standing …`: standard changes that a person approves beforehand. */
import { Command, InvalidArgumentError } from "commander";
import { plain } from "../contracts/text.ts";
import { DURATION_HELP, parseDuration } from "../catalogue/duration.ts";
import type { StandingRow } from "../record/api-autonomy.ts";
import type { GiveAnswer } from "../starters/standing.ts";
import { parseCount, withExamples } from "./options.ts";
import { printResult, table } from "./output.ts";
import { callApi } from "./remediation-api.ts";
import { apiCommand, contextOf, type Context, type RemediationCommandOptions } from "./remediation-context.ts";
import { ago } from "./remediation-text.ts";

const PATH = "/approvals/standing";

export function approvalsCommand(options: RemediationCommandOptions = {}): Command {
  const context = contextOf(options);
  const standing = new Command("standing")
    .description("approvals given beforehand, for one version of a runbook on one group")
    .addCommand(giveCommand(context))
    .addCommand(listCommand(context))
    .addCommand(withdrawCommand(context));
  return new Command("approvals").description("what people approve beforehand").addCommand(standing);
}

interface GiveOptions {
  runbook: string;
  group: string;
  for: number;
  max: number;
  reason: string;
  by?: string;
}

function giveCommand(context: Context): Command {
  const command = apiCommand("give", "approve plans of the active version of a runbook on one group beforehand")
    .requiredOption("--runbook <name>", "its active version only: a change of it ends the approval")
    .requiredOption("--group <name>", "the targets' group")
    .requiredOption("--for <duration>", `how long: ${DURATION_HELP}`, duration)
    .requiredOption("--max <count>", "how often at most", parseCount)
    .requiredOption("--reason <text>", "why; people read it in the record")
    .option(
      "--by <name>",
      "who approves; needs a role that may approve the runbook; default the owner of your token, else your user name",
    );
  command.action(async ({ runbook, group, for: forMs, max, reason, by = context.by() }: GiveOptions) => {
    const body = { runbook, group, by, reason, forMs, maxCount: max };
    const given = await callApi<GiveAnswer>(context.options(command), PATH, body);
    printResult(command, given, () => {
      const { targets, of, because } = given.covers;
      const what = `${runbook} (version ${given.runbookHash.slice(0, 12)}) on ${group}`;
      return plain(
        `given ${given.id}: ${what}, ${max} times until ${given.expiresAt}; covers ${targets} of ${of} targets (${because})`,
      );
    });
  });
  const example =
    'selfheal approvals standing give --runbook disk-replacement --group web --for 7d --max 10 --reason "CHG-4711"';
  return withExamples(command, [[example, "ten disks in a week need no further approval"]]);
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new InvalidArgumentError(`${DURATION_HELP}.`);
  return ms;
}

function listCommand(context: Context): Command {
  const command = apiCommand("list", "given and declared ones, newest first, also those that count no more");
  command.action(async () => {
    const { standing } = await callApi<{ standing: StandingRow[] }>(context.options(command), PATH);
    printResult(command, standing, () => standingText(standing, context.outside.now()));
  });
  return withExamples(command, [["selfheal approvals standing list", "with how often each was used"]]);
}

export function standingText(rows: readonly StandingRow[], now: number): string {
  if (rows.length === 0) return "no standing approval was ever given";
  const cells = rows.map((row) => {
    const last = row.uses[0];
    return [
      row.id.slice(0, 13),
      row.state,
      `${row.runbook} ${row.runbookHash.slice(0, 8)}`,
      row.group,
      `${row.used} of ${row.maxCount}`,
      row.expiresAt,
      `${row.by}${row.declared ? " (selfheal.yaml)" : ""}`,
      last === undefined ? "-" : `${last.target.kind}/${last.target.id}, ${ago(last.at, now)} ago`,
      row.reason,
    ].map(plain);
  });
  return table(["ID", "STATE", "RUNBOOK", "GROUP", "USED", "UNTIL", "BY", "LAST USE", "REASON"], cells);
}

function withdrawCommand(context: Context): Command {
  const command = apiCommand("withdraw", "end a standing approval at once; what was admitted with it goes on")
    .argument("<id>", "its id, or the beginning of it")
    .option("--by <name>", "who withdraws it; default the owner of your token, else your user name");
  command.action(async (id: string, { by = context.by() }: { by?: string }) => {
    const row = await callApi<StandingRow>(context.options(command), `${PATH}/withdraw`, { id, by });
    printResult(command, row, () => plain(`withdrawn ${row.id}; it was used ${row.used} of ${row.maxCount} times`));
  });
  return withExamples(command, [["selfheal approvals standing withdraw 5f3a91c2", "from the list"]]);
}
