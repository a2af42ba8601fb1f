/**
 * Teams' runbooks beside the platform's. What is wrong in one team's folder holds up nobody else: that team keeps its
 * runbooks of before, and where these do not fit any more, it has none. Whoever was there first keeps its alerts.
 */
import type { JsonObject } from "../contracts/json.ts";
import { canonicalJson } from "./canonical.ts";
import { groupsOf, type Content } from "./catalogue.ts";
import { checkOverlap, checkSameNames } from "./check-overlap.ts";
import type { Known, Written } from "./check-known.ts";
import { hasErrors, suggest, type Problem } from "./problems.ts";
import { readRunbook } from "./read-runbook.ts";
import { readYaml, type YamlSource } from "./yaml-source.ts";

export interface TeamState {
  team: string;
  /** Names of its runbooks that are in use. */
  runbooks: string[];
  /** As its files say; as they said before; or none at all. */
  state: "current" | "lastGood" | "leftOut";
}

export interface Settled {
  runbooks: Written[];
  teams: TeamState[];
  problems: Problem[];
}

interface Wish {
  team: string;
  /** null: something in it is wrong. */
  wanted: Written[] | null;
  /** null: it never had any, or they do not fit any more. */
  before: Written[] | null;
  /** Its files say what they said before. */
  isSame: boolean;
  problems: Problem[];
}

export function settleTeams(
  sources: ReadonlyMap<string, YamlSource[]>,
  platform: readonly Written[],
  known: Known,
  lastGood: Content | null,
): Settled {
  const wishes = [...sources].map(([team, files]) => wishOf(team, files, known, lastGood));
  const runbooks: Written[] = [];
  const teams: TeamState[] = [];
  const problems = wishes.flatMap((wish) => wish.problems);
  const take = (wish: Wish, taken: Written[] | null, state: TeamState["state"]): void => {
    const names = (taken ?? []).map(({ spec }) => spec.metadata.name).sort();
    runbooks.push(...(taken ?? []));
    teams.push({ team: wish.team, runbooks: names, state: taken === null ? "leftOut" : state });
  };
  // Those that stay as they are come before those that change, so that a newcomer takes nothing away from anybody.
  for (const wish of [...wishes].sort((a, b) => rank(a) - rank(b))) {
    const others = [...platform, ...runbooks];
    const against = wish.wanted === null ? [] : collisions(others, wish.wanted);
    problems.push(...against);
    if (wish.wanted !== null && against.length === 0) take(wish, wish.wanted, "current");
    else
      take(wish, wish.before !== null && collisions(others, wish.before).length === 0 ? wish.before : null, "lastGood");
  }
  return { runbooks, teams: teams.sort((a, b) => (a.team < b.team ? -1 : 1)), problems };
}

function rank({ wanted, isSame }: Wish): number {
  if (wanted !== null && isSame) return 0;
  return wanted === null ? 1 : 2;
}

/** Problems of `mine` with what is taken already, and among themselves. */
function collisions(others: readonly Written[], mine: readonly Written[]): Problem[] {
  const all = [...others, ...mine];
  const files = new Set(mine.map(({ source }) => source.file));
  return [...checkSameNames(all), ...checkOverlap(all)].filter(({ file }) => files.has(file));
}

function wishOf(team: string, files: YamlSource[], known: Known, lastGood: Content | null): Wish {
  const read = files.map((file) => readRunbook(file, known, team));
  const problems = [...checkTeam(team, files, known), ...read.flatMap((one) => one.problems)];
  const written = read.flatMap((one) => one.written ?? []);
  problems.push(...written.flatMap((one) => checkGrant(one, known)));
  const documents = documentsOf(team, lastGood);
  const isSame = textOf(files.map(({ json }) => json as JsonObject)) === textOf(documents);
  return {
    team,
    wanted: hasErrors(problems) ? null : written,
    before: fitting(team, documents, known),
    isSame,
    problems,
  };
}

function checkTeam(team: string, files: readonly YamlSource[], { config }: Known): Problem[] {
  const [first] = files;
  if (config === null || first === undefined || Object.hasOwn(config.teams, team)) return [];
  const message = `selfheal.yaml grants nothing to a team ${team}`;
  const wouldBeRight =
    Object.keys(config.teams).length === 0
      ? "teams: { NAME: { groups: [GROUP] } } there"
      : suggest(team, Object.keys(config.teams));
  return [first.problem([], "value", { message, wouldBeRight })];
}

/** What a team's runbook names must be its own: groups, and whatever an action would act on beside the target. */
function checkGrant({ source, spec, team }: Written, known: Known): Problem[] {
  const { config, groupsOfKind } = known;
  if (team === null || config === null || !Object.hasOwn(config.teams, team)) return [];
  const granted = config.teams[team]?.groups ?? [];
  const strangers = (spec.target.groups ?? []).flatMap((group, index) => {
    if (granted.includes(group)) return [];
    const what = {
      message: `the team ${team} was not granted this group`,
      wouldBeRight: suggest(group, granted),
      value: group,
    };
    return [source.problem(["target", "groups", index], "value", what)];
  });
  const groups = groupsOf(spec, team, config) ?? [];
  const there = groupsOfKind?.get(spec.target.kind);
  const isNowhere = there !== undefined && strangers.length === 0 && !groups.some((group) => there.has(group));
  const nowhere = isNowhere
    ? [
        source.problem(["target", "kind"], "value", {
          message: `no target of this kind is in the groups that it may touch (${groups.join(", ")})`,
          wouldBeRight: `a kind that they have, or one of the groups ${[...there].sort().join(", ")}`,
          value: spec.target.kind,
          severity: "warning" as const,
        }),
      ]
    : [];
  return [...strangers, ...nowhere];
}

/** As they were when they were right last. */
function documentsOf(team: string, lastGood: Content | null): JsonObject[] {
  const names = lastGood?.teams !== undefined && Object.hasOwn(lastGood.teams, team) ? lastGood.teams[team] : undefined;
  if (names === undefined || lastGood === null) return [];
  return lastGood.runbooks.filter((one) => names.includes(nameOf(one)));
}

/** null when there are none, or when they do not fit the configuration of now. */
function fitting(team: string, documents: readonly JsonObject[], known: Known): Written[] | null {
  if (documents.length === 0) return null;
  const read = documents.map((document) => {
    const file = `teams/${team} (before)/${nameOf(document)}`;
    return readRunbook(readYaml(file, new TextEncoder().encode(JSON.stringify(document))), known, team);
  });
  const written = read.flatMap((one) => one.written ?? []);
  const problems = [...read.flatMap((one) => one.problems), ...written.flatMap((one) => checkGrant(one, known))];
  const isGranted = known.config !== null && Object.hasOwn(known.config.teams, team);
  return isGranted && !hasErrors(problems) ? written : null;
}

function nameOf(document: JsonObject): string {
  const name = (document["metadata"] as JsonObject | undefined)?.["name"];
  return typeof name === "string" ? name : "";
}

/** Whatever the order of the files. */
function textOf(documents: readonly JsonObject[]): string {
  return documents
    .map((one) => canonicalJson(one))
    .sort()
    .join("\n");
}
