/** `selfheal report`: what happened in a day, a week or a month, and how well. */
import { writeFile } from "node:fs/promises";
import { Option } from "commander";
import type { Command } from "commander";
import { EXIT, messageOf, UserError } from "../config/user-error.ts";
import { toCsv, toMarkdown } from "../measures/formats.ts";
import { PERIOD_HELP, PERIOD_KINDS, type PeriodKind } from "../measures/period.ts";
import type { Report } from "../measures/report.ts";
import { headlineOf, sectionsOf } from "../measures/sections.ts";
import { withExamples } from "./options.ts";
import { note, table, wantsJson } from "./output.ts";
import { callApi } from "./remediation-api.ts";
import { apiCommand, contextOf, type RemediationCommandOptions } from "./remediation-context.ts";
import { plain } from "../contracts/text.ts";

const FORMATS = ["text", "markdown", "csv", "json"] as const;
/** Longer than the API gives itself for it. */
const TIMEOUT_MS = 90_000;
type Format = (typeof FORMATS)[number];

interface ReportOptions extends Partial<Record<PeriodKind, string | true>> {
  group?: string;
  format?: Format;
  out?: string;
}

export function reportCommand(options: RemediationCommandOptions = {}): Command {
  const context = contextOf(options);
  const command = apiCommand("report", "what happened in a day, a week or a month: measures, interventions, patterns");
  for (const kind of PERIOD_KINDS) {
    command.option(`--${kind} [${kind}]`, `${PERIOD_HELP[kind]}; without a value the last one that is over`);
  }
  command
    .option("--group <name>", "only remediations of this group's targets")
    .addOption(new Option("--format <format>", "default text, or json with --json").choices(FORMATS))
    .option("--out <file>", "write it there instead of printing it");
  command.action(async (given: ReportOptions) => {
    const options = { ...context.options(command), timeoutMs: TIMEOUT_MS };
    const report = await callApi<Report>(options, `/report?${queryOf(given)}`);
    await put(formatted(report, given.format ?? (wantsJson(command) ? "json" : "text")), given.out);
  });
  return withExamples(command, [
    ["selfheal report", "of the last month"],
    ["selfheal report --week 2026-W43 --group web", "one week, one group"],
    ["selfheal report --month 2026-10 --format csv --out october.csv", "for a spreadsheet"],
  ]);
}

function queryOf(given: ReportOptions): string {
  const kinds = PERIOD_KINDS.filter((kind) => given[kind] !== undefined);
  if (kinds.length > 1) {
    throw new UserError(`${kinds.map((kind) => `--${kind}`).join(" and ")}: say one of them`, { exitCode: EXIT.usage });
  }
  const kind = kinds[0] ?? "month";
  const name = given[kind];
  return new URLSearchParams({
    kind,
    ...(typeof name === "string" ? { name } : {}),
    ...(given.group === undefined ? {} : { group: given.group }),
  }).toString();
}

function formatted(report: Report, format: Format): string {
  if (format === "json") return `${JSON.stringify(report, null, 2)}\n`;
  if (format === "csv") return toCsv(report);
  return format === "markdown" ? toMarkdown(report) : reportText(report);
}

export function reportText(report: Report): string {
  const { title, text } = headlineOf(report);
  const sections = sectionsOf(report).map(({ title: name, note: says, header, rows, empty }) => {
    const body =
      rows.length === 0
        ? empty
        : table(
            header,
            rows.map((row) => row.map(plain)),
          );
    return [name.toUpperCase(), ...(says === "" || rows.length === 0 ? [] : [says]), body].join("\n");
  });
  return `${[plain(title), plain(text), ...sections].join("\n\n")}\n`;
}

/** To a file, or to stdout as it is. */
export async function put(text: string, file: string | undefined): Promise<void> {
  if (file === undefined) {
    process.stdout.write(text);
    return;
  }
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new UserError(`--out ${file}: ${messageOf(error)}`, { cause: error, exitCode: EXIT.usage });
  }
  note(`written to ${file}`);
}
