/** `selfheal record prune`: removes the details of what was closed long ago. */
import { userInfo } from "node:os";
import { Command } from "commander";
import { readEnv } from "../config/env.ts";
import { EXIT, UserError } from "../config/user-error.ts";
import { prune } from "../record/audit/prune.ts";
import { openAuditReader } from "../record/audit/verify.ts";
import { throughWay } from "../record/actor.ts";
import { parseTime } from "./backtest.ts";
import { findDatabase, withDatabase, type DatabasePlace } from "./database.ts";
import { withExamples } from "./options.ts";
import { note, printResult } from "./output.ts";
import { withCleanup } from "./process/cleanup.ts";

interface PruneOptions extends DatabasePlace {
  before: string;
  by?: string;
  reason: string;
}

const DAY_MS = 24 * 3_600_000;
/** Cooldowns, attempts and evidence look back; nobody's limits look back further. */
const YOUNGEST_DAYS = 90;

export function recordCommand(): Command {
  return new Command("record").description("The record itself.").addCommand(pruneCommand());
}

function pruneCommand(): Command {
  const command = withDatabase(new Command("prune"))
    .description(
      "Remove the details of remediations that were closed before a day; a stub with the audit's head stays.",
    )
    .requiredOption("--before <time>", `closed before it; at least ${YOUNGEST_DAYS} days ago`, parseTime)
    .requiredOption("--reason <text>", "why; audited")
    .option("--by <name>", "who says so; default your user name");
  command.action((options: PruneOptions) => run(command, options));
  return withExamples(command, [
    [
      'selfheal record prune --before 2025-11-01 --reason "kept for a year"',
      "`selfheal audit verify` calls them pruned",
    ],
  ]);
}

function run(command: Command, { before, by = userInfo().username, reason, ...place }: PruneOptions): Promise<void> {
  if (Date.parse(before) > Date.now() - YOUNGEST_DAYS * DAY_MS) {
    const message = `--before ${before}: right would be at least ${YOUNGEST_DAYS} days ago, because limits and evidence look back`;
    throw new UserError(message, { exitCode: EXIT.usage });
  }
  return withCleanup(async (defer) => {
    const reader = await openAuditReader(await findDatabase(place, readEnv()));
    defer(() => reader.end());
    let [pruned, entries] = [0, 0];
    const kept: { remediationId: string; because: string }[] = [];
    await throughWay("cli", async () => {
      for await (const step of prune(reader.db, { before, by, reason })) {
        pruned += step.pruned.length;
        entries += step.entries;
        for (const { remediationId, fault } of step.kept) {
          kept.push({ remediationId, because: fault?.detail ?? "" });
          note(`kept ${remediationId}, its audit is not whole: ${fault?.detail ?? ""}`);
        }
      }
    });
    const text = `${pruned} remediations with ${entries} audit entries were pruned, ${kept.length} were kept`;
    printResult(command, { before, by, pruned, entries, kept }, () => text);
    if (kept.length > 0) process.exitCode = EXIT.failed;
  });
}
