/** `selfheal remediation token`: decide and command past the API, by a signal that proves who sent it (ADR 37). */
import { InvalidArgumentError, Option, type Command as CliCommand } from "commander";
import { UserError } from "../config/user-error.ts";
import { WORDS } from "../contracts/ballot.ts";
import { COMMANDS, spelled } from "../contracts/remediation.ts";
import { plain } from "../contracts/text.ts";
import type { TokenAnswer, TokenDecision } from "../starters/decisions.ts";
import { withExamples } from "./options.ts";
import { printResult } from "./output.ts";
import type { RemediationApi } from "./remediation-api.ts";
import { apiCommand, ID_HELP, type Context } from "./remediation-context.ts";
import { heldOf } from "../starters/story/held.ts";

const DECISIONS: readonly TokenDecision[] = [...WORDS, ...COMMANDS];

interface TokenOptions {
  decision: string;
  by?: string;
  expiresIn?: number;
}

export function tokenCommand(context: Context): CliCommand {
  const command = apiCommand("token", "a one-time token: decide or command by a Temporal signal, past the API")
    .argument("<id>", ID_HELP)
    .addOption(new Option("--decision <decision>", "what it is for").choices(DECISIONS.map(spelled)).default("approve"))
    .option("--by <name>", "who may use it; default the owner of your token, else your user name")
    .option("--expires-in <seconds>", "default 3600", parseSeconds);
  command.action((id: string, options: TokenOptions) => issue(context, command, id, options));
  return withExamples(command, [
    ["selfheal remediation token host/web-1 --by anna", "prints the signal that approves, to copy"],
    ["selfheal remediation token host/web-1 --by anna --decision take", "the signal that takes it over"],
  ]);
}

async function issue(context: Context, command: CliCommand, id: string, options: TokenOptions): Promise<void> {
  const { by = context.by(), expiresIn } = options;
  const decision = DECISIONS.find((one) => spelled(one) === options.decision);
  if (decision === undefined) throw new UserError(`--decision: got ${options.decision}`);
  const api = context.api(command);
  const at = await placeOf(api, decision, id);
  const expiry = expiresIn === undefined ? {} : { expiresInSeconds: expiresIn };
  const answer = await api.token(id, { by, decision, ...expiry });
  // The signal on a line of its own, to be copied.
  const lines = [`for ${answer.by} alone, once, until ${answer.expiresAt}:`, signalOf(answer, at)];
  printResult(command, answer, () => lines.map(plain).join("\n"));
}

/** What goes on from where it stands is bound to that place, so that it does not hit the step behind it. */
async function placeOf(api: RemediationApi, decision: TokenDecision, id: string): Promise<string | null> {
  if (decision === "take" || WORDS.some((word) => word === decision)) return null;
  return heldOf(await api.story(id))?.at ?? null;
}

function signalOf(
  { workflowId, remediationId, decision, by, planHash, token }: TokenAnswer,
  at: string | null,
): string {
  const about = planHash === null ? { remediationId, ...(at === null ? {} : { at }) } : { planHash };
  const input = JSON.stringify({ ...about, by, token });
  return `temporal workflow signal --workflow-id '${workflowId}' --name remediation.${decision} --input '${input}'`;
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 1)
    throw new InvalidArgumentError("A whole number of seconds, 1 or more.");
  return seconds;
}
