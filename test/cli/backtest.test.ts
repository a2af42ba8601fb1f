/** A backtest as a process: what a terminal and a CI get. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import type { BacktestReport } from "../../src/backtest/backtest.ts";
import { projectPath } from "../../src/config/project.ts";

const FOLDER = projectPath("examples", "first-remediation");
const line = (index: number): string => {
  const labels = {
    alertname: "SmartDiskFailing",
    host: `web-${1 + (index % 2)}`,
    device: "sda",
    note: "x".repeat(200),
  };
  const startsAt = new Date(Date.UTC(2026, 9, 1) + index * 60_000).toISOString();
  return `${JSON.stringify({ status: "firing", labels, startsAt })}\n`;
};

function backtest(against = FOLDER, ...more: string[]) {
  const args = ["backtest", "--alerts", "-", "--config", FOLDER, "--against", against, ...more];
  const child = spawn(projectPath("bin", "selfheal"), args, { stdio: "pipe" });
  return { child, said: Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]) };
}

test("reads what it is given, prints the difference, and shows no progress where nobody looks", async () => {
  const { child, said } = backtest();
  child.stdin.end(Array.from({ length: 10 }, (_, index) => line(index)).join(""));
  const [stdout, stderr, [code]] = await said;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("10 alerts (10 firing)");
  expect(stdout).toContain("No decision changes: 10 faults were compared.");
});

test("is ended by a Ctrl-C while it waits for more, without a report", async () => {
  const { child, said } = backtest();
  // It has read these, so it is under way.
  if (!child.stdin.write(Array.from({ length: 5_000 }, (_, index) => line(index)).join("")))
    await once(child.stdin, "drain");
  child.kill("SIGINT");
  const [stdout, stderr, [code]] = await said;
  expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
  expect(stderr).toMatch(/^selfheal: stopped after \d+ alerts: there is no report\n$/);
});

test("ends with 1 where a change is of a kind that --fail-on names, and with 0 where none is", async () => {
  const changed = await mkdtemp(join(tmpdir(), "selfheal-backtest-"));
  onTestFinished(() => rm(changed, { recursive: true }));
  await cp(FOLDER, changed, { recursive: true });
  const config = await readFile(join(FOLDER, "selfheal.yaml"), "utf8");
  await writeFile(join(changed, "selfheal.yaml"), config.replace("\nmode: observe", "\nmode: auto"));
  const ended = async (kinds: string) => {
    const { child, said } = backtest(changed, "--fail-on", kinds, "--json");
    // A day later somebody has approved.
    child.stdin.end(line(0) + line(24 * 60).replace("SmartDiskFailing", "Other"));
    const [stdout, stderr, [code]] = await said;
    const { comparison, failedOn } = JSON.parse(stdout) as BacktestReport & { failedOn: string[] };
    return { code: code as number, stderr, changes: comparison?.changes, failedOn };
  };
  const [fails, passes] = await Promise.all([ended("new-action,refuse"), ended("lost-action,refuse")]);
  expect(fails).toMatchObject({ code: 1, changes: { "new-action": 1, refuse: 0 }, failedOn: ["new-action"] });
  expect(fails.stderr).toContain("--fail-on: there are changes of the kind new-action\n");
  expect(passes).toMatchObject({ code: 0, stderr: "", changes: { "new-action": 1 }, failedOn: [] });
});
