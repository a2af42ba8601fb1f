/** Does what a person said in chat, through the same doors as the API, in his name; answers what to tell him. */
import type { Logger } from "pino";
import type { Catalogue } from "../../catalogue/catalogue.ts";
import { type Grant, reachOf } from "../../contracts/roles.ts";
import { actingAs, throughWay } from "../../record/actor.ts";
import type { RecordStore, RemediationRow } from "../../record/api.ts";
import { confinedTo } from "../http/caller.ts";
import { pauseScope, resumeWhat, type ControlDependencies } from "../controls.ts";
import { decide, findRemediation, type DecisionDependencies } from "../decisions.ts";
import { conflict, notAllowed, ProblemError, throughRecord, Unavailable } from "../problems.ts";
import { review, type ReviewDependencies } from "../reviews.ts";
import { HELP, ROLE_OF, type ChatCommand } from "./command.ts";

export interface ChatDependencies {
  record: ControlDependencies["record"] &
    DecisionDependencies["record"] &
    ReviewDependencies["record"] &
    Pick<RecordStore, "list">;
  remediations: DecisionDependencies["remediations"] & ControlDependencies["remediations"];
  active: () => Promise<Catalogue>;
}

export interface Speaker {
  user: string;
  team: string;
}

const MOST_LISTED = 10;

/** Never rejects: what went wrong is an answer, too. */
export async function runChat(
  deps: ChatDependencies,
  { user, team }: Speaker,
  command: ChatCommand | string,
  log: Logger,
): Promise<string> {
  try {
    const { people } = await throughRecord("read the active catalogue", deps.active);
    const person = people.find((one) => one.slack?.id === user);
    if (person?.slack === undefined) {
      throw notAllowed(`the Slack user ${user} is nobody whom selfheal.yaml knows (people[].slack.id)`);
    }
    if (typeof command === "string") return `${command}. I take:\n${HELP}`;
    const { name, slack } = person;
    const groups = reachOrRefuse(name, slack, command);
    const identity = `slack:${team}/${user}`;
    const work = () => perform(deps, name, command);
    const answer = await throughWay("chat", () => actingAs(identity, () => confinedTo(groups, work)));
    log.info({ by: name, identity, command }, "a person said it in chat");
    return answer;
  } catch (error) {
    if (error instanceof ProblemError) {
      log.info({ user, command, refused: error.message }, "refused in chat");
      return `Not done: ${error.message}`;
    }
    log.warn({ user, command, err: error }, "a command of chat failed");
    const why = error instanceof Unavailable ? error.message : "selfheal failed; its log says why";
    return `Not done: ${why}. Try again, or ask \`status\` first.`;
  }
}

type Slack = NonNullable<Catalogue["people"][number]["slack"]>;

/** Where this person may do it: these groups, or null for everywhere. */
function reachOrRefuse(name: string, { roles, groups }: Slack, { kind }: ChatCommand): readonly string[] | null {
  const grants: Grant[] = roles.map((role) => ({ role, groups: groups ?? null }));
  const reach = reachOf(grants, ROLE_OF[kind]);
  if (reach === "everywhere") return null;
  if (reach.length > 0) return reach;
  throw notAllowed(`${kind} needs the role ${ROLE_OF[kind]}; ${name} has ${roles.join(", ")} in chat`);
}

async function perform(deps: ChatDependencies, by: string, command: ChatCommand): Promise<string> {
  switch (command.kind) {
    case "approve":
    case "reject":
      return decideBy(deps, by, command);
    case "review": {
      const { id, verdict, reason } = command;
      const answer = await review(deps, { id, verdict, by, reason });
      return `Reviewed: ${answer.target.id} (${answer.outcome}) was ${verdict}.`;
    }
    case "pause": {
      const { scope, forMs, reason } = command;
      const pause = await pauseScope(deps, { scope, forMs, reason, by });
      return `Paused ${pause.scope} ${pause.until === null ? "until somebody resumes it" : `until ${pause.until}`}.`;
    }
    case "resume": {
      const { resumed } = await resumeWhat(deps, command.what, by);
      return `Resumed ${resumed.map(({ scope }) => scope).join(", ")}.`;
    }
    case "status":
      return command.id === null ? statusOfAll(deps) : statusOf(await findRemediation(deps.record, command.id));
  }
}

type Decision = Extract<ChatCommand, { kind: "approve" | "reject" }>;

async function decideBy(deps: ChatDependencies, by: string, { kind, id, plan, reason }: Decision): Promise<string> {
  const row = await findRemediation(deps.record, id);
  if (plan !== null && row.planHash?.startsWith(plan) !== true) {
    const now = row.planHash === null ? "has none" : `is ${row.planHash.slice(0, 12)} now`;
    throw conflict(`the plan of ${row.target.id} ${now}, not ${plan.slice(0, 12)}: look at it again`);
  }
  const request = { kind, by, reason: reason === "" ? null : reason, at: null, result: null, via: "chat" } as const;
  const { target } = await decide(deps, {
    ...request,
    id: row.remediationId,
    planHash: plan === null ? null : row.planHash,
  });
  return `Taken: ${kind} of ${target.id} by ${by}. Whether it counts stands in its thread and in \`status ${row.remediationId}\`.`;
}

async function statusOfAll({ record }: ChatDependencies): Promise<string> {
  const rows = await throughRecord("list the remediations", () => record.list({ open: true, limit: MOST_LISTED + 1 }));
  const pauses = await throughRecord("read the pauses", () => record.pauses());
  const listed = rows.slice(0, MOST_LISTED).map((row) => `${row.remediationId}  ${titleOf(row)}`);
  return [
    ...(rows.length === 0 ? ["Nothing is open."] : listed),
    ...(rows.length > MOST_LISTED ? ["… and more: selfheal remediation list"] : []),
    ...pauses.map(({ scope, by, reason }) => `paused: ${scope} by ${by}: ${reason}`),
  ].join("\n");
}

function statusOf(row: RemediationRow): string {
  const { remediationId, phase, planHash, detail, doing, outcome } = row;
  const waits = phase === "approve" && planHash !== null;
  return [
    titleOf(row),
    outcome === null ? doing : detail,
    ...(waits ? [`approve ${remediationId} ${planHash.slice(0, 12)}   or   reject ${remediationId} REASON`] : []),
    `Whole: selfheal remediation show ${remediationId}`,
  ]
    .filter((line) => line !== "")
    .join("\n");
}

function titleOf({ target, runbook, phase, outcome, needsHuman }: RemediationRow): string {
  return `${target.kind}/${target.id}: ${runbook ?? "no runbook"}, ${outcome ?? phase}${needsHuman ? ", a person must look" : ""}`;
}
