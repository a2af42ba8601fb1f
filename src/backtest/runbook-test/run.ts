/** Files of runbook tests: each test with what was decided, and each expectation that does not hold, with its place. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Json, JsonObject } from "../../contracts/json.ts";
import { issuesToProblems } from "../../catalogue/issues.ts";
import type { Actions, Catalogue } from "../../catalogue/catalogue.ts";
import { isRunbookFile, readFileAlone, readFolder, runbookTestsIn } from "../../catalogue/folder.ts";
import { runbookTestSchema, type RunbookTest, type RunbookTestFile } from "../../catalogue/grammar/runbook-test.ts";
import { check } from "../../catalogue/load.ts";
import { ParsedFiles, sourceOf, type Sources } from "../../catalogue/sources.ts";
import { hasErrors, show, sortProblems, type Problem } from "../../catalogue/problems.ts";
import { readYaml, type YamlSource } from "../../catalogue/yaml-source.ts";
import { decideTest, UnknownFact, type Decided } from "./decide.ts";

export interface TestOutcome {
  file: string;
  name: string;
  passed: boolean;
  /** Each expectation that does not hold, at its place. */
  problems: Problem[];
  decided: Decided | null;
}

export interface TestRun {
  outcomes: TestOutcome[];
  /** Of files and folders that could not be used at all. */
  problems: Problem[];
}

/** `folder`: one with selfheal.yaml, or one with runbooks alone, whose tests bring a configuration along. */
export async function runRunbookTests(folder: string, actions: Actions): Promise<TestRun> {
  const names = await readdir(folder).catch((): string[] => []);
  const isWhole = names.includes("selfheal.yaml");
  const sources = await sourcesOf(folder, isWhole);
  const loaded = isWhole ? check(sources, { actions }) : null;
  if (loaded?.catalogue === null) return { outcomes: [], problems: loaded.problems };
  // A team's mistakes keep nobody else's tests from being run.
  const run: TestRun = { outcomes: [], problems: (loaded?.problems ?? []).filter(isError) };
  for (const file of await runbookTestsIn(folder, isWhole ? "whole" : "runbooks")) {
    const source = readYaml(file, await readFile(join(folder, file)));
    const tested = testFile(source, { catalogue: loaded?.catalogue ?? null, sources, actions });
    run.outcomes.push(...tested.outcomes);
    run.problems.push(...tested.problems);
  }
  return run;
}

async function sourcesOf(folder: string, isWhole: boolean): Promise<Sources> {
  if (isWhole) return new ParsedFiles().sourcesOf(await readFolder(folder));
  const names = (await readdir(folder).catch((): string[] => [])).filter(isRunbookFile).sort();
  const runbooks = await Promise.all(names.map(async (name) => sourceOf(await readFileAlone(join(folder, name)))));
  return { config: null, inventory: null, runbooks };
}

interface Folder {
  catalogue: Catalogue | null;
  sources: Sources;
  actions: Actions;
}

/** Pure: one file against the folder that it lies in. */
export function testFile(source: YamlSource, folder: Folder): TestRun {
  const none = (problems: Problem[]): TestRun => ({ outcomes: [], problems: sortProblems(problems) });
  if (source.problems.length > 0 || source.json === null) return none(source.problems);
  const schema = runbookTestSchema(1);
  const parsed = schema.safeParse(source.json);
  if (!parsed.success) return none(issuesToProblems(source, schema, parsed.error.issues));
  const { catalogue, problems } = catalogueFor(source, parsed.data, folder);
  if (catalogue === null) return none(problems);
  return { outcomes: parsed.data.tests.map((test, index) => testOne(source, catalogue, test, index)), problems: [] };
}

function catalogueFor(
  source: YamlSource,
  { config, inventory }: RunbookTestFile,
  { catalogue, sources, actions }: Folder,
): { catalogue: Catalogue | null; problems: Problem[] } {
  if (config === undefined && inventory === undefined && catalogue !== null) return { catalogue, problems: [] };
  const own = (what: string, json: JsonObject | undefined, otherwise: YamlSource | null): YamlSource | null =>
    json === undefined ? otherwise : asSource(`${source.file}#${what}`, json);
  const chosen = {
    ...sources,
    teams: teamsFor(source.file, sources),
    config: own("config", config, sources.config),
    inventory: own("inventory", inventory, sources.inventory),
  };
  const missing = [chosen.config === null ? "config" : "", chosen.inventory === null ? "inventory" : ""].filter(
    Boolean,
  );
  if (missing.length > 0) {
    const message = `the folder has no selfheal.yaml, and the file no ${missing.join(" and no ")} of its own`;
    return {
      catalogue: null,
      problems: [source.problem([], "value", { message, wouldBeRight: `${missing.join(", ")}: …` })],
    };
  }
  const loaded = check(chosen, { actions });
  return hasErrors(loaded.problems) ? { catalogue: null, problems: loaded.problems } : loaded;
}

/** With a configuration of its own, a file stands beside the platform's runbooks and those of its own team. */
function teamsFor(file: string, { teams }: Sources): NonNullable<Sources["teams"]> {
  return new Map([...(teams ?? [])].filter(([team]) => file.startsWith(`teams/${team}/`)));
}

function isError({ severity }: Problem): boolean {
  return severity === "error";
}

/** Its lines are not those of the file: the path says where. */
function asSource(name: string, json: JsonObject): YamlSource {
  return readYaml(name, new TextEncoder().encode(stringify(json)));
}

function testOne(source: YamlSource, catalogue: Catalogue, test: RunbookTest, index: number): TestOutcome {
  const at = ["tests", index];
  try {
    const decided = decideTest(catalogue, test);
    const problems = unmet(test, decided).map(({ key, got, detail }) => {
      const wanted = (test.expect as Record<string, unknown>)[key];
      const message = `"${test.name}" is decided otherwise${detail === "" ? "" : `: ${detail}`}`;
      return source.problem([...at, "expect", key], "value", {
        message,
        wouldBeRight: `decided: ${show(got)}`,
        value: wanted,
      });
    });
    return { file: source.file, name: test.name, passed: problems.length === 0, problems, decided };
  } catch (error) {
    if (!(error instanceof UnknownFact)) throw error;
    const what = { message: error.message, wouldBeRight: "an id of the inventory" };
    const problem = source.problem([...at, "facts", ...error.path], "value", what);
    return { file: source.file, name: test.name, passed: false, problems: [problem], decided: null };
  }
}

interface Unmet {
  key: keyof RunbookTest["expect"];
  got: Json;
  detail: string;
}

function unmet({ expect }: RunbookTest, { runbook, target, verdict, results, steps }: Decided): Unmet[] {
  const against = results.filter(({ outcome }) => outcome !== "pass");
  const reasons = [...new Set(against.map(({ code }) => code))];
  const why = against.map(({ code, detail }) => `${code}: ${detail}`).join("; ");
  const passing = results.filter(({ outcome }) => outcome === "pass").map(({ guardrail }) => guardrail);
  const found: Unmet[] = [];
  const want = (key: Unmet["key"], isMet: boolean, got: Json, detail = ""): void => {
    if (expect[key] !== undefined && !isMet) found.push({ key, got, detail });
  };
  want("runbook", expect.runbook === runbook, runbook);
  want("target", expect.target === target, target);
  want("verdict", expect.verdict === verdict, verdict, why);
  want("reasons", sameSet(expect.reasons ?? [], reasons), reasons, why);
  want(
    "passes",
    (expect.passes ?? []).every((one) => passing.includes(one)),
    passing,
    why,
  );
  want("steps", JSON.stringify(expect.steps) === JSON.stringify(steps), steps);
  return found;
}

function sameSet(one: readonly string[], other: readonly string[]): boolean {
  return new Set(one).size === other.length && other.every((item) => one.includes(item));
}
