/** `selfheal runbook check`: every mistake of a folder or of single runbooks at once, with its place and its cure. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Actions, Catalogue } from "../catalogue/catalogue.ts";
import { isRunbookFile } from "../catalogue/folder.ts";
import { checkRunbookFiles, loadCatalogue } from "../catalogue/load.ts";
import { formatProblem, hasErrors, type Problem } from "../catalogue/problems.ts";
import type { SecretSource } from "../catalogue/secrets.ts";
import { EXIT } from "../config/user-error.ts";

export interface RunbookCheckOptions {
  /** Folders with a selfheal.yaml, folders with runbooks only, or single runbook files. */
  paths: string[];
  actions: Actions;
  /** Given: references to secrets are followed too. */
  secrets?: SecretSource;
  json?: boolean;
  write: (text: string) => void;
}

interface Checked {
  path: string;
  /** null when only runbooks were checked, or when there are errors. */
  catalogue: Catalogue | null;
  problems: Problem[];
}

/** Writes what it found; 0 when there is no error (warnings are fine), 2 when there is one. */
export async function runbookCheck(options: RunbookCheckOptions): Promise<number> {
  const checked: Checked[] = [];
  for (const path of options.paths) checked.push(await checkPath(path, options));
  const failed = checked.some(({ problems }) => hasErrors(problems));
  options.write(options.json ? `${JSON.stringify(toJson(checked, !failed), null, 2)}\n` : toText(checked));
  return failed ? EXIT.usage : EXIT.ok;
}

async function checkPath(path: string, { actions, secrets }: RunbookCheckOptions): Promise<Checked> {
  if (await isFile(path)) return { path, catalogue: null, problems: await checkRunbookFiles([path], actions) };
  const names = await readdir(path).catch((): string[] => []);
  if (names.includes("selfheal.yaml") || names.includes("inventory.yaml") || names.includes("runbooks")) {
    return { path, ...(await loadCatalogue(path, secrets === undefined ? { actions } : { actions, secrets })) };
  }
  const files = names.filter(isRunbookFile).sort();
  if (files.length > 0) {
    const problems = await checkRunbookFiles(
      files.map((name) => join(path, name)),
      actions,
    );
    return { path, catalogue: null, problems };
  }
  return { path, ...(await loadCatalogue(path, { actions })) };
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => /\.ya?ml$/.test(path),
  );
}

function toText(checked: readonly Checked[]): string {
  const lines = checked.flatMap(({ path, catalogue, problems }) => [
    ...problems.map(formatProblem),
    ...(catalogue?.runbooks ?? []).map((runbook) => `runbook ${runbook.name} ${runbook.hash}`),
    summary(path, problems),
  ]);
  return `${lines.join("\n")}\n`;
}

function summary(path: string, problems: readonly Problem[]): string {
  const errors = problems.filter((problem) => problem.severity === "error").length;
  const warnings = problems.length - errors;
  if (problems.length === 0) return `${path}: no mistakes`;
  return `${path}: ${plural(errors, "error")}, ${plural(warnings, "warning")}`;
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function toJson(checked: readonly Checked[], ok: boolean): object {
  return {
    ok,
    problems: checked.flatMap(({ problems }) => problems),
    runbooks: checked.flatMap(({ catalogue }) => (catalogue?.runbooks ?? []).map(({ name, hash }) => ({ name, hash }))),
  };
}
