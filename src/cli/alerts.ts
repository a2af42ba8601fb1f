/** `selfheal alerts export`: the record's alerts as JSON lines. */
import { once } from "node:events";
import { Command } from "commander";
import { readEnv } from "../config/env.ts";
import { exportAlerts } from "../record/export.ts";
import { parseTime } from "./backtest.ts";
import { findDatabase, withDatabase, type DatabasePlace } from "./database.ts";
import { withExamples } from "./options.ts";

interface ExportOptions extends DatabasePlace {
  from?: string;
  to?: string;
}

export function alertsCommand(): Command {
  const command = withDatabase(new Command("export"))
    .description("Write the record's alerts to stdout, JSON lines in the order in which they came.")
    .option("--from <time>", "leave out what came before", parseTime)
    .option("--to <time>", "leave out what came at or after", parseTime)
    .action(run);
  withExamples(command, [
    ["selfheal alerts export --from 2026-10-01 | gzip > october.jsonl.gz", "for selfheal backtest"],
  ]);
  return new Command("alerts").description("The alerts of the record.").addCommand(command);
}

async function run({ from, to, ...place }: ExportOptions): Promise<void> {
  const range = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  for await (const alerts of exportAlerts(await findDatabase(place, readEnv()), range)) {
    const text = alerts.map((alert) => `${JSON.stringify(alert)}\n`).join("");
    if (!process.stdout.write(text)) await once(process.stdout, "drain");
  }
}
