/** A backtest as a process: what a terminal and a CI get. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
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

function backtest() {
  const args = ["backtest", "--alerts", "-", "--config", FOLDER, "--against", FOLDER];
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
