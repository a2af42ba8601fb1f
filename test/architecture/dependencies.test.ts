import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { projectPath } from "../../src/config/project.ts";

interface Manifest {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
}
const manifest = JSON.parse(readFileSync(projectPath("package.json"), "utf8")) as Manifest;
const page = readFileSync(projectPath("docs", "dependencies.md"), "utf8");
const declared = { ...manifest.dependencies, ...manifest.devDependencies };

test("docs/dependencies.md says why each package is here, and names none that is not", () => {
  const documented = [...page.matchAll(/^\| `([^`]+)` *\|/gm)].map((match) => match[1]);
  expect(documented.sort()).toEqual(Object.keys(declared).sort());
});

test("every version is exact, so that everybody runs the same", () => {
  expect(Object.entries(declared).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
});

test("all packages of the Temporal SDK have one version", () => {
  const versions = Object.entries(declared).filter(([name]) => name.startsWith("@temporalio/"));
  expect(new Set(versions.map(([, version]) => version)).size).toBe(1);
});

interface Lock {
  packages: Record<string, Manifest & { version?: string; optionalDependencies?: Record<string, string> }>;
}
const lock = JSON.parse(readFileSync(projectPath("package-lock.json"), "utf8")) as Lock;

test("the lock file is of this package.json", () => {
  expect(lock.packages[""]?.dependencies).toEqual(manifest.dependencies);
  expect(lock.packages[""]?.devDependencies).toEqual(manifest.devDependencies);
});

test("the lock file has the binaries of every platform: without one, `npm ci` refuses it on every machine", () => {
  const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !(`node_modules/${name}` in lock.packages) && !(`${path}/node_modules/${name}` in lock.packages),
    ),
  );
  expect(missing).toEqual([]);
});
