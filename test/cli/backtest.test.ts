/** A backtest as a process: what a terminal and a CI get. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { ACTIONS } from "../../src/activities/actions.ts";
import type { BacktestReport } from "../../src/backtest/backtest.ts";
import { backtestCommand } from "../../src/cli/backtest.ts";
import type { RemediationCommandOptions } from "../../src/cli/remediation-context.ts";
import { projectPath } from "../../src/config/project.ts";
import { API_TOKEN_PREFIX } from "../../src/contracts/roles.ts";
import { requireCatalogue } from "../../src/starters/active-catalogue.ts";

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

test("ends with 1 where --fail-on has nothing to look at: what shows nothing does not pass", async () => {
  const { child, said } = backtest(FOLDER, "--fail-on", "new-action", "--from", "2030-01-01");
  child.stdin.end(line(0));
  const [, stderr, [code]] = await said;
  const why = "no alert that fires is in - from 2030-01-01T00:00:00.000Z: this shows nothing\n";
  expect({ code: code as number, stderr }).toEqual({ code: 1, stderr: `selfheal: ${why}` });
});

describe("--attest", () => {
  let folder: string;
  let [config, file] = ["", ""];
  let sent: unknown[];
  let [printed, noted] = ["", ""];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "selfheal-attest-"));
    [config, file] = [join(folder, "config"), join(folder, "recorded.jsonl")];
    await cp(FOLDER, config, { recursive: true });
    const written = await readFile(join(config, "selfheal.yaml"), "utf8");
    await writeFile(join(config, "selfheal.yaml"), written.replace("mode: observe", "mode: review"));
    // An hour later another one, so that the plan has time to be approved. web-2 is opted out.
    await writeFile(file, line(0) + line(61));
  });
  afterAll(() => rm(folder, { recursive: true }));
  beforeEach(() => {
    [sent, printed, noted] = [[], "", ""];
    vi.spyOn(process.stdout, "write").mockImplementation((said) => ((printed += String(said)), true));
    vi.spyOn(process.stderr, "write").mockImplementation((said) => ((noted += String(said)), true));
  });
  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = undefined;
  });

  const fakeFetch: typeof fetch = async (url, init) => {
    sent.push({ path: new URL(url).pathname, ...(JSON.parse(init?.body as string) as object) });
    return Response.json({});
  };
  const attest = (name: string, ...words: string[]) => attestWith({}, name, ...words);
  const attestWith = (options: RemediationCommandOptions, name: string, ...words: string[]) => {
    const outside = { fetch: fakeFetch, user: () => "ada" };
    const command = backtestCommand({ url: "http://api:1", outside, ...options });
    const folders = ["--alerts", file, "--config", config, "--against", config];
    return command.exitOverride().parseAsync([...folders, "--attest", name, ...words], { from: "user" });
  };

  test("writes down what the run showed of the version that ran", async () => {
    await attest("disk-replacement", "--fail-on", "lost-action");
    const { runbooks } = await requireCatalogue(config, ACTIONS);
    const ran = { kind: "backtest", runbook: "disk-replacement", runbookHash: runbooks[0]?.hash, by: "ada" };
    expect(sent).toMatchObject([{ path: "/v1/modes/attestations", ...ran, passed: true }]);
    expect(printed).toContain("disk-replacement is promoted in the changed folder");
    expect(noted).toContain("written down: backtest of disk-replacement");
    expect(process.exitCode).toBeUndefined();
  });

  test("leaves it to a token of one's own to say who ran it", async () => {
    await attestWith({ token: `${API_TOKEN_PREFIX}x` }, "disk-replacement", "--fail-on", "lost-action");
    expect(sent).toHaveLength(1);
    expect(sent[0]).not.toHaveProperty("by");
  });

  test("writes down nothing of a runbook that the recording has no alert of", async () => {
    await expect(attest("disk-replacement", "--fail-on", "refuse", "--to", "2026-01-01")).rejects.toThrow(
      "nothing is written down of disk-replacement",
    );
    expect(sent).toEqual([]);
  });

  test.each([
    [
      "a runbook that is not there",
      ["power-cycle", "--fail-on", "refuse"],
      "has no runbook power-cycle; there are: disk",
    ],
    ["no word on what must not be", ["disk-replacement"], "--attest needs --fail-on"],
  ])("refuses %s before anything runs", async (_, [name = "", ...words], why) => {
    await expect(attest(name, ...words)).rejects.toThrow(why);
    expect(printed).toBe("");
  });
});
