/** `selfheal windows` and `selfheal holds`: when, and on what, automation leaves work to others. Through the API. */
import { Command, InvalidArgumentError, Option } from "commander";
import { DURATION_HELP, parseDuration } from "../catalogue/duration.ts";
import { OWN_HOLDER } from "../catalogue/foreign-leases.ts";
import { EXIT, UserError } from "../config/user-error.ts";
import { WINDOW_KINDS, type OpenWindow, type WindowKind } from "../contracts/surroundings.ts";
import { plain } from "../contracts/text.ts";
import type { HoldsAnswer } from "../starters/holds.ts";
import type { WindowRow } from "../starters/windows.ts";
import type { TargetHold } from "../record/api-surroundings.ts";
import { withExamples } from "./options.ts";
import { printResult, table } from "./output.ts";
import { callApi } from "./remediation-api.ts";
import { apiCommand, contextOf, type Context, type RemediationCommandOptions } from "./remediation-context.ts";
import { ago } from "./remediation-text.ts";

export function surroundingCommands(options: RemediationCommandOptions = {}): Command[] {
  const context = contextOf(options);
  return [windowsCommand(context), holdsCommand(context)];
}

function windowsCommand(context: Context): Command {
  const list = apiCommand("list", "windows that are open or known beforehand");
  list.action(async () => {
    const { windows } = await callApi<{ windows: WindowRow[] }>(context.options(list), "/windows");
    printResult(list, windows, () => windowsText(windows));
  });
  const close = apiCommand("close", "close a window that was opened by hand: what waited is decided afresh")
    .argument("<what>", "its scope, or its id (or the beginning)")
    .option("--by <name>", "who says so; default the owner of your token, else your user name");
  close.action(async (what: string, { by = context.by() }: { by?: string }) => {
    const body = { what, by };
    const answer = await callApi<{ closed: OpenWindow[]; hinted: number }>(
      context.options(close),
      "/windows/close",
      body,
    );
    const scopes = answer.closed.map((one) => one.scope).join(", ");
    printResult(close, answer, () => plain(`closed ${scopes}; ${answer.hinted} waiting remediations were told`));
  });
  return new Command("windows")
    .description("maintenance and deploy windows: in them nothing new acts, and nobody is paged")
    .addCommand(withExamples(list, [["selfheal windows list", "of selfheal.yaml, and opened by hand"]]))
    .addCommand(openCommand(context))
    .addCommand(withExamples(close, [["selfheal windows close service:shop", "every window of exactly this scope"]]));
}

interface OpenOptions {
  reason: string;
  by?: string;
  kind: WindowKind;
  from?: string;
  until?: string;
  for?: number;
}

function openCommand(context: Context): Command {
  const command = apiCommand("open", "open a window")
    .argument("<scope>", "global, group:NAME, rack:NAME, region:NAME, service:NAME, runbook:NAME, target:KIND:ID")
    .requiredOption("--reason <text>", "why; people read it wherever something waits")
    .addOption(
      new Option("--kind <kind>", "people at work, or a deployment").choices(WINDOW_KINDS).default("maintenance"),
    )
    .option("--for <duration>", DURATION_HELP, duration)
    .option("--until <time>", "instead of --for: a time such as 2026-11-21T22:00:00Z")
    .option("--from <time>", "when it begins; default: now")
    .option("--by <name>", "who says so; default the owner of your token, else your user name");
  command.action(async (scope: string, { by = context.by(), for: forMs, ...options }: OpenOptions) => {
    if ((forMs === undefined) === (options.until === undefined)) {
      throw new UserError("when does it end? Say either --for or --until", { exitCode: EXIT.usage });
    }
    const body = { scope, by, ...options, ...(forMs === undefined ? {} : { forMs }) };
    const window = await callApi<OpenWindow>(context.options(command), "/windows", body);
    printResult(command, window, () =>
      plain(`${window.kind} window of ${window.scope} from ${window.from} until ${window.until} (id ${window.id})`),
    );
  });
  return withExamples(command, [
    ['selfheal windows open rack:r02 --for 4h --reason "power work"', "people at work"],
    ['selfheal windows open service:shop --kind deploy --for 1h --reason "release 42"', "from a pipeline"],
  ]);
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new InvalidArgumentError(`${DURATION_HELP}.`);
  return ms;
}

function windowsText(windows: readonly WindowRow[]): string {
  if (windows.length === 0) return "there are no windows";
  const rows = windows.map(({ id, kind, scope, open, until, detail }) =>
    [id.slice(0, 30), kind, scope, open ? "open" : "", until ?? "", detail].map(plain),
  );
  return table(["ID", "KIND", "SCOPE", "NOW", "UNTIL", "WHY"], rows);
}

function holdsCommand(context: Context): Command {
  const list = apiCommand("list", "targets that another system holds, and those that selfheal holds")
    .option("--ours", "only those that selfheal holds")
    .option("--jsonl", "with --ours: as JSON Lines, the form of a lease file, for other systems to read");
  list.action(async ({ ours, jsonl }: { ours?: true; jsonl?: true }) => {
    if (jsonl === true && ours !== true) {
      throw new UserError("--jsonl publishes what selfheal holds: give it with --ours", { exitCode: EXIT.usage });
    }
    const answer = await callApi<HoldsAnswer>(context.options(list), "/holds");
    if (jsonl === true) return void process.stdout.write(leaseLines(answer.ours));
    const shown = ours === true ? { ...answer, holds: [] } : answer;
    printResult(list, shown, () => holdsText(shown, context.outside.now()));
  });
  return new Command("holds")
    .description("whose a target is: what another system holds is left alone")
    .addCommand(
      withExamples(list, [
        ["selfheal holds list", "oldest first"],
        ["selfheal holds list --ours --jsonl", "for the file that other systems look at"],
      ]),
    )
    .addCommand(putCommand(context))
    .addCommand(releaseCommand(context));
}

function putCommand(context: Context): Command {
  const command = apiCommand("put", "say that another system holds a target; again: renew it")
    .argument("<target>", "kind/id")
    .requiredOption("--reason <text>", "why")
    .requiredOption("--holder <system>", "which system")
    .option("--for <duration>", `ends by itself after ${DURATION_HELP}; default: until it is released`, duration);
  command.action(async (target: string, { for: forMs, ...said }: { reason: string; holder: string; for?: number }) => {
    const body = { target, ...said, ...(forMs === undefined ? {} : { forMs }) };
    const answer = await callApi<{ hold: TargetHold; ours: HoldsAnswer["ours"] }>(
      context.options(command),
      "/holds",
      body,
      "PUT",
    );
    const { until, holder } = answer.hold;
    const end = until === null ? "until it is released" : `until ${until}`;
    const ours = answer.ours.map((one) => `; remediation ${one.remediationId} is at it and goes on`).join("");
    printResult(command, answer, () => plain(`${holder} holds ${target} ${end}${ours}`));
  });
  return withExamples(command, [
    ['selfheal holds put host/web-1 --holder awx --for 2h --reason "job 815"', "as a lease: renew it while it runs"],
  ]);
}

function releaseCommand(context: Context): Command {
  const command = apiCommand("release", "say that the other system holds the target no more")
    .argument("<target>", "kind/id")
    .requiredOption("--holder <system>", "which system")
    .option("--by <name>", "who says so; default the owner of your token, else your user name");
  command.action(async (target: string, { holder, by = context.by() }: { holder: string; by?: string }) => {
    const answer = await callApi<{ hinted: number }>(context.options(command), "/holds/release", {
      target,
      holder,
      by,
    });
    printResult(command, answer, () =>
      plain(`${holder} holds ${target} no more; ${answer.hinted} waiting remediations were told`),
    );
  });
  return withExamples(command, [["selfheal holds release host/web-1 --holder awx", "what waited is decided afresh"]]);
}

/** As `connections.leases` reads them. No end: it is ours until it is gone from here. */
function leaseLines(ours: HoldsAnswer["ours"]): string {
  const lines = ours.map(({ target, remediationId, runbook }) => {
    const reason = `${runbook ?? "no runbook"}, remediation ${remediationId}`;
    return JSON.stringify({ target: `${target.kind}/${target.id}`, holder: OWN_HOLDER, reason });
  });
  return lines.map((line) => `${line}\n`).join("");
}

function holdsText({ holds, ours }: HoldsAnswer, now: number): string {
  if (holds.length + ours.length === 0) return "nobody holds anything";
  const rows = [
    ...holds.map(({ target, holder, since, until, reason }) => [
      `${target.kind}/${target.id}`,
      holder,
      ago(since, now),
      until ?? "until released",
      reason,
    ]),
    ...ours.map(({ target, remediationId, runbook, state, since }) => [
      `${target.kind}/${target.id}`,
      "selfheal",
      ago(since, now),
      state === "orphaned" ? "until somebody has settled it" : "until it is closed",
      `${runbook ?? "no runbook"}, remediation ${remediationId}`,
    ]),
  ];
  return table(
    ["TARGET", "HOLDER", "SINCE", "UNTIL", "WHY"],
    rows.map((row) => row.map(plain)),
  );
}
