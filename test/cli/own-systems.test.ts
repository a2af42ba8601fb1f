/** `selfheal dev` on a user's own systems says what is missing before it starts anything. */
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { childEnv } from "../../src/config/env.ts";
import { projectPath } from "../../src/config/project.ts";
import { describeLook } from "../../src/cli/process/own-systems.ts";

function dev(folder: string, env: Record<string, string | undefined> = {}): { status: number | null; lines: string[] } {
  const args = ["dev", "--no-lab", "--config", folder, "--fresh", "--port", "0", "--temporal-port", "0"];
  const { status, stderr } = spawnSync(projectPath("bin/selfheal"), args, { env: childEnv(env), encoding: "utf8" });
  return { status, lines: stderr.trimEnd().split("\n") };
}

describe("selfheal dev --no-lab", () => {
  test("names every secret that is missing, a line each with its place, and starts nothing", () => {
    const names = { RT_TOKEN: "there", BMC_PASSWORD: undefined, SLACK_WEBHOOK_URL: "", ALERTMANAGER_TOKEN: "there" };
    const { status, lines } = dev(projectPath("examples/first-remediation"), names);
    expect(status).toBe(2);
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/selfheal\.yaml:\d+:\d+ connections\.bmc\.password: .*BMC_PASSWORD is not set/);
    expect(lines[2]).toMatch(/selfheal\.yaml:\d+:\d+ connections\.notify\.url: .*SLACK_WEBHOOK_URL is empty/);
  });

  test("says which files a folder lacks, and starts nothing", () => {
    const { status, lines } = dev("no-such-folder");
    expect(status).toBe(2);
    expect(lines[0]).toContain("the catalogue in no-such-folder does not load");
    expect(lines.join("\n")).toMatch(/selfheal\.yaml:.*there is no such file/);
  });

  test("tells of a system that does not answer in one line", () => {
    const fault = "request-tracker get: connect ECONNREFUSED 127.0.0.1:9";
    expect(describeLook({ connection: "tickets", fault, lacks: null })).toBe(`connections.tickets: WARNING: ${fault}`);
  });
});
