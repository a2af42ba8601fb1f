/** `selfheal runbook test`: what the runbooks decide, held against what their tests expect. */
import type { Actions } from "../catalogue/catalogue.ts";
import { formatProblem } from "../catalogue/problems.ts";
import { runRunbookTests, type TestRun } from "../backtest/runbook-test/run.ts";
import { EXIT } from "../config/user-error.ts";

export interface RunbookTestOptions {
  folder: string;
  actions: Actions;
  json: boolean;
  write: (text: string) => void;
}

/** 0: all hold. 1: an expectation does not. 2: a file or the folder cannot be used, or there is no test at all. */
export async function runbookTest({ folder, actions, json, write }: RunbookTestOptions): Promise<number> {
  const run = await runRunbookTests(folder, actions);
  const code = codeOf(run);
  write(json ? `${JSON.stringify({ ok: code === EXIT.ok, ...run }, null, 2)}\n` : `${textOf(folder, run)}\n`);
  return code;
}

function codeOf({ outcomes, problems }: TestRun): number {
  if (problems.length > 0 || outcomes.length === 0) return EXIT.usage;
  return outcomes.every(({ passed }) => passed) ? EXIT.ok : EXIT.failed;
}

function textOf(folder: string, { outcomes, problems }: TestRun): string {
  const lines = outcomes.flatMap(({ file, name, passed, problems: unmet }) => [
    `${passed ? "ok  " : "FAIL"} ${file}: ${name}`,
    ...unmet.map((problem) => `     ${formatProblem(problem)}`),
  ]);
  const passed = outcomes.filter((one) => one.passed).length;
  const summary =
    outcomes.length === 0 && problems.length === 0
      ? `${folder} has no tests: right would be a file such as disk-replacement.test.yaml beside the runbook`
      : `${passed} of ${outcomes.length} tests passed`;
  return [...lines, ...problems.map(formatProblem), summary].join("\n");
}
