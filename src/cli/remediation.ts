/** `selfheal remediation …`: everything goes through the API, never past it. */
import { Command } from "commander";
import { EXIT, UserError } from "../config/user-error.ts";
import { approvalsText, quorumOf, WORDS } from "../contracts/ballot.ts";
import { COMMANDS, type Command as TakeoverCommand } from "../contracts/remediation.ts";
import { plain } from "../contracts/text.ts";
import type { DecisionKind } from "../starters/decisions.ts";
import type { TellStory } from "../starters/http/remediations.ts";
import { storyPlan } from "../starters/story/story.ts";
import { withExamples } from "./options.ts";
import { note, printResult } from "./output.ts";
import type { RemediationApi } from "./remediation-api.ts";
import {
  apiCommand,
  contextOf,
  ID_HELP,
  LOOK_EVERY_MS,
  LOOKS,
  type Context,
  type Outside,
  type RemediationCommandOptions,
} from "./remediation-context.ts";
import { listCommand } from "./remediation-list.ts";
import { recoverCommand, releaseLeasesCommand } from "./remediation-recover.ts";
import { requestCommand, reviewCommand } from "./remediation-words.ts";
import { takeoverCommand } from "./remediation-takeover.ts";
import { tokenCommand } from "./remediation-token.ts";
import { planText, storyText } from "./story-text.ts";

export function remediationCommand(options: RemediationCommandOptions = {}): Command {
  const context = contextOf(options);
  const command = new Command("remediation").description("list, read and decide remediations");
  command.addCommand(listCommand(context));
  command.addCommand(showCommand(context));
  for (const kind of [...WORDS, "cancel"] as const) command.addCommand(decisionCommand(context, kind));
  for (const name of COMMANDS) command.addCommand(takeoverCommand(context, name));
  command.addCommand(requestCommand(context));
  command.addCommand(reviewCommand(context));
  command.addCommand(tokenCommand(context));
  command.addCommand(recoverCommand(context));
  command.addCommand(releaseLeasesCommand(context));
  return command;
}

function showCommand(context: Context): Command {
  const command = apiCommand("show", "the whole story of one remediation")
    .argument("[id]", ID_HELP)
    .option("--target <target>", "of this target (kind/id or id): its newest one")
    .option("--fingerprint <fingerprint>", "of the alert with this fingerprint: its newest one");
  command.action(async (id: string | undefined, options: Named) => {
    const api = context.api(command);
    const story = await api.told(await nameOf(api, { ...options, ...(id === undefined ? {} : { id }) }));
    printResult(command, story, () => storyText(story, context.outside.now()));
  });
  return withExamples(command, [
    ["selfheal remediation show host/web-1", "the newest one of a host"],
    ["selfheal remediation show --fingerprint 8e2c6f13a0b4d597", "the one that an alert belongs to"],
  ]);
}

interface Named {
  id?: string;
  target?: string;
  fingerprint?: string;
}

async function nameOf(api: RemediationApi, { id, target, fingerprint }: Named): Promise<string> {
  const given = [id, target, fingerprint].filter((one) => one !== undefined);
  if (given.length !== 1) {
    throw new UserError("say which one: ID, --target or --fingerprint", { exitCode: EXIT.usage });
  }
  if (fingerprint === undefined) return id ?? target ?? "";
  const found = await api.ofAlert(fingerprint);
  if (found !== null) return found;
  throw new UserError(`no remediation has an alert with the fingerprint ${fingerprint}: see \`selfheal explain\``);
}

type Kind = Exclude<DecisionKind, TakeoverCommand>;
const DOES: Record<Kind, string> = {
  approve: "approve the plan that waits for it",
  reject: "reject the plan: the remediation ends without acting",
  withdraw: "take back your approval, while it waits for those of others",
  cancel: "end a remediation: what can be undone is undone, the target goes to its safe state",
};

interface DecisionOptions {
  by?: string;
  reason?: string;
  planHash?: string;
  yes?: boolean;
}

function decisionCommand(context: Context, kind: Kind): Command {
  const command = apiCommand(kind, DOES[kind])
    .argument("<id>", ID_HELP)
    .option("--by <name>", "who decides; default the owner of your token, else your user name")
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

async function decide(context: Context, command: Command, kind: Kind, id: string, options: DecisionOptions) {
  const api = context.api(command);
  const story = await api.story(id);
  const planHash = kind === "cancel" ? null : planOf(kind, story, options.planHash);
  if (options.yes !== true) await confirm(context.outside, kind, story);
  const by = options.by ?? context.by();
  const answer = await api.decide(kind, story.remediation.remediationId, {
    by,
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    ...(planHash === null ? {} : { planHash }),
  });
  const { remediationId, target } = answer;
  const after =
    kind === "cancel" ? null : await requireCounted(context, api, { kind, remediationId, by: answer.by, planHash });
  printResult(command, answer, () => {
    const plan = planHash === null ? "" : `, plan ${planHash.slice(0, 12)}`;
    const soFar = after === null || planHash === null ? "" : howFar(after, planHash);
    return plain(`${kind}: taken by remediation ${remediationId} of ${target.kind}/${target.id}${plan}${soFar}`);
  });
}

/** The workflow takes a decision first and verifies the person afterwards: what it made of it is in the story. */
async function requireCounted(
  { outside }: Context,
  api: RemediationApi,
  decision: { kind: Kind; remediationId: string; by: string; planHash: string | null },
): Promise<TellStory | null> {
  for (let look = 0; look < LOOKS; look++) {
    const story = await api.story(decision.remediationId);
    const mine = story.decisions.findLast(
      ({ by, decision: what, planHash }) =>
        by === decision.by && what === decision.kind && planHash === decision.planHash,
    );
    if (mine?.status === "counted") return story;
    if (mine !== undefined) throw new UserError(`the decision of ${decision.by} does not count: ${mine.reason}`);
    await outside.sleep(LOOK_EVERY_MS);
  }
  note("taken; the workflow has not said yet whether it counts (is a worker running?)");
  return null;
}

/** `: 1 of 2 approvals (ada)`, where more than one person must approve. */
function howFar({ plan, decisions }: TellStory, planHash: string): string {
  const quorum = plan === null ? 1 : quorumOf(plan.approval);
  if (quorum === 1) return "";
  const approved = decisions.filter(
    (one) => one.decision === "approve" && one.status === "counted" && one.planHash === planHash,
  );
  return `: ${approvalsText(
    approved.map(({ by }) => by),
    quorum,
  )}`;
}

/** The decision is bound to the exact plan: the one given, or the one that was fetched and shown. */
function planOf(kind: Kind, story: TellStory, given: string | undefined): string {
  const { planHash, phase, remediationId, closedAt, outcome } = story.remediation;
  if (closedAt !== null) throw new UserError(`remediation ${remediationId} is closed already: ${outcome ?? ""}`);
  // People copy the twelve characters that they are shown; whatever else is given goes out as it is, to be refused.
  if (given !== undefined) return given.length >= 8 && planHash?.startsWith(given) === true ? planHash : given;
  if (planHash !== null) return planHash;
  throw new UserError(`remediation ${remediationId} has no plan to ${kind} yet: it is in phase ${phase}`);
}

/** Shows what is decided and asks; without a terminal nobody is asked, and `--yes` or the plan's hash must say it. */
async function confirm(outside: Outside, kind: Kind, story: TellStory): Promise<void> {
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
  if (plan !== null && kind !== "cancel") note(planText(storyPlan(plan, planHash ?? "")));
  note(plain(`${target.kind}/${target.id} is in phase ${remediation.phase}: ${remediation.doing}`));
  const answer = await outside.ask(`${kind} this? [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new UserError("nothing was decided", { exitCode: EXIT.failed });
}
