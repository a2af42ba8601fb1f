/** One name, one change: a patch's name that is used twice would take the new path in runs that never had it. */
import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { projectPath } from "../../src/config/project.ts";

const CALL = /\b(?:patched|deprecatePatch)\(\s*([^)]*?)\s*\)/g;
const NAME = /^"([a-z0-9]+(?:-[a-z0-9]+)*)"$/;

/** What is wrong with the patches of these sources, a line each. */
function faultsOf(sources: Record<string, string>): string[] {
  const calls = Object.entries(sources).flatMap(([file, code]) =>
    [...code.matchAll(CALL)].map(([, argument = ""]) => ({ file, argument })),
  );
  const unclear = calls.filter(({ argument }) => !NAME.test(argument));
  const again = calls.filter(({ argument }, index) => calls.findIndex((one) => one.argument === argument) !== index);
  return [
    ...unclear.map(({ file, argument }) => `${file}: the name must be a literal in small letters, not ${argument}`),
    ...again.map(({ file, argument }) => `${file}: ${argument} is used before`),
  ];
}

test("every patch of the workflow code has a name of its own, written out", () => {
  const files = globSync("src/workflows/**/*.ts", { cwd: projectPath() });
  expect(files.length).toBeGreaterThan(10);
  expect(faultsOf(Object.fromEntries(files.map((file) => [file, readFileSync(projectPath(file), "utf8")])))).toEqual(
    [],
  );
});

test("sees a name that is used twice, and one that is not written out", () => {
  const faults = faultsOf({
    a: 'if (patched("second-look")) x();',
    b: 'deprecatePatch("second-look"); patched(NAME);',
  });
  expect(faults).toEqual([
    "b: the name must be a literal in small letters, not NAME",
    'b: "second-look" is used before',
  ]);
});
