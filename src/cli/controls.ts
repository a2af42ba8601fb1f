/** `selfheal pause | resume | pauses | queue | breaker | target`: the automation as a whole, through the API. */
import { Command, InvalidArgumentError } from "commander";
import { DURATION_HELP, parseDuration } from "../catalogue/duration.ts";
import { EXIT, UserError } from "../config/user-error.ts";
import type { Pause } from "../contracts/facts.ts";
import { plain } from "../contracts/text.ts";
import type { BreakerRow, LeftOut, QueueRow } from "../record/api-guards.ts";
import type { BackAnswer, ResetAnswer, Resumed } from "../starters/controls.ts";
import { BREAKER_NAMES, breakersText, leftOutText, pausesText, queueText } from "./controls-text.ts";
import { withExamples } from "./options.ts";
import { printResult } from "./output.ts";
import { callApi } from "./remediation-api.ts";
import { apiCommand, contextOf, type Context, type RemediationCommandOptions } from "./remediation-context.ts";

const SCOPES = "global, group:NAME, rack:NAME, region:NAME, service:NAME, runbook:NAME[@GROUP], target:KIND:ID";

export function controlCommands(options: RemediationCommandOptions = {}): Command[] {
  const context = contextOf(options);
  return [
    pauseCommand(context),
    resumeCommand(context),
    pausesCommand(context),
    queueCommand(context),
    breakerCommand(context),
    targetCommand(context),
  ];
}

interface Said {
  by?: string;
  reason: string;
}

/** Commands that change something say who and why. */
function changing(name: string, description: string): Command {
  return apiCommand(name, description)
    .requiredOption("--reason <text>", "why; people read it in the record and wherever something waits")
    .option("--by <name>", "who says so; default the owner of your token, else your user name");
}

function pauseCommand(context: Context): Command {
  const command = changing("pause", "stop new work in a scope; undo and finish go on")
    .argument("<scope>", SCOPES)
    .option("--for <duration>", `ends by itself after ${DURATION_HELP}; default: until it is resumed`, duration);
  command.action(async (scope: string, { by = context.by(), reason, for: forMs }: Said & { for?: number }) => {
    const body = { scope, reason, by, ...(forMs === undefined ? {} : { forMs }) };
    const pause = await callApi<Pause>(context.options(command), "/pauses", body);
    printResult(command, pause, () => {
      const until = pause.until === null ? `until \`selfheal resume ${pause.scope}\`` : `until ${pause.until}`;
      return plain(`${pause.scope} is paused ${until} (id ${pause.id})`);
    });
  });
  return withExamples(command, [
    ['selfheal pause global --reason "incident 4711" --for 2h', "everything, for two hours"],
    ['selfheal pause rack:r02 --reason "power work"', "one rack, until it is resumed"],
  ]);
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new InvalidArgumentError(`${DURATION_HELP}.`);
  return ms;
}

function resumeCommand(context: Context): Command {
  const command = apiCommand("resume", "lift a pause")
    .argument("<what>", "the scope that was paused, or the id of one pause (or its beginning)")
    .option("--by <name>", "who says so; default the owner of your token, else your user name");
  command.action(async (what: string, { by = context.by() }: { by?: string }) => {
    const answer = await callApi<Resumed>(context.options(command), "/pauses/resume", { what, by });
    const lifted = answer.resumed.map((one) => one.scope).join(", ");
    printResult(command, answer, () => plain(`resumed ${lifted}; ${answer.hinted} waiting remediations were told`));
  });
  return withExamples(command, [["selfheal resume rack:r02", "every pause of exactly this scope"]]);
}

function pausesCommand(context: Context): Command {
  const command = apiCommand("pauses", "the pauses in force");
  command.action(async () => {
    const { pauses } = await callApi<{ pauses: Pause[] }>(context.options(command), "/pauses");
    printResult(command, pauses, () => pausesText(pauses, context.outside.now()));
  });
  return withExamples(command, [["selfheal pauses", "oldest first"]]);
}

function queueCommand(context: Context): Command {
  const command = apiCommand("queue", "who waits for the right to act, for what, and who holds it");
  command.action(async () => {
    const { queue } = await callApi<{ queue: QueueRow[] }>(context.options(command), "/queue");
    printResult(command, queue, () => queueText(queue, context.outside.now()));
  });
  return withExamples(command, [["selfheal queue", "in the order in which they will go"]]);
}

function breakerCommand(context: Context): Command {
  const list = apiCommand("list", "the breakers that are open");
  list.action(async () => {
    const { breakers } = await callApi<{ breakers: BreakerRow[] }>(context.options(list), "/breakers");
    printResult(list, breakers, () => breakersText(breakers, context.outside.now()));
  });
  return new Command("breaker")
    .description("storms, error budgets and correlations that tripped: see them, reset them")
    .addCommand(withExamples(list, [["selfheal breaker list", "what tripped, when and why"]]))
    .addCommand(resetCommand(context));
}

function resetCommand(context: Context): Command {
  const command = changing("reset", "reset the breakers of a scope: only a person does")
    .argument("<scope>", "as `selfheal breaker list` shows it")
    .option("--drop", "cancel the remediations that waited behind it (nothing waits behind an error budget)")
    .option("--re-evaluate", "confirm them and ask the guardrails afresh");
  command.action(async (scope: string, options: Said & { drop?: true; reEvaluate?: true }) => {
    if ((options.drop === true) === (options.reEvaluate === true)) {
      const message = "what becomes of the remediations that waited? Say either --drop or --re-evaluate";
      throw new UserError(message, { exitCode: EXIT.usage });
    }
    const { by = context.by(), reason } = options;
    const how = options.drop === true ? "drop" : "reEvaluate";
    const answer = await callApi<ResetAnswer>(context.options(command), "/breakers/reset", { scope, reason, by, how });
    printResult(command, answer, () => {
      const kinds = answer.reset.map(({ kind }) => `${BREAKER_NAMES[kind]} breaker`).join(" and ");
      const fate = how === "drop" ? `${answer.dropped.length} were dropped` : `${answer.hinted} were told to ask again`;
      return plain(`${kinds} of ${scope} reset; of the remediations that waited ${fate}`);
    });
  });
  return withExamples(command, [
    ['selfheal breaker reset group:web --re-evaluate --reason "switch replaced"', "go on where it is still needed"],
    ['selfheal breaker reset global --drop --reason "it was a bad alert rule"', "forget what piled up"],
  ]);
}

function targetCommand(context: Context): Command {
  const out = apiCommand(
    "out",
    "targets that a closed remediation left out of service, or may have: they count against the limits",
  );
  out.action(async () => {
    const { leftOut } = await callApi<{ leftOut: LeftOut[] }>(context.options(out), "/left-out");
    printResult(out, leftOut, () => leftOutText(leftOut, context.outside.now()));
  });
  const back = changing("back", "say that a target is back in service, so that it counts no more");
  back.argument("<target>", "kind/id or id");
  back.action(async (target: string, { by = context.by(), reason }: Said) => {
    const answer = await callApi<BackAnswer>(context.options(back), "/left-out/back", { target, reason, by });
    printResult(back, answer, () => {
      const name = `${answer.target.kind}/${answer.target.id}`;
      return plain(`${name} counts as back in service; ${answer.hinted} waiting remediations were told`);
    });
  });
  return new Command("target")
    .description("targets that were left out of service")
    .addCommand(withExamples(out, [["selfheal target out", "oldest first"]]))
    .addCommand(
      withExamples(back, [['selfheal target back host/web-1 --reason "new disk, in the pool again"', "once it is"]]),
    );
}
