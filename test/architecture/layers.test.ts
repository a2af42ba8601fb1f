import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkArchitecture } from "../../scripts/architecture.ts";
import { projectPath } from "../../src/config/project.ts";

/** The rules are tried on small trees of their own: a rule that matches nothing would pass for ever. */
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "selfheal-layers-"));
  for (const file of ["tsconfig.json", "package.json"]) cpSync(projectPath(file), join(root, file));
  symlinkSync(projectPath("node_modules"), join(root, "node_modules"));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
}
const rulesBroken = async (files: Record<string, string>): Promise<string[]> => {
  write(files);
  const { violations } = await checkArchitecture(root);
  return [...new Set(violations.map((violation) => violation.replace(/:.*/, "")))].sort();
};

const THING = "export const thing = 1;\n";
const use = (from: string): string => `import { thing } from "${from}";\nexport const used = thing;\n`;

test("a tree that keeps to the layers passes", async () => {
  const files = {
    "src/contracts/a.ts": THING,
    "src/policy/a.ts": use("../contracts/a.ts"),
    "src/workflows/a.ts": `import { sleep } from "@temporalio/workflow";\n${use("../contracts/a.ts")}export const s = sleep;\n`,
    "src/activities/a.ts": use("../policy/a.ts").replace("thing }", "used as thing }"),
  };
  expect(await rulesBroken(files)).toEqual([]);
});

test.each([
  ["contracts import nothing above them", "contracts", "../policy/x.ts", "contracts-imports"],
  ["policy does not import catalogue", "policy", "../catalogue/x.ts", "policy-imports"],
  ["workflows do not import activities", "workflows", "../activities/x.ts", "workflows-imports"],
  ["adapters do not import the record", "adapters", "../record/x.ts", "adapters-imports"],
  ["activities do not import a vendor", "activities", "../adapters/x.ts", "activities-imports"],
  ["starters do not import workflows", "starters", "../workflows/x.ts", "starters-imports"],
  ["the lab does not import adapters", "lab", "../adapters/x.ts", "lab-imports"],
  ["the record does not import starters", "record", "../starters/x.ts", "record-imports"],
])("%s", async (_, layer, target, rule) => {
  expect(await rulesBroken({ [`src/${layer}/a.ts`]: use(target), [`src/${target.slice(3)}`]: THING })).toContain(rule);
});

test.each([
  [
    "no package but the SDK in the sandbox",
    "src/workflows/a.ts",
    'import { z } from "zod";\nexport const s = z;\n',
    "sandbox-packages",
  ],
  [
    "no Node module in contracts",
    "src/contracts/a.ts",
    'import { join } from "node:path";\nexport const s = join;\n',
    "sandbox-packages",
  ],
  ["no package in policy", "src/policy/a.ts", 'import { z } from "zod";\nexport const s = z;\n', "pure-policy"],
  [
    "adapters open no connection themselves",
    "src/adapters/a.ts",
    'import { connect } from "node:net";\nexport const s = connect;\n',
    "adapters-outside",
  ],
  [
    "adapters do not know Temporal",
    "src/adapters/a.ts",
    'import { Context } from "@temporalio/activity";\nexport const s = Context;\n',
    "temporal-sdk-places",
  ],
  [
    "only the record talks to PostgreSQL",
    "src/starters/a.ts",
    'import pg from "pg";\nexport const s = pg;\n',
    "database-driver",
  ],
  [
    "src does not need a development package",
    "src/cli/a.ts",
    'import { test } from "vitest";\nexport const s = test;\n',
    "no-test-in-src",
  ],
])("%s", async (_, file, content, rule) => {
  expect(await rulesBroken({ [file]: content })).toContain(rule);
});

test("a cycle is refused, a type may point back", async () => {
  const back = 'import { b } from "./b.ts";\nexport const a = b;\n';
  expect(
    await rulesBroken({
      "src/lab/a.ts": back,
      "src/lab/b.ts": 'import { a } from "./a.ts";\nexport const b: number = a;\n',
    }),
  ).toEqual(["no-cycles"]);
  const typeBack = 'import type { a } from "./a.ts";\nexport const b: typeof a | number = 1;\n';
  expect(await rulesBroken({ "src/lab/b.ts": typeBack })).toEqual([]);
});

test("every module of the project was looked at", async () => {
  const { unseen, modules } = await checkArchitecture(projectPath());
  expect(unseen).toEqual([]);
  expect(modules).toBeGreaterThan(100);
});
