/** The check across commits, on small repositories of its own: what it must let pass, and what it must not. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { planOf, replayAcross } from "../../scripts/replay-across-commits.ts";
import { projectPath } from "../../src/config/project.ts";

const REMEDIATION = "src/workflows/remediation.ts";
let root: string;
const git = (...args: string[]): string =>
  execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.net", ...args], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
const commit = (message: string): void => {
  git("add", "-A");
  git("commit", "--quiet", "--allow-empty", "-m", message);
};
/** One more command at the beginning of every remediation. */
function changeCommands(): void {
  const code = readFileSync(join(root, REMEDIATION), "utf8");
  const changed = code.replace(/(export async function remediation\([^)]*\)[^{]*\{\n)/, "$1  await sleep(1);\n");
  expect(changed).not.toBe(code);
  writeFileSync(join(root, REMEDIATION), `import { sleep } from "@temporalio/workflow";\n${changed}`);
}
const runnable = () => {
  const plan = planOf(root);
  if (!plan.run) throw new Error(`skipped: ${plan.why}`);
  return plan;
};

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "selfheal-across-"));
  const parts = ["src", "package.json", "package-lock.json", "tsconfig.json", "test/replay/histories"];
  for (const part of parts) cpSync(projectPath(part), join(root, part), { recursive: true });
  symlinkSync(projectPath("node_modules"), join(root, "node_modules"));
  writeFileSync(join(root, ".gitignore"), "node_modules\n.cache\n");
  git("init", "--quiet");
  commit("one");
});
afterAll(() => rmSync(root, { recursive: true }));

test("a first commit has nothing to be compared with", () => {
  expect(planOf(root)).toMatchObject({ run: false, why: expect.stringContaining("first commit") as string });
});

test("a commit that changes neither workflow code nor histories is skipped", () => {
  writeFileSync(join(root, "README.md"), "words\n");
  commit("two");
  expect(planOf(root)).toMatchObject({ run: false, why: "neither workflow code nor histories changed" });
});

test("a change that makes the same commands replays both ways, before it is committed too", async () => {
  writeFileSync(join(root, REMEDIATION), `${readFileSync(join(root, REMEDIATION), "utf8")}\n// the same\n`);
  expect(await replayAcross(root, runnable())).toEqual([]);
});

test("a change that makes other commands replays neither way, and the message says so", async () => {
  git("checkout", "--quiet", "--", ".");
  changeCommands();
  commit("three");
  const plan = runnable();
  expect(plan).toMatchObject({ forward: true, back: true });
  const faults = await replayAcross(root, plan);
  expect(faults.length).toBeGreaterThan(5);
  expect(faults.join("\n")).toMatch(/this code, histories of .*: healed: .*nondeterminism/i);
  expect(existsSync(join(root, "dist"))).toBe(false);
});

test("a commit may say that it re-recorded the histories, or that there is no way back; nothing else", () => {
  const amend = (message: string): void => void git("commit", "--quiet", "--amend", "-m", message);
  amend("three\n\nHistories: re-recorded");
  expect(planOf(root)).toMatchObject({ run: false, why: expect.stringContaining("re-recorded") as string });
  amend("three\n\nHistories: no rollback");
  expect(planOf(root)).toMatchObject({ run: true, forward: true, back: false });
  amend("three\n\nHistories: whatever");
  expect(() => planOf(root)).toThrow("Histories: whatever");
});
