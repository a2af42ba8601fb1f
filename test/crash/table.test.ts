/** The matrix leaves nothing out: list, table and call sites name the same points. */
import { globSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { projectPath } from "../../src/config/project.ts";
import { FAULT_POINTS } from "../../src/contracts/fault-points.ts";
import { SWEEP, TABLE } from "./table.ts";

/** The points that a call site in the sources names, as patterns: `${name}` in a template stands for one word of the list. */
function callSites(): { file: string; pattern: RegExp }[] {
  return globSync("src/**/*.ts", { cwd: projectPath() }).flatMap((file) => {
    const calls = readFileSync(projectPath(file), "utf8").matchAll(/faultPoint\?\.\(\s*["`]([^"`]+)["`]/g);
    return [...calls].map(([, text = ""]) => ({ file, pattern: patternOf(text) }));
  });
}

/** `effect.${direction}.begun`: a direction has no dot in it; an activity's name has one. */
function patternOf(text: string): RegExp {
  const parts = text.split(/\$\{\w+\}/).map((part) => part.replaceAll(".", "\\."));
  return new RegExp(`^${parts.join(text.startsWith("$") ? "\\w+\\.\\w+" : "\\w+")}$`);
}

it("each fault point has a row", () => {
  const inTable = new Set([...TABLE, ...SWEEP].map(({ point }) => point));
  expect(FAULT_POINTS.filter((point) => !inTable.has(point))).toEqual([]);
});

it("each fault point has exactly one call site, and each call site is in the list", () => {
  const sites = callSites();
  const sitesOf = (point: string) => sites.filter(({ pattern }) => pattern.test(point)).map(({ file }) => file);
  expect(FAULT_POINTS.filter((point) => sitesOf(point).length !== 1).map((point) => [point, sitesOf(point)])).toEqual(
    [],
  );
  expect(sites.filter(({ pattern }) => !FAULT_POINTS.some((point) => pattern.test(point)))).toEqual([]);
});

it("no place dies twice: two rows of one scenario are told apart", () => {
  const places = [...TABLE, ...SWEEP].map(({ point, about, scenario }) => [point, about, scenario].join("@"));
  expect(new Set(places).size).toBe(places.length);
});
