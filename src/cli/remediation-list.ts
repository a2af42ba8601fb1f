/** `selfheal remediation list`: pages of remediations, and with `--watch` what changes from then on. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { OUTCOMES, PHASES } from "../contracts/remediation.ts";
import type { ChangeEvent } from "../starters/http/events.ts";
import { parseTime } from "./backtest.ts";
import { withExamples } from "./options.ts";
import { note, printResult, wantsJson } from "./output.ts";
import { stopOnSignals } from "./process/signals.ts";
import type { ListQuery, RemediationApi } from "./remediation-api.ts";
import { apiCommand, type Context } from "./remediation-context.ts";
import { changeLine, listText } from "./remediation-text.ts";

interface ListOptions {
  open?: true;
  state?: "open" | "closed";
  target?: string;
  runbook?: string;
  group?: string;
  phase?: string;
  outcome?: string;
  since?: string;
  limit: number;
  watch?: true;
}

const MOST = 100_000;

export function listCommand(context: Context): Command {
  const command = apiCommand("list", "newest first")
    .option("--open", "only those that are not closed; the same as --state open")
    .addOption(new Option("--state <state>", "open or closed").choices(["open", "closed"]))
    .option("--target <target>", "kind/id or id")
    .option("--runbook <name>", "of this runbook")
    .option("--group <name>", "of targets of this group")
    .addOption(new Option("--phase <phase>", "in this phase").choices(PHASES))
    .addOption(new Option("--outcome <outcome>", "closed with this outcome").choices(OUTCOMES))
    .option("--since <time>", "opened then or later", parseTime)
    .option("--limit <count>", `at most this many, up to ${MOST}; default 50`, parseLimit, 50)
    .option("--watch", "then say what changes, until it is stopped; with --json one line each");
  command.action((options: ListOptions) => run(context, command, options));
  return withExamples(command, [
    ["selfheal remediation list --open", "what is in work now"],
    ["selfheal remediation list --target host/web-1", "the history of one host"],
    ["selfheal remediation list --phase approve", "what waits for a person"],
    ["selfheal remediation list --open --watch --json", "a line of JSON for each change"],
  ]);
}

function parseLimit(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > MOST)
    throw new InvalidArgumentError(`A whole number from 1 to ${MOST}.`);
  return count;
}

async function run(context: Context, command: Command, options: ListOptions): Promise<void> {
  const api = context.api(command);
  const { open, state = open === true ? "open" : undefined, since, limit, watch } = options;
  const narrowed = { ...narrowedBy(options), ...(state === undefined ? {} : { open: String(state === "open") }) };
  const json = wantsJson(command);
  const list = async (): Promise<void> => {
    const rows = await api.listAll({ ...narrowed, ...(since === undefined ? {} : { since }) }, limit);
    if (watch === true && json) for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
    else printResult(command, rows, () => listText(rows, context.outside.now()));
  };
  await (watch === true ? follow(api, narrowed, json, list) : list());
}

/** Options that every command has (`--url`) are among them, and no filters. */
function narrowedBy(options: ListOptions): ListQuery {
  const names = ["target", "runbook", "group", "phase", "outcome"] as const;
  return Object.fromEntries(names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])));
}

async function follow(api: RemediationApi, filter: ListQuery, json: boolean, list: () => Promise<void>): Promise<void> {
  const stop = stopOnSignals();
  const onChange = (event: ChangeEvent): void => {
    process.stdout.write(`${json ? JSON.stringify(event) : changeLine(event)}\n`);
  };
  const onReset = () => note("more has changed than the API tells afterwards: list again for what is missing");
  try {
    await api.follow(filter, { onOpen: list, onChange, onReset, onLost: note }, stop.signal);
  } finally {
    stop.release();
  }
}
