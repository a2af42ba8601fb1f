/** `selfheal remediation take|retry|skip|mark-done|release|end`: a person takes a remediation over (ADR 31). */
import { InvalidArgumentError, type Command as CliCommand } from "commander";
import { UserError } from "../config/user-error.ts";
import { isJsonObject, type Json, type JsonObject } from "../contracts/json.ts";
import { spelled, type Command } from "../contracts/remediation.ts";
import { plain } from "../contracts/text.ts";
import { withExamples } from "./options.ts";
import { note, printResult } from "./output.ts";
import type { RemediationApi } from "./remediation-api.ts";
import { apiCommand, ID_HELP, LOOK_EVERY_MS, LOOKS, type Context } from "./remediation-context.ts";
import { heldOf } from "../starters/story/held.ts";
import { heldText } from "./remediation-text.ts";

const DOES: Record<Command, string> = {
  take: "take it over: it stands still at its next safe point, with its leases held",
  retry: "look again at what it stands at, and try it again where that is safe; it stays held",
  skip: "go on without the step it stands at; it stays held",
  markDone: "say that what it stands at is done; it stays held",
  release: "give it back: it goes on by itself",
  end: "end it: what can be undone is undone, the target goes to its safe state",
};

/** After these nobody holds it any more. */
const LETS_GO: readonly Command[] = ["release", "end"];

interface TakeoverOptions {
  by?: string;
  reason?: string;
  result?: JsonObject;
}

export function takeoverCommand(context: Context, command: Command): CliCommand {
  const name = spelled(command);
  const made = apiCommand(name, DOES[command])
    .argument("<id>", ID_HELP)
    .option("--by <name>", "who you are; default the owner of your token, else your user name")
    .option("--reason <text>", "why; people read it in the record");
  if (command === "markDone")
    made.option("--result <json>", 'what the step gave, for the steps that use it: \'{"ticketId":"42"}\'', parseResult);
  made.action((id: string, options: TakeoverOptions) => send(context, made, command, id, options));
  return withExamples(made, [
    [`selfheal remediation ${name} host/web-1 --by anna --reason "I look at it"`, "by its target"],
  ]);
}

function parseResult(text: string): JsonObject {
  try {
    const value = JSON.parse(text) as Json;
    if (isJsonObject(value)) return value;
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError('A JSON object, like {"ticketId":"42"}.');
}

async function send(context: Context, made: CliCommand, command: Command, id: string, options: TakeoverOptions) {
  const api = context.api(made);
  const story = await api.story(id);
  const { remediationId, closedAt, outcome } = story.remediation;
  if (closedAt !== null) throw new UserError(`remediation ${remediationId} is closed already: ${outcome ?? ""}`);
  const by = options.by ?? context.by();
  // Bound to where it stood when we looked, so that a command given twice does not hit the step behind it.
  const at = command === "take" ? null : (heldOf(story)?.at ?? null);
  const answer = await api.decide(command, remediationId, {
    by,
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    ...(options.result === undefined ? {} : { result: options.result }),
    ...(at === null ? {} : { at }),
  });
  const held = await requireCounted(context, api, { command, remediationId, by: answer.by, seen: story.audit.length });
  const { target } = answer;
  printResult(made, answer, () =>
    [plain(`${spelled(command)}: taken by remediation ${remediationId} of ${target.kind}/${target.id}`), held]
      .filter((text) => text !== "")
      .join("\n"),
  );
}

/**
 * The workflow takes a command first and verifies the person then. Answers what goes on now, for who holds it: after what
 * moves it on, from when it stands still again.
 */
async function requireCounted(
  { outside }: Context,
  api: RemediationApi,
  sent: { command: Command; remediationId: string; by: string; seen: number },
): Promise<string> {
  let counted = false;
  for (let look = 0; look < LOOKS; look++) {
    const story = await api.story(sent.remediationId);
    const news = story.audit.slice(sent.seen);
    const mine = news.find(
      ({ kind, body }) => kind === "command" && body["by"] === sent.by && body["command"] === sent.command,
    );
    if (mine?.body["status"] === "ignored") {
      throw new UserError(
        `the ${spelled(sent.command)} of ${sent.by} does not count: ${mine.body["detail"] as string}`,
      );
    }
    counted = mine !== undefined;
    if (counted && (LETS_GO.includes(sent.command) || story.remediation.closedAt !== null)) return "";
    const held = heldOf(story);
    if (counted && held !== null && (sent.command !== "take" || held.by === sent.by)) {
      return heldText(sent.remediationId, held);
    }
    await outside.sleep(LOOK_EVERY_MS);
  }
  const where = `look at \`selfheal remediation show ${sent.remediationId}\``;
  note(
    counted && sent.command !== "take"
      ? `it is carried out, and stands still again after that: ${where}`
      : `taken; it is carried out after the current call (${where}; is a worker running?)`,
  );
  return "";
}
