/** `selfheal identity check`: which labels of recorded alerts become which targets, before anything depends on it. */
import { readFile, stat } from "node:fs/promises";
import { Command } from "commander";
import { z } from "zod";
import { plain } from "../contracts/text.ts";
import { ACTIONS } from "../activities/actions.ts";
import { checkIdentity, unnamed, type IdentityRow } from "../catalogue/identity-check.ts";
import { readEnv } from "../config/env.ts";
import { EXIT, messageOf, UserError } from "../config/user-error.ts";
import { requireCatalogue } from "../starters/active-catalogue.ts";
import { configFolder, configOption, withExamples } from "./options.ts";
import { printResult } from "./output.ts";

const MAX_FILE_BYTES = 256 * 1024 * 1024;

export function identityCommand(): Command {
  const check = new Command("check")
    .description("Say which labels of alerts become which targets, by which rule, and which cannot and why.")
    .requiredOption("--alerts <file...>", "JSON, or JSON lines, of Alertmanager's webhook or API or of Prometheus' API")
    .addOption(configOption())
    .addHelpText(
      "after",
      "\nExit status: 0 every alert that a runbook matches names its target; 1 one does not; 2 wrong files.",
    );
  check.action(async ({ alerts, config }: { alerts: string[]; config?: string }) => {
    const catalogue = await requireCatalogue(configFolder(config, readEnv()), ACTIONS);
    const labels = (await Promise.all(alerts.map(labelsIn))).flat();
    const rows = checkIdentity(catalogue, labels);
    const failed = unnamed(rows);
    printResult(check, { ok: failed.length === 0, alerts: labels.length, rows }, () =>
      identityText(rows).split("\n").map(plain).join("\n"),
    );
    process.exitCode = failed.length === 0 ? EXIT.ok : EXIT.failed;
  });
  withExamples(check, [
    [
      "curl -s http://alertmanager:9093/api/v2/alerts > now.json; selfheal identity check --alerts now.json",
      "what fires now",
    ],
    ["selfheal --json identity check --config ./config --alerts webhooks.jsonl", "for a CI"],
  ]);
  return new Command("identity").description("From labels to targets.").addCommand(check);
}

export function identityText(rows: readonly IdentityRow[]): string {
  const failed = unnamed(rows);
  const named = rows.filter(({ runbook, target }) => runbook !== null && target !== null);
  const others = rows.filter((row) => !failed.includes(row) && !named.includes(row));
  const count = (some: readonly IdentityRow[]): number => some.reduce((sum, { alerts }) => sum + alerts, 0);
  return [
    ...named.map((row) => `${row.target}  ${head(row)}: ${row.detail} (${row.rule})`),
    ...others.map((row) => `${row.target ?? "-"}  ${head(row)}: ${row.detail}`),
    ...failed.map(
      (row) =>
        `NO TARGET  ${head(row)}: ${row.code}: ${row.detail}${row.hint === null ? "" : `\n           ${row.hint}`}`,
    ),
    `${count(rows)} alerts: ${count(named)} with a target, ${count(others)} that no runbook matches, ${count(failed)} WITHOUT a target`,
  ].join("\n");
}

function head({ labels, alerts }: IdentityRow): string {
  return `${labels["alertname"] ?? "(no alertname)"}${alerts === 1 ? "" : ` ×${alerts}`}`;
}

/** Throws a UserError that names the file, and the line where the file has lines. */
export async function labelsIn(file: string): Promise<Record<string, string>[]> {
  const text = await readText(file);
  const whole = parsed(text);
  if (whole !== undefined) return labelsOf(whole, file);
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    const one = parsed(line);
    if (one === undefined) throw wrong(`${file}:${index + 1}`, "it is no JSON");
    return labelsOf(one, `${file}:${index + 1}`);
  });
}

async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size <= MAX_FILE_BYTES) return await readFile(file, "utf8");
  } catch (error) {
    throw wrong(file, messageOf(error));
  }
  throw wrong(file, `it is larger than ${MAX_FILE_BYTES} bytes`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const ONE = z.looseObject({ labels: z.record(z.string(), z.string()) });
const MANY = z.union([
  z.array(z.unknown()),
  z.looseObject({ alerts: z.array(z.unknown()) }).transform(({ alerts }) => alerts),
  z.looseObject({ data: z.looseObject({ alerts: z.array(z.unknown()) }) }).transform(({ data }) => data.alerts),
]);

function labelsOf(json: unknown, place: string): Record<string, string>[] {
  const one = ONE.safeParse(json);
  if (one.success) return [one.data.labels];
  const many = MANY.safeParse(json);
  if (!many.success) throw wrong(place, "it holds no alerts");
  return many.data.flatMap((alert, index) => labelsOf(alert, `${place}, alert ${index}`));
}

function wrong(place: string, why: string): UserError {
  const right = "right would be alerts as Alertmanager posts them or as its API or Prometheus' API answers";
  return new UserError(`${place}: ${why}; ${right}`, { exitCode: EXIT.usage });
}
