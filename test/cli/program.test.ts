import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Command } from "commander";
import { selfhealProgram } from "../../src/cli/program.ts";
import { packageManifest, projectPath } from "../../src/config/project.ts";

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}
function selfheal(
  args: string[],
  env: Record<string, string> = {},
  file = projectPath("bin", "selfheal"),
): Promise<Ran> {
  return new Promise((resolve) => {
    const base = { PATH: "/usr/bin:/bin", HOME: tmpdir() };
    execFile(file, args, { env: { ...base, ...env } }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
    });
  });
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "selfheal-cli-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("bin/selfheal", () => {
  test("runs on the project's own Node 24 whatever is on PATH, also through a symlink", async () => {
    const link = join(folder, "selfheal");
    symlinkSync(projectPath("bin", "selfheal"), link);
    const version = `${packageManifest().version}\n`;
    expect(await selfheal(["--version"])).toMatchObject({ code: 0, stdout: version });
    expect(await selfheal(["--version"], {}, link)).toMatchObject({ code: 0, stdout: version });
  });

  test("a Node that is too old is one line that says what to do", async () => {
    const old = join(folder, "node");
    writeFileSync(old, "#!/bin/sh\necho 20\n");
    chmodSync(old, 0o755);
    const { code, stdout, stderr } = await selfheal([], { SELFHEAL_NODE: old });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^selfheal: needs Node 24 or later, found .*node; run `npm ci` .*SELFHEAL_NODE[^\n]*\n$/);
  });
});

describe("every command", () => {
  const all = (command: Command): Command[] => [command, ...command.commands.flatMap((child) => all(child))];
  const leaves = all(selfhealProgram()).filter((command) => command.commands.length === 0);

  test.each(leaves.map((command) => [fullName(command), command] as const))(
    "%s has a help with examples and --json",
    (name, command) => {
      let help = "";
      command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
      expect(help).toContain(`Usage: ${name}`);
      expect(help).toContain("--json");
      expect(help).toMatch(new RegExp(`Examples:\\n( .*\\n)*.*${name}`));
      expect(command.description()).not.toBe("");
    },
  );

  function fullName(command: Command): string {
    const parent = command.parent;
    return parent === null ? command.name() : `${fullName(parent)} ${command.name()}`;
  }
});

describe("what goes wrong", () => {
  test("an unknown command or option is a usage error in two lines", async () => {
    expect(await selfheal(["heal-everything"])).toMatchObject({
      code: 2,
      stderr: "selfheal: unknown command 'heal-everything'\n(add --help for the options)\n",
    });
    expect((await selfheal(["dev", "--port", "eighty"])).code).toBe(2);
  });

  test("a bad environment variable is named, in one line without a stack, and as JSON when asked", async () => {
    const bad = { SELFHEAL_LOG_LEVEL: "loud" };
    const plain = await selfheal(["dev"], bad);
    expect(plain.code).toBe(2);
    expect(plain.stderr).toMatch(/^selfheal: environment variable SELFHEAL_LOG_LEVEL: [^\n]+\n$/);
    const json = await selfheal(["dev", "--json"], bad);
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { exitCode: 2 } });
    expect((await selfheal(["--debug", "dev"], bad)).stderr).toContain("at readEnv");
  });
});
