/** `selfheal remediation …`: everything goes through the API, never past it. */
import { userInfo } from "node:os";
import { createInterface } from "node:readline/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import { readEnv, secretFromEnv } from "../config/env.ts";
import { EXIT, UserError } from "../config/user-error.ts";
import { OUTCOMES, PHASES } from "../contracts/remediation.ts";
import { Secret } from "../ports/secret.ts";
import type { DecisionKind } from "../starters/decisions.ts";
import type { TellStory } from "../starters/http/remediations.ts";
import { withExamples } from "./options.ts";
import { note, printResult } from "./output.ts";
import { DEFAULT_URL, remediationApi, type ApiOptions, type RemediationApi } from "./remediation-api.ts";
import { listText, plain, planText, storyText } from "./remediation-text.ts";

export interface RemediationCommandOptions {
  /** Where the API is when `--url` is left out; default SELFHEAL_URL, then http://127.0.0.1:8080. */
  url?: string;
  /** Default SELFHEAL_TOKEN. */
  token?: string;
  /** Tests only: the outside. */
  outside?: Partial<Outside>;
}

interface Outside {
  fetch: typeof fetch;
  now: () => number;
  sleep: (ms: number) => Promise<void>;
  interactive: boolean;
  ask: (question: string) => Promise<string>;
  user: () => string;
}

export interface Context {
  outside: Outside;
  api: (command: Command) => RemediationApi;
  options: (command: Command) => ApiOptions;
}

export function remediationCommand(options: RemediationCommandOptions = {}): Command {
  const context = contextOf(options);
  const command = new Command("remediation").description("list, read and decide remediations");
  command.addCommand(listCommand(context));
  command.addCommand(showCommand(context));
  for (const kind of ["approve", "reject", "cancel"] as const) command.addCommand(decisionCommand(context, kind));
  command.addCommand(tokenCommand(context));
  return command;
}

export function contextOf(options: RemediationCommandOptions): Context {
  const outside: Outside = {
    fetch: globalThis.fetch,
    now: Date.now,
    sleep: (ms) => sleep(ms),
    interactive: process.stdin.isTTY && process.stderr.isTTY,
    ask: askOnTerminal,
    user: userName,
    ...options.outside,
  };
  const apiOptions = (command: Command): ApiOptions => {
    const given = command.opts<{ url?: string }>().url;
    const url = given ?? options.url ?? readEnv().SELFHEAL_URL ?? DEFAULT_URL;
    const token = options.token ?? secretFromEnv("SELFHEAL_TOKEN");
    return { url, token: token === null ? null : new Secret(token), fetch: outside.fetch };
  };
  return { outside, options: apiOptions, api: (command) => remediationApi(apiOptions(command)) };
}

export function apiCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option(
      "--url <url>",
      `where the API is (SELFHEAL_URL); default ${DEFAULT_URL}; the token comes from SELFHEAL_TOKEN`,
    );
}

function listCommand(context: Context): Command {
  const command = apiCommand("list", "newest first")
    .option("--open", "only those that are not closed")
    .option("--target <target>", "kind/id or id")
    .option("--runbook <name>", "of this runbook")
    .addOption(new Option("--phase <phase>", "in this phase").choices(PHASES))
    .addOption(new Option("--outcome <outcome>", "closed with this outcome").choices(OUTCOMES))
    .option("--limit <count>", "at most this many, up to 1000; default 50", parseLimit, "50");
  command.action(async (options: Record<string, string | boolean>) => {
    const names = ["target", "runbook", "phase", "outcome", "limit"].filter((name) => options[name] !== undefined);
    const query = Object.fromEntries(names.map((name) => [name, String(options[name])]));
    const rows = await context.api(command).list({ ...query, ...(options["open"] === true ? { open: "true" } : {}) });
    printResult(command, rows, () => listText(rows, context.outside.now()));
  });
  return withExamples(command, [
    ["selfheal remediation list --open", "what is in work now"],
    ["selfheal remediation list --target host/web-1", "the history of one host"],
    ["selfheal remediation list --phase approve", "what waits for a person"],
  ]);
}

function parseLimit(text: string): string {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 1000)
    throw new InvalidArgumentError("A whole number from 1 to 1000.");
  return text;
}

const ID_HELP = "remediation id, its beginning, or a target (kind/id or id): its newest remediation";

function showCommand(context: Context): Command {
  const command = apiCommand("show", "the whole story of one remediation").argument("<id>", ID_HELP);
  command.action(async (id: string) => {
    const story = await context.api(command).story(id);
    printResult(command, story, () => storyText(story, context.outside.now()));
  });
  return withExamples(command, [["selfheal remediation show host/web-1", "the newest one of a host"]]);
}

const DOES: Record<DecisionKind, string> = {
  approve: "approve the plan that waits for it",
  reject: "reject the plan: the remediation ends without acting",
  cancel: "end a remediation: what can be undone is undone, the target goes to its safe state",
};

interface DecisionOptions {
  by?: string;
  reason?: string;
  planHash?: string;
  yes?: boolean;
}

function decisionCommand(context: Context, kind: DecisionKind): Command {
  const command = apiCommand(kind, DOES[kind])
    .argument("<id>", ID_HELP)
    .option("--by <name>", "who decides; default your user name")
    .option("--reason <text>", "why; people read it in the record")
    .option("--yes", "do not ask");
  if (kind !== "cancel")
    command.option("--plan-hash <hash>", "hash of the plan that you mean, or its beginning; default the one shown");
  command.action((id: string, options: DecisionOptions) => decide(context, command, kind, id, options));
  return withExamples(command, [
    [`selfheal remediation ${kind} host/web-1`, "shows what is decided, and asks"],
    [`selfheal remediation ${kind} host/web-1 --yes --reason "checked by hand"`, "without a terminal"],
  ]);
}

function tokenCommand(context: Context): Command {
  const command = apiCommand("token", "a one-time token: decide by a Temporal signal, past the API")
    .argument("<id>", ID_HELP)
    .addOption(new Option("--decision <decision>", "what it is for").choices(["approve", "reject"]).default("approve"))
    .option("--by <name>", "who may use it; default your user name")
    .option("--expires-in <seconds>", "default 3600", parseSeconds);
  command.action(async (id: string, options: { decision: string; by?: string; expiresIn?: number }) => {
    const { decision, by = context.outside.user(), expiresIn } = options;
    const expiry = expiresIn === undefined ? {} : { expiresInSeconds: expiresIn };
    const answer = await context.api(command).token(id, { by, decision, ...expiry });
    printResult(command, answer, () => {
      const input = JSON.stringify({ planHash: answer.planHash, by, token: answer.token });
      const name = `remediation.${answer.decision}`;
      return plain(
        `for ${by} alone, once, until ${answer.expiresAt}:\n` +
          `temporal workflow signal --workflow-id '${answer.workflowId}' --name ${name} --input '${input}'`,
      );
    });
  });
  return withExamples(command, [
    ["selfheal remediation token host/web-1 --by ada", "prints the signal that approves, to copy"],
  ]);
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 1)
    throw new InvalidArgumentError("A whole number of seconds, 1 or more.");
  return seconds;
}

async function decide(context: Context, command: Command, kind: DecisionKind, id: string, options: DecisionOptions) {
  const api = context.api(command);
  const story = await api.story(id);
  const planHash = kind === "cancel" ? null : planOf(kind, story, options.planHash);
  if (options.yes !== true) await confirm(context.outside, kind, story);
  const by = options.by ?? context.outside.user();
  const answer = await api.decide(kind, story.remediation.remediationId, {
    by,
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    ...(planHash === null ? {} : { planHash }),
  });
  const { remediationId, target } = answer;
  if (kind !== "cancel") await requireCounted(context, api, { kind, remediationId, by, planHash });
  printResult(command, answer, () => {
    const plan = planHash === null ? "" : `, plan ${planHash.slice(0, 12)}`;
    return plain(`${kind}: taken by remediation ${remediationId} of ${target.kind}/${target.id}${plan}`);
  });
}

/** How long the workflow may take to say whether the decision counts; after that it is only known to be taken. */
const LOOKS = 25;
const LOOK_EVERY_MS = 200;

/** The workflow takes a decision first and verifies the person afterwards: what it made of it is in the story. */
async function requireCounted(
  { outside }: Context,
  api: RemediationApi,
  decision: { kind: DecisionKind; remediationId: string; by: string; planHash: string | null },
): Promise<void> {
  for (let look = 0; look < LOOKS; look++) {
    const { decisions } = await api.story(decision.remediationId);
    const mine = decisions.findLast(
      ({ by, decision: what, planHash }) =>
        by === decision.by && what === decision.kind && planHash === decision.planHash,
    );
    if (mine?.status === "counted") return;
    if (mine !== undefined) throw new UserError(`the decision of ${decision.by} does not count: ${mine.reason}`);
    await outside.sleep(LOOK_EVERY_MS);
  }
  note("taken; the workflow has not said yet whether it counts (is a worker running?)");
}

/** The decision is bound to the exact plan: the one given, or the one that was fetched and shown. */
function planOf(kind: DecisionKind, story: TellStory, given: string | undefined): string {
  const { planHash, phase, remediationId, closedAt, outcome } = story.remediation;
  if (closedAt !== null) throw new UserError(`remediation ${remediationId} is closed already: ${outcome ?? ""}`);
  // People copy the twelve characters that they are shown; whatever else is given goes out as it is, to be refused.
  if (given !== undefined) return given.length >= 8 && planHash?.startsWith(given) === true ? planHash : given;
  if (planHash !== null) return planHash;
  throw new UserError(`remediation ${remediationId} has no plan to ${kind} yet: it is in phase ${phase}`);
}

/** Shows what is decided and asks; without a terminal nobody is asked, and `--yes` or the plan's hash must say it. */
async function confirm(outside: Outside, kind: DecisionKind, story: TellStory): Promise<void> {
  const { plan, remediation } = story;
  const { target, remediationId, planHash } = remediation;
  if (!outside.interactive) {
    throw new UserError(
      `will not ${kind} without being asked on a terminal: look with \`selfheal remediation show ${remediationId}\`, then add --yes`,
      {
        exitCode: EXIT.usage,
      },
    );
  }
  if (plan !== null && kind !== "cancel") note(planText(plan, planHash ?? ""));
  note(plain(`${target.kind}/${target.id} is in phase ${remediation.phase}: ${remediation.doing}`));
  const answer = await outside.ask(`${kind} this? [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new UserError("nothing was decided", { exitCode: EXIT.failed });
}

async function askOnTerminal(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    throw new UserError("this user has no name: say who decides with --by", { exitCode: EXIT.usage });
  }
}
