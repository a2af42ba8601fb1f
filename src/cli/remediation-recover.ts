/** What a person says of a remediation that nobody works on any more. */
import type { Command } from "commander";
import { plain } from "../contracts/text.ts";
import { EXIT, UserError } from "../config/user-error.ts";
import { withExamples } from "./options.ts";
import { note, printResult } from "./output.ts";
import { apiCommand, ID_HELP, type Context } from "./remediation-context.ts";

interface Word {
  by?: string;
  reason?: string;
  yes?: boolean;
}

export function recoverCommand(context: Context): Command {
  const command = apiCommand("recover", "settle and close a remediation whose workflow has ended for certain")
    .argument("<id>", ID_HELP)
    .option("--by <name>", "who says that its workflow has ended; default the owner of your token, else your user name")
    .option("--yes", "do not ask");
  command.action(async (id: string, options: Word) => {
    const api = context.api(command);
    const { remediation } = await api.story(id);
    const { remediationId, target, phase, doing, workflowId, runId } = remediation;
    const what = `${target.kind}/${target.id} is in phase ${phase}: ${doing} (workflow ${workflowId}, run ${runId})`;
    await confirm(context, options, what, "its workflow has ended for certain, in every namespace: settle it now?");
    const answer = await api.recover(remediationId, options.by ?? context.by());
    printResult(command, answer, () =>
      plain(`recover: ${target.kind}/${target.id} settles what ${remediationId} had started; see remediation show`),
    );
  });
  return withExamples(command, [
    [
      "selfheal remediation recover host/web-1",
      "Temporal does not know its workflow any more, and you know that it is gone",
    ],
  ]);
}

export function releaseLeasesCommand(context: Context): Command {
  const command = apiCommand("release-leases", "give back what a closed remediation holds, because you have looked")
    .argument("<id>", ID_HELP)
    .requiredOption("--reason <text>", "what you saw; people read it in the record")
    .option("--by <name>", "who has looked; default the owner of your token, else your user name")
    .option("--yes", "do not ask");
  command.action(async (id: string, options: Word & { reason: string }) => {
    const api = context.api(command);
    const { remediation } = await api.story(id);
    const { remediationId, target, detail } = remediation;
    await confirm(context, options, `${target.kind}/${target.id}: ${detail}`, "release its leases?");
    const answer = await api.releaseLeases(remediationId, options.by ?? context.by(), options.reason);
    printResult(command, answer, () => plain(`released by ${remediationId}: ${answer.scopes.join(", ")}`));
  });
  return withExamples(command, [
    [
      'selfheal remediation release-leases host/web-1 --reason "the ticket is closed, I looked"',
      "after an effect that nobody knew about",
    ],
  ]);
}

async function confirm({ outside }: Context, options: Word, what: string, question: string): Promise<void> {
  if (options.yes === true) return;
  if (!outside.interactive) {
    throw new UserError("will not do that without being asked on a terminal: add --yes", { exitCode: EXIT.usage });
  }
  note(plain(what));
  const answer = await outside.ask(`${question} [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new UserError("nothing was done", { exitCode: EXIT.failed });
}
