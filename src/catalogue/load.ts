/** A folder as a catalogue: `selfheal.yaml`, `inventory.yaml`, `slos.yaml`, runbooks, teams. All mistakes are found at once. */
import type { JsonObject } from "../contracts/json.ts";
import { checkBound } from "./check-bound.ts";
import { catalogueFromContent, versionOf, type Actions, type Catalogue, type Content } from "./catalogue.ts";
import { checkConfig } from "./check-config.ts";
import { checkInventory } from "./check-inventory.ts";
import type { Known, Written } from "./check-known.ts";
import { checkSurroundings } from "./check-surroundings.ts";
import { checkOverlap, checkSameNames } from "./check-overlap.ts";
import { readFileAlone, readFolder, type Snapshot } from "./folder.ts";
import { configSchema, type ConfigSpec } from "./grammar/config.ts";
import type { InventorySpec } from "./grammar/inventory.ts";
import { slosSchema, type SlosSpec } from "./grammar/slos.ts";
import { indexOf } from "./inventory.ts";
import { hasErrors, sortProblems, type Problem } from "./problems.ts";
import { parseSource, parseTargets, readRunbook } from "./read-runbook.ts";
import type { SecretSource } from "./secrets.ts";
import { ParsedFiles, sourceOf, type Sources } from "./sources.ts";
import { settleTeams, type TeamState } from "./teams.ts";
import type { YamlSource } from "./yaml-source.ts";

export { catalogueFromContent, type Actions, type Catalogue } from "./catalogue.ts";

export interface LoadOptions {
  actions: Actions;
  /** Instead of the file's `timeScale`. */
  timeScale?: number;
  /** Given: every reference to a secret must lead to one. Left out (checks in CI): references are not followed. */
  secrets?: SecretSource;
  /** What was in use before: a team whose files are wrong keeps its runbooks of then. */
  lastGood?: Content | null;
  /** Parses only what has changed since it was used last. */
  parsed?: ParsedFiles;
}

export interface Loaded {
  /** null when there is an error outside of the teams' folders: nothing is ever applied by halves. */
  catalogue: Catalogue | null;
  /** All of them, those of teams too. */
  problems: Problem[];
  teams: TeamState[];
}

/** From a folder as it was at one moment, with the content that was in use before. */
export type Loader = (snapshot: Snapshot, lastGood: Content | null) => Promise<Loaded>;

/** In this thread. One for each folder that is watched: it parses only what has changed since the last time. */
export function loaderOf(options: Pick<LoadOptions, "actions" | "secrets">): Loader {
  const parsed = new ParsedFiles();
  return (snapshot, lastGood) => Promise.resolve(loadSnapshot(snapshot, { ...options, lastGood, parsed }));
}

export async function loadCatalogue(folder: string, options: LoadOptions): Promise<Loaded> {
  return loadSnapshot(await readFolder(folder), options);
}

export function loadSnapshot(snapshot: Snapshot, options: LoadOptions): Loaded {
  return check((options.parsed ?? new ParsedFiles()).sourcesOf(snapshot), options);
}

/** Runbooks alone, without the configuration that they refer to. */
export async function checkRunbookFiles(files: readonly string[], actions: Actions): Promise<Problem[]> {
  const sources = await Promise.all(files.map(async (file) => sourceOf(await readFileAlone(file))));
  return check({ config: null, inventory: null, runbooks: sources }, { actions }).problems;
}

/** Pure: from the files' content to a catalogue or problems. */
export function check(sources: Sources, options: LoadOptions): Loaded {
  const problems: Problem[] = [];
  for (const source of [sources.config, sources.inventory, sources.slos]) problems.push(...(source?.problems ?? []));
  const config = sources.config && parseSource(sources.config, configSchema(1), problems);
  const inventory = sources.inventory && parseTargets(sources.inventory, problems);
  const slos = sources.slos ? parseSource(sources.slos, slosSchema(1), problems) : null;
  const known: Known = { actions: options.actions, config: referable(config, problems), ...kindsOf(inventory) };
  const runbooks = sources.runbooks.map((source) => readRunbook(source, known, null));
  problems.push(...runbooks.flatMap((one) => one.problems));
  const own = runbooks.flatMap(({ written }) => written ?? []);
  problems.push(...checkSameNames(own), ...checkOverlap(own));
  const settled = settleTeams(sources.teams ?? new Map(), own, known, options.lastGood ?? null);
  problems.push(...settled.problems);
  const all = [...own, ...settled.runbooks];
  const isPartial = settled.teams.some(({ state }) => state !== "current");
  problems.push(
    ...checkPlatform({ sources, config, known: known.config, inventory, slos, runbooks: all, isPartial }, options),
  );
  const sorted = sortProblems(problems);
  // What is wrong in a team's folder is the team's alone.
  const isBroken = hasErrors(sorted.filter((problem) => !settled.problems.includes(problem)));
  const isWhole = sources.config !== null && sources.inventory !== null;
  const catalogue = isBroken || !isWhole ? null : build(sources, settled.teams, all, options);
  return { catalogue, problems: sorted, teams: settled.teams };
}

interface Platform {
  sources: Sources;
  config: ConfigSpec | null;
  /** As far as the other files may refer to it. */
  known: ConfigSpec | null;
  inventory: InventorySpec | null;
  slos: SlosSpec | null;
  runbooks: readonly Written[];
  /** A team's runbooks are not as its files say. */
  isPartial: boolean;
}

function checkPlatform(
  { sources, config, known, inventory, slos, runbooks, isPartial }: Platform,
  { actions, secrets }: LoadOptions,
): Problem[] {
  const names = runbooks.map(({ spec }) => spec.metadata.name);
  const problems: Problem[] = checkSurroundings(sources, { config, inventory, slos, runbooks: names });
  if (sources.config !== null && config !== null) {
    problems.push(...checkConfig(sources.config, config, secrets ?? null));
    problems.push(...checkBound(sources.config, config, { runbooks, actions, isPartial }));
  }
  if (sources.inventory !== null && inventory !== null) {
    const { clashes } = indexOf(sources.inventory.json as JsonObject, inventory, config?.groups ?? {});
    problems.push(...checkInventory(sources.inventory, inventory, clashes, known));
  }
  return problems;
}

const REFERRED_TO = ["groups", "people", "probes", "slis", "teams", "values"];

/** null where a whole section is made up: everything that the other files name in it would seem to be missing. */
function referable(config: ConfigSpec | null, problems: readonly Problem[]): ConfigSpec | null {
  return problems.some(({ unread, path }) => unread === true && REFERRED_TO.includes(path)) ? null : config;
}

function kindsOf(inventory: InventorySpec | null): Pick<Known, "kinds" | "groupsOfKind"> {
  if (inventory === null) return { kinds: null, groupsOfKind: null };
  const groups = new Map<string, Set<string>>();
  for (const { kind, group } of inventory.targets) groups.set(kind, (groups.get(kind) ?? new Set()).add(group));
  return { kinds: [...groups.keys()], groupsOfKind: groups };
}

function build(
  sources: Sources,
  teams: readonly TeamState[],
  runbooks: readonly Written[],
  options: LoadOptions,
): Catalogue {
  const json = (source: YamlSource | null): JsonObject => (source?.json ?? {}) as JsonObject;
  const config = json(sources.config);
  const scale = typeof config["timeScale"] === "number" ? config["timeScale"] : 1;
  const byName = [...runbooks].sort((a, b) => (a.spec.metadata.name < b.spec.metadata.name ? -1 : 1));
  const content: Content = {
    schema: 1,
    timeScale: Math.max(1, options.timeScale ?? scale),
    config,
    inventory: json(sources.inventory),
    runbooks: byName.map(({ source }) => json(source)),
    ...(sources.slos ? { slos: json(sources.slos) } : {}),
    ...(teams.length === 0
      ? {}
      : { teams: Object.fromEntries(teams.map(({ team, runbooks: names }) => [team, names])) }),
  };
  return catalogueFromContent(content as unknown as JsonObject, versionOf(content), options.actions);
}
