/** A folder as a catalogue: `selfheal.yaml`, `inventory.yaml`, `runbooks/*.yaml`. All mistakes are found at once. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import type { JsonObject } from "../contracts/json.ts";
import { isJsonObject } from "../contracts/json.ts";
import { catalogueFromContent, versionOf, type Actions, type Catalogue, type Content } from "./catalogue.ts";
import { checkConfig, checkInventory } from "./check-config.ts";
import { checkOverlap, checkRunbook } from "./check-runbook.ts";
import { configSchema, type ConfigSpec } from "./grammar/config.ts";
import { inventorySchema, type InventorySpec } from "./grammar/inventory.ts";
import { runbookSchema, type RunbookSpec } from "./grammar/runbook.ts";
import { indexInventory } from "./inventory.ts";
import { issuesToProblems } from "./issues.ts";
import { hasErrors, sortProblems, suggest, type Problem } from "./problems.ts";
import { runbookHash } from "./runbook-hash.ts";
import type { SecretSource } from "./secrets.ts";
import { readYaml, type YamlSource } from "./yaml-source.ts";

export { catalogueFromContent, type Actions, type Catalogue } from "./catalogue.ts";

export interface LoadOptions {
  actions: Actions;
  /** Instead of the file's `timeScale`. */
  timeScale?: number;
  /** Given: every reference to a secret must lead to one. Left out (checks in CI): references are not followed. */
  secrets?: SecretSource;
}

export interface Loaded {
  /** null when there is any error: nothing is ever applied by halves. */
  catalogue: Catalogue | null;
  problems: Problem[];
}

export async function loadCatalogue(folder: string, options: LoadOptions): Promise<Loaded> {
  const [config, inventory, runbooks] = await Promise.all([
    readRequired(folder, "selfheal.yaml"),
    readRequired(folder, "inventory.yaml"),
    readRunbooks(folder),
  ]);
  return check({ config, inventory, runbooks }, options);
}

/** Runbooks alone, without the configuration that they refer to. */
export async function checkRunbookFiles(files: readonly string[], actions: Actions): Promise<Problem[]> {
  const sources = await Promise.all(files.map(async (file) => read(file, file)));
  return check({ config: null, inventory: null, runbooks: sources }, { actions }).problems;
}

export interface Sources {
  /** null: not at hand; what refers to it is not checked and no catalogue comes of it. */
  config: YamlSource | null;
  inventory: YamlSource | null;
  runbooks: YamlSource[];
}

/** Pure: from the files' content to a catalogue or problems. */
export function check(sources: Sources, options: LoadOptions): Loaded {
  const problems: Problem[] = [];
  const all = [sources.config, sources.inventory, ...sources.runbooks];
  for (const source of all) problems.push(...(source?.problems ?? []));
  const config = sources.config && parse(sources.config, configSchema(1), problems);
  const inventory = sources.inventory && parse(sources.inventory, inventorySchema, problems);
  const schema = runbookSchema(1);
  const runbooks = sources.runbooks.flatMap((source) => {
    const spec = parse(source, schema, problems);
    return spec === null ? [] : [{ source, spec }];
  });
  problems.push(...checkAll({ sources, config, inventory, runbooks }, options));
  const sorted = sortProblems(problems);
  if (hasErrors(sorted) || sources.config === null || sources.inventory === null)
    return { catalogue: null, problems: sorted };
  return { catalogue: build(sources, options), problems: sorted };
}

interface Parsed {
  sources: Sources;
  config: ConfigSpec | null;
  inventory: InventorySpec | null;
  runbooks: { source: YamlSource; spec: RunbookSpec }[];
}

function checkAll({ sources, config, inventory, runbooks }: Parsed, { actions, secrets }: LoadOptions): Problem[] {
  const problems: Problem[] = [];
  if (sources.config !== null && config !== null) {
    problems.push(
      ...checkConfig(sources.config, config, secrets ?? null),
      ...boundOf(config).flatMap((one) => checkBound(sources.config as YamlSource, one, runbooks, actions)),
    );
  }
  if (sources.inventory !== null && inventory !== null) {
    const { clashes } = indexInventory(inventory, config?.groups ?? {});
    problems.push(...checkInventory(sources.inventory, inventory, clashes, config));
  }
  const kinds = inventory === null ? null : [...new Set(inventory.targets.map((target) => target.kind))];
  for (const { source, spec } of runbooks) problems.push(...checkRunbook(source, spec, { actions, config, kinds }));
  return [...problems, ...sameNames(runbooks), ...checkOverlap(runbooks)];
}

function sameNames(runbooks: Parsed["runbooks"]): Problem[] {
  const names = runbooks.map(({ spec }) => spec.metadata.name);
  return runbooks.flatMap(({ source }, index) => {
    const first = names.indexOf(names[index] ?? "");
    if (first === index) return [];
    const message = `this name is the one of ${runbooks[first]?.source.file} too`;
    return [
      source.problem(["metadata", "name"], "value", { message, wouldBeRight: "each name once", value: names[index] }),
    ];
  });
}

interface Bound {
  key: string;
  what: string;
  entries: { runbook: string; runbookHash: string }[];
}

function boundOf({ standingApprovals, rollouts }: ConfigSpec): Bound[] {
  return [
    { key: "standingApprovals", what: "approval", entries: standingApprovals },
    { key: "rollouts", what: "rollout", entries: rollouts },
  ];
}

/** What is bound to another version of a runbook is no error: it has lapsed, and that must be seen. */
function checkBound(
  source: YamlSource,
  { key, what: thing, entries }: Bound,
  runbooks: Parsed["runbooks"],
  actions: Actions,
): Problem[] {
  const raw = isJsonObject(source.json ?? undefined) ? (source.json as JsonObject) : {};
  return entries.flatMap(({ runbook, runbookHash: bound }, index) => {
    const path = [key, index];
    const found = runbooks.find(({ spec }) => spec.metadata.name === runbook);
    if (found === undefined) {
      const wouldBeRight = suggest(
        runbook,
        runbooks.map(({ spec }) => spec.metadata.name),
      );
      return [
        source.problem([...path, "runbook"], "value", {
          message: "there is no such runbook",
          wouldBeRight,
          value: runbook,
        }),
      ];
    }
    const hash = runbookHash(found.source.json as JsonObject, raw, actions);
    if (hash === bound) return [];
    const what = {
      message: `this ${thing} has lapsed: the runbook has changed`,
      wouldBeRight: `its hash is now ${hash}`,
      value: bound,
      severity: "warning" as const,
    };
    return [source.problem([...path, "runbookHash"], "value", what)];
  });
}

function parse<S extends z.ZodType>(source: YamlSource, schema: S, problems: Problem[]): z.output<S> | null {
  if (source.json === null) return null;
  const parsed = schema.safeParse(source.json);
  if (parsed.success) return parsed.data;
  problems.push(...issuesToProblems(source, schema, parsed.error.issues));
  return null;
}

function build(sources: Sources, options: LoadOptions): Catalogue {
  const json = (source: YamlSource | null): JsonObject => (source?.json ?? {}) as JsonObject;
  const config = json(sources.config);
  const written = typeof config["timeScale"] === "number" ? config["timeScale"] : 1;
  const byName = sources.runbooks.map(json).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const content: Content = {
    schema: 1,
    timeScale: Math.max(1, options.timeScale ?? written),
    config,
    inventory: json(sources.inventory),
    runbooks: byName,
  };
  return catalogueFromContent(content as unknown as JsonObject, versionOf(content), options.actions);
}

function nameOf(runbook: JsonObject): string {
  const name = isJsonObject(runbook["metadata"]) ? runbook["metadata"]["name"] : "";
  return typeof name === "string" ? name : "";
}

async function read(path: string, file: string): Promise<YamlSource> {
  try {
    const { size } = await stat(path);
    if (size > 64 * 1024 * 1024) return readYaml(file, new Uint8Array(64 * 1024 * 1024));
    return readYaml(file, await readFile(path));
  } catch (error) {
    return unreadable(file, error);
  }
}

function unreadable(file: string, error: unknown): YamlSource {
  const { code = "unreadable" } = error as { code?: string };
  const source = readYaml(file, new TextEncoder().encode("{}"));
  const message = code === "ENOENT" ? "there is no such file" : `it cannot be read (${code})`;
  source.problems.push(source.problem([], "value", { message, wouldBeRight: "a YAML file that this user may read" }));
  source.json = null;
  return source;
}

function readRequired(folder: string, file: string): Promise<YamlSource> {
  return read(join(folder, file), file);
}

async function readRunbooks(folder: string): Promise<YamlSource[]> {
  try {
    const names = (await readdir(join(folder, "runbooks"))).filter((one) => /\.ya?ml$/.test(one)).sort();
    return await Promise.all(names.map((one) => read(join(folder, "runbooks", one), `runbooks/${one}`)));
  } catch (error) {
    return [unreadable("runbooks", error)];
  }
}
