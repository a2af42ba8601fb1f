/** `npm run bench`: the figures of the product, each beside the bare thing that it is built on, in the same run. */
import { Command, Option } from "commander";
import { appendFile } from "node:fs/promises";
import { note, printError, table } from "../src/cli/output.ts";
import { EXIT, UserError } from "../src/config/user-error.ts";
import { BENCHES } from "./benches/index.ts";
import type { Bench, Result } from "./support/bench.ts";
import { machineFacts, type Facts } from "./support/facts.ts";
import { TEMPORAL_KINDS, type TemporalKind } from "./support/temporal.ts";
import { round } from "./support/stats.ts";

interface Options {
  smoke?: boolean;
  json?: boolean;
  out?: string;
  temporal: TemporalKind;
}

interface Report extends Result {
  bench: string;
  smoke: boolean;
  seconds: number;
}

const names = BENCHES.map(({ name, about }) => `  ${name.padEnd(12)}${about}`).join("\n");
const program = new Command("bench")
  .description("Measure the product, each figure beside a bare baseline of the same run.")
  .argument("[names...]", "which benches; default all")
  .option("--smoke", "small numbers: shows that the benches work, measures nothing")
  .option("--json", "one JSON line for each bench on stdout instead of tables")
  .option("--out <file>", "append the JSON lines to this file too")
  .addOption(new Option("--temporal <kind>", "the Temporal server").choices(TEMPORAL_KINDS).default("sqlite"))
  .addHelpText("after", `\nBenches:\n${names}\n\nbench/README.md says what each measures.`)
  .action(run);

async function run(wanted: string[], options: Options): Promise<void> {
  for (const bench of chosen(wanted)) {
    const facts = machineFacts();
    const startedAt = performance.now();
    const say = (line: string): void => note(`${bench.name}: ${line}`);
    const { facts: servers, ...result } = await bench.run({
      smoke: options.smoke === true,
      temporal: options.temporal,
      say,
    });
    const seconds = round((performance.now() - startedAt) / 1000);
    const report: Report = {
      bench: bench.name,
      smoke: options.smoke === true,
      seconds,
      ...result,
      facts: { ...facts, ...servers },
    };
    const line = `${JSON.stringify(report)}\n`;
    if (options.out !== undefined) await appendFile(options.out, line);
    process.stdout.write(options.json === true ? line : textOf(report));
  }
}

function chosen(wanted: string[]): Bench[] {
  if (wanted.length === 0) return BENCHES;
  return wanted.map((name) => {
    const bench = BENCHES.find((one) => one.name === name);
    if (bench !== undefined) return bench;
    const known = BENCHES.map((one) => one.name).join(", ");
    throw new UserError(`there is no bench ${name}; there are ${known}`, { exitCode: EXIT.usage });
  });
}

function textOf({ bench, smoke, seconds, figures, breakdowns, notes, facts }: Report): string {
  const rows = figures.map(({ name, unit, ours, bare }) => [
    name,
    String(ours),
    bare === null ? "" : String(bare),
    bare === null || bare === 0 ? "" : String(round(ours / bare, 2)),
    unit,
  ]);
  const parts = [
    `== ${bench} (${seconds} s)${smoke ? ", a smoke run: no measurement" : ""}`,
    table(["figure", "ours", "bare", "ours/bare", "unit"], rows),
    ...breakdowns.map(
      ({ title, header, rows: cells }) =>
        `${title}\n${table(
          header,
          cells.map((row) => row.map(String)),
        )}`,
    ),
    notes.map((line) => `- ${line}`).join("\n"),
    factsLine(facts),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n\n`;
}

function factsLine(facts: Facts): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name} ${value}`)
    .join("; ");
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = printError(error, { json: false, debug: true });
}
