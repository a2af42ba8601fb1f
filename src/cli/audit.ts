/** `selfheal audit …`: is the record what was written, and proofs of it that lie elsewhere. */
import { once } from "node:events";
import { Command } from "commander";
import { readEnv } from "../config/env.ts";
import { connectClient, temporalSettings, temporalUnreachable } from "../config/temporal.ts";
import { EXIT, UserError } from "../config/user-error.ts";
import type { ManifestSink } from "../record/api-audit.ts";
import { compareManifests } from "../record/audit/compare-manifest.ts";
import { exportAudit } from "../record/audit/export.ts";
import { manifestFile, manifestFiles, manifestPath } from "../record/audit/manifest-file.ts";
import type { ManifestHeader } from "../record/audit/manifest.ts";
import { openAuditReader, type AuditReader, type HistoryHead } from "../record/audit/verify.ts";
import { openRecord } from "../record/record.ts";
import { temporalHome } from "../record/temporal-home.ts";
import { throughWay } from "../record/actor.ts";
import { foreign, temporalIdentity } from "../starters/own-temporal.ts";
import { historyHeads } from "../watchers/history-heads.ts";
import { verifyFile } from "./audit-file.ts";
import { AuditVerdict, verdictText } from "./audit-verdict.ts";
import { parseTime } from "./backtest.ts";
import { findDatabase, withDatabase, type DatabasePlace } from "./database.ts";
import { withExamples } from "./options.ts";
import { note, printResult } from "./output.ts";
import { withCleanup, type Defer } from "./process/cleanup.ts";

export function auditCommand(): Command {
  return new Command("audit")
    .description("The audit: check that the record is what was written, and keep proofs of it elsewhere.")
    .addCommand(verifyCommand())
    .addCommand(manifestCommand())
    .addCommand(exportCommand());
}

interface VerifyOptions extends DatabasePlace {
  all?: true;
  manifest?: string[];
  file?: string;
  temporal: boolean;
}

function verifyCommand(): Command {
  const command = withDatabase(new Command("verify"))
    .description("Find what was changed, removed, put in or reordered in the record. Changes nothing.")
    .argument("[remediation]", "remediation id, its beginning, or a target: its newest remediation")
    .option("--all", "every chain, and what people did to the automation as a whole")
    .option("--manifest <path...>", "manifests, or a folder of them: is all that they name still there?")
    .option("--file <export>", "check an export of `selfheal audit export` instead of the database")
    .option("--no-temporal", "do not compare with the heads in Temporal's histories")
    .addHelpText("after", "\nExit status: 0 all is as it was written; 1 something is not; 3 a part is away.");
  command.action((text: string | undefined, options: VerifyOptions) => verify(command, text ?? null, options));
  return withExamples(command, [
    ["selfheal audit verify web-1", "one remediation, with its head in Temporal's history"],
    ["selfheal audit verify --all --manifest /var/lib/selfheal/audit", "everything"],
    ["selfheal audit verify --file audit.jsonl --manifest ./manifests", "without a database"],
  ]);
}

async function verify(command: Command, text: string | null, options: VerifyOptions): Promise<void> {
  const { all = false, manifest = [], file } = options;
  if (
    (text === null && !all && manifest.length === 0 && file === undefined) ||
    (text !== null && (all || file !== undefined))
  ) {
    const message = "what is to be verified? Say a remediation, --all, --manifest PATH or --file EXPORT";
    throw new UserError(message, { exitCode: EXIT.usage });
  }
  const files = await manifestFiles(manifest);
  const verdict = new AuditVerdict();
  const work =
    file === undefined ? verifyDatabase(text, { ...options, files }, verdict) : verifyFile(file, files, verdict);
  await work;
  const answer = verdict.end();
  printResult(command, answer, () => verdictText(answer));
  if (!answer.whole) process.exitCode = EXIT.failed;
}

type DatabaseWish = VerifyOptions & { files: string[] };

function verifyDatabase(text: string | null, options: DatabaseWish, verdict: AuditVerdict): Promise<void> {
  return withCleanup(async (defer) => {
    const reader = await openAuditReader(await findDatabase(options, readEnv()));
    defer(() => reader.end());
    if (text !== null || options.all === true) {
      const one = text === null ? null : await reader.find(text);
      if (text !== null && one === null) throw new UserError(`the record knows no remediation ${text}`);
      const asks = options.temporal && one?.workflowId !== null;
      const heads = asks ? await headsOfTemporal(reader, one?.workflowId ?? null, defer) : null;
      const wish = {
        ...(one === null ? {} : { remediationId: one.remediationId }),
        ...(heads === null ? {} : { heads }),
      };
      for await (const report of reader.verify(wish)) {
        verdict.chain(report);
        progress(() => `${verdict.chains} chains, ${verdict.entries} entries`);
      }
    }
    for await (const report of compareManifests(reader.db, options.files)) verdict.manifest(report);
  });
}

async function headsOfTemporal(
  reader: AuditReader,
  workflowId: string | null,
  defer: Defer,
): Promise<ReadonlyMap<string, HistoryHead>> {
  const settings = temporalSettings();
  const hint = (error: unknown): UserError => {
    const why = error instanceof UserError ? error : temporalUnreachable(settings, error);
    const message = `${why.message}; --no-temporal verifies the record alone`;
    return new UserError(message, { cause: error, exitCode: EXIT.unavailable });
  };
  try {
    const client = await connectClient(settings);
    defer(() => client.connection.close());
    const stranger = foreign(await temporalHome(reader.db), await temporalIdentity(client, settings.address));
    if (stranger !== null) throw stranger;
    const onRun = (runs: number): void => progress(() => `${runs} histories read`);
    return await historyHeads(client, workflowId === null ? { onRun } : { workflowId, onRun });
  } catch (error) {
    throw hint(error);
  }
}

const PROGRESS_MS = 5_000;
let saidAt = performance.now();

/** Now and then, on stderr. */
function progress(line: () => string): void {
  if (performance.now() - saidAt < PROGRESS_MS) return;
  saidAt = performance.now();
  note(line());
}

interface ManifestOptions extends DatabasePlace {
  out?: string;
  full?: boolean;
}

function manifestCommand(): Command {
  const command = withDatabase(new Command("manifest"))
    .description("Write the next manifest: the heads of all chains that moved since the last one. Keep it elsewhere.")
    .option("--out <file>", "where to; default a file in SELFHEAL_AUDIT_FOLDER, or stdout")
    .option("--full", "every head, whenever it moved");
  command.action((options: ManifestOptions) => manifest(command, options));
  return withExamples(command, [
    ["selfheal audit manifest --out /mnt/worm/manifest.jsonl", "workers make one each day (SELFHEAL_AUDIT_FOLDER)"],
  ]);
}

function manifest(command: Command, { out, full = false, ...place }: ManifestOptions): Promise<void> {
  return withCleanup(async (defer) => {
    const env = readEnv();
    const record = await openRecord(await findDatabase(place, env), { applicationName: "selfheal audit" });
    defer(() => record.end());
    const folder = env.SELFHEAL_AUDIT_FOLDER;
    const sinkOf = async (header: ManifestHeader): Promise<ManifestSink> => {
      const path = out ?? (folder === undefined ? null : manifestPath(folder, header));
      return path === null ? STDOUT : manifestFile(path);
    };
    const made = await throughWay("cli", () => record.manifest(sinkOf, { full }));
    const line = `manifest ${made.number} of ${made.at}: ${made.chains} heads, SHA-256 ${made.hash}`;
    if (made.file === null) note(line);
    else printResult(command, made, () => `${made.file}: ${line}`);
  });
}

async function toStdout(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
}

const STDOUT: ManifestSink = {
  write: toStdout,
  keep: () => Promise.resolve(null),
  drop: () => Promise.resolve(),
};

interface ExportOptions extends DatabasePlace {
  from?: string;
  to?: string;
}

function exportCommand(): Command {
  const command = withDatabase(new Command("export"))
    .description("Write the audit to stdout as JSON lines, chain by chain. `selfheal audit verify --file` checks it.")
    .option("--from <time>", "entries from then on, e.g. 2026-11-01", parseTime)
    .option("--to <time>", "entries before it", parseTime)
    .action(exportAll);
  return withExamples(command, [["selfheal audit export --from 2026-11-01 > november.jsonl", "for an auditor"]]);
}

function exportAll({ from, to, ...place }: ExportOptions): Promise<void> {
  return withCleanup(async (defer) => {
    const reader = await openAuditReader(await findDatabase(place, readEnv()));
    defer(() => reader.end());
    for await (const text of exportAudit(reader.db, { from: from ?? null, to: to ?? null })) await toStdout(text);
  });
}
