/** `selfheal temporal …`: which Temporal namespace the record belongs to (ADR 0033). */
import { Command } from "commander";
import { readEnv, type Env } from "../config/env.ts";
import { connectClient, temporalSettings, temporalUnreachable } from "../config/temporal.ts";
import { EXIT, UserError } from "../config/user-error.ts";
import type { TemporalHome, TemporalIdentity } from "../record/api-temporal.ts";
import { openRecord } from "../record/record.ts";
import { throughWay } from "../record/actor.ts";
import { temporalIdentity } from "../starters/own-temporal.ts";
import { databaseOption, requireDatabase, withExamples } from "./options.ts";
import { printResult } from "./output.ts";
import { withCleanup } from "./process/cleanup.ts";

interface AcceptOptions {
  dbUrl?: string;
  namespaceId: string;
  by: string;
  reason: string;
}

export function temporalCommand(): Command {
  return new Command("temporal")
    .description("which Temporal namespace the record belongs to")
    .addCommand(acceptCommand());
}

function acceptCommand(): Command {
  const command = new Command("accept")
    .description(
      "Move the record to the namespace that answers at TEMPORAL_ADDRESS, because the old one is gone for good.",
    )
    .addOption(databaseOption())
    .requiredOption("--namespace-id <id>", "of the namespace that you mean; `selfheal doctor` and the page name it")
    .requiredOption("--by <name>", "who decides; audited")
    .requiredOption("--reason <text>", "why; audited")
    .action((options: AcceptOptions) => accept(options, readEnv(), command));
  return withExamples(command, [
    [
      'selfheal temporal accept --namespace-id 01a1fe4a-822d-72b8-bdb0-0ef6d5be560e --by anna --reason "new cluster"',
      "with the worker's environment",
    ],
  ]);
}

function accept(options: AcceptOptions, env: Env, command: Command): Promise<void> {
  return withCleanup(async (defer) => {
    const databaseUrl = requireDatabase(options.dbUrl, env);
    const settings = temporalSettings();
    const client = await connectClient(settings);
    defer(() => client.connection.close());
    const seen = await temporalIdentity(client, settings.address).catch((error: unknown) => {
      throw error instanceof UserError ? error : temporalUnreachable(settings, error);
    });
    requireMeant(seen, options.namespaceId);
    const record = await openRecord(databaseUrl, { applicationName: "selfheal temporal" });
    defer(() => record.end());
    const before = await record.temporalHome();
    const moved = before?.namespaceId !== seen.namespaceId;
    const move = () => record.moveTemporal(seen, options.by, options.reason);
    const home = moved ? await throughWay("cli", move) : before;
    const open = (await record.list({ open: true, limit: 1000 })).length;
    printResult(command, { moved, home, before, openRemediations: open }, () => describe(home, moved, open));
  });
}

/** What is moved to was looked at: its id is the proof. */
function requireMeant(seen: TemporalIdentity, namespaceId: string): void {
  if (seen.namespaceId === namespaceId) return;
  throw new UserError(
    `namespace ${seen.namespace} at ${seen.address} has the id ${seen.namespaceId}, not ${namespaceId}: nothing was changed`,
    { exitCode: EXIT.usage },
  );
}

function describe({ namespace, namespaceId, address }: TemporalHome, moved: boolean, open: number): string {
  const place = `${namespace} (${namespaceId}) at ${address}`;
  if (!moved) return `the record belongs to ${place} already`;
  const rest =
    open === 0
      ? "no remediation is open"
      : `${open} remediations are open: the sweeper pages those that it does not know`;
  return `the record now belongs to ${place}; ${rest}. Start the workers again`;
}
