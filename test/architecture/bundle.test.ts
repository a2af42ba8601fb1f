import { builtinModules } from "node:module";
import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { currentBundle, type WorkflowBundle } from "../../src/workers/bundle.ts";

/**
 * The workflow code as every worker loads it, without source map. A new sandbox is made of it for each worker thread,
 * and one zod constant would double it, so growth has to be looked at: raise this with the reason in the commit.
 */
const MAX_CODE_BYTES = 767_000;
/** What the SDK brings. Anything else that turns up was imported by mistake. */
const ALLOWED_PACKAGES = ["@temporalio/common", "@temporalio/workflow", "long", "ms", "nexus-rpc"];

let bundle: WorkflowBundle;
beforeAll(async () => {
  bundle = await currentBundle();
});

test("only the SDK's packages are in the workflow bundle: no zod, no pino, no vendor", () => {
  expect(bundle.manifest.packages.filter((name) => !ALLOWED_PACKAGES.includes(name))).toEqual([]);
});

test("only contracts and workflows of our own are in it: no adapter, policy, record or configuration", () => {
  const files = Object.keys(bundle.manifest.sources);
  expect(files).toContain("src/workflows/index.ts");
  expect(files.filter((file) => !/^src\/(contracts|workflows)\//.test(file))).toEqual([]);
});

test("nothing in it asks for a Node module or the environment", () => {
  const code = readFileSync(bundle.codePath, "utf8").replace(/\n\/\/# sourceMappingURL=.*$/s, "");
  const own = code
    .split("\n")
    .filter((line) => !line.trimStart().startsWith("//") && !line.trimStart().startsWith("*"));
  const required = [...own.join("\n").matchAll(/require\(["'](?:node:)?([a-z_/]+)["']\)/g)].map((match) => match[1]);
  expect(required.filter((name) => builtinModules.includes(name ?? ""))).toEqual([]);
});

test(`it is at most ${MAX_CODE_BYTES / 1000} kB`, () => {
  expect(bundle.manifest.codeBytes).toBeLessThanOrEqual(MAX_CODE_BYTES);
});
