/** The loaded, checked catalogue. Made of JSON alone, so that a pinned version can be brought back from the database. */
import type { z } from "zod";
import type { Mode, StandingApproval } from "../contracts/facts.ts";
import type { Json, JsonObject } from "../contracts/json.ts";
import { isJsonObject } from "../contracts/json.ts";
import type { Target } from "../contracts/target.ts";
import type { AnyAction } from "../ports/action.ts";
import { documentHash, hashOf } from "./canonical.ts";
import { configSchema, type ConfigSpec } from "./grammar/config.ts";
import { runbookSchema, type RunbookSpec } from "./grammar/runbook.ts";
import { slosSchema, type SlosSpec } from "./grammar/slos.ts";
import type { Inventory } from "./identity.ts";
import { indexOf, parseInventory } from "./inventory.ts";
import { runbookHash } from "./runbook-hash.ts";

export type Actions = Readonly<Record<string, AnyAction>>;

export interface Runbook {
  name: string;
  owner: string;
  /** Whose folder it comes from; null: nobody's in particular. */
  team: string | null;
  /** The only groups that it may touch; null: every group. */
  groups: readonly string[] | null;
  /** Of its content and of what it refers to: what a standing approval is bound to. */
  hash: string;
  flapWindowMs: number;
  /** A fault that was decided and still fires starts again after this. */
  reopenAfterMs: number;
  /** As parsed: durations are milliseconds, with the time scale applied. */
  spec: RunbookSpec;
}

export interface Catalogue {
  /** sha256 of the canonical content. */
  version: string;
  content: Json;
  /** The actions that it was checked against. */
  actions: Actions;
  timeScale: number;
  runbooks: readonly Runbook[];
  inventory: Inventory;
  mode: Mode;
  groups: ConfigSpec["groups"];
  limits: ConfigSpec["limits"];
  defaults: ConfigSpec["defaults"];
  rollouts: ConfigSpec["rollouts"];
  windows: ConfigSpec["windows"];
  correlation: ConfigSpec["correlation"];
  slos: SlosSpec["slos"];
  promotion: ConfigSpec["promotion"];
  notifications: ConfigSpec["notifications"];
  reports: ConfigSpec["reports"];
  problems: ConfigSpec["problems"];
  people: ConfigSpec["people"];
  approvals: ConfigSpec["approvals"];
  access: ConfigSpec["access"];
  probes: ConfigSpec["probes"];
  slis: ConfigSpec["slis"];
  values: JsonObject;
  /** With references instead of secrets: `resolveSecrets` fills them in. */
  connections: JsonObject;
  /** With references, too. */
  sources: ConfigSpec["sources"];
  /** All that stand in selfheal.yaml. */
  declaredApprovals: Omit<StandingApproval, "id" | "used">[];
  /** Of these, those that are bound to the runbooks as they are now. */
  standingApprovals: Omit<StandingApproval, "id" | "used">[];
  modes(runbook: Runbook, target: Target): { global: Mode; group: Mode; runbook: Mode };
}

/** What a catalogue is pinned as. Documents are kept as they were written. */
export interface Content {
  schema: 1;
  timeScale: number;
  config: JsonObject;
  inventory: JsonObject;
  runbooks: JsonObject[];
  /** Names of the runbooks of each team. Left out where there are no teams. */
  teams?: Record<string, string[]>;
  /** Left out where there is no slos.yaml. */
  slos?: JsonObject;
}

/**
 * Brings a version back. Throws when the content is not one that this program wrote, or when an action or a field that
 * it needs is not known any more. `inventory`: that of this very content, indexed before, as in another thread.
 */
export function catalogueFromContent(
  content: Json,
  version: string,
  actions: Actions,
  inventory?: Inventory,
): Catalogue {
  if (!isContent(content)) {
    throw new Error(`catalogue ${version} is of a form that this program does not know`);
  }
  const { timeScale, config, runbooks, teams = {}, slos } = content;
  const spec = parseAs(configSchema(timeScale), config, version);
  const schema = runbookSchema(timeScale);
  const declaredApprovals = declaredIn(spec);
  const made = runbooks.map((raw) => toRunbook(parseAs(schema, raw, version), raw, { spec, config, teams, actions }));
  return {
    version,
    content,
    actions,
    timeScale,
    runbooks: made,
    inventory: inventory ?? indexed(content.inventory, spec.groups, version),
    mode: spec.mode,
    groups: spec.groups,
    limits: spec.limits,
    defaults: spec.defaults,
    rollouts: spec.rollouts,
    windows: spec.windows,
    correlation: spec.correlation,
    slos: slos === undefined ? {} : parseAs(slosSchema(timeScale), slos, version).slos,
    promotion: spec.promotion,
    notifications: spec.notifications,
    reports: spec.reports,
    problems: spec.problems,
    people: spec.people,
    approvals: spec.approvals,
    access: spec.access,
    probes: spec.probes,
    slis: spec.slis,
    values: spec.values,
    connections: spec.connections,
    sources: spec.sources,
    declaredApprovals,
    standingApprovals: declaredApprovals.filter((one) =>
      made.some(({ name, hash }) => name === one.runbook && hash === one.runbookHash),
    ),
    modes: (runbook, target) => ({ global: spec.mode, group: modeOf(spec, target.group), runbook: runbook.spec.mode }),
  };
}

function indexed(document: JsonObject, groups: ConfigSpec["groups"], version: string): Inventory {
  return indexOf(document, orThrow(parseInventory(document), version), groups).inventory;
}

/** A group that the configuration does not know only observes. */
function modeOf(spec: ConfigSpec, group: string): Mode {
  return (Object.hasOwn(spec.groups, group) ? spec.groups[group]?.mode : undefined) ?? "observe";
}

function parseAs<S extends z.ZodType>(schema: S, json: JsonObject, version: string): z.output<S> {
  return orThrow(schema.safeParse(json), version);
}

function orThrow<T>(parsed: z.ZodSafeParseResult<T>, version: string): T {
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  throw new Error(`catalogue ${version} cannot be read any more: ${first?.path.join(".")}: ${first?.message}`);
}

export function isContent(content: Json | null): content is Json & Content {
  if (content === null || !isJsonObject(content)) return false;
  return content["schema"] === 1 && typeof content["timeScale"] === "number";
}

interface Around {
  spec: ConfigSpec;
  config: JsonObject;
  teams: Record<string, string[]>;
  actions: Actions;
}

function toRunbook(spec: RunbookSpec, raw: JsonObject, { spec: all, config, teams, actions }: Around): Runbook {
  const { name } = spec.metadata;
  const team = Object.keys(teams).find((one) => teams[one]?.includes(name)) ?? null;
  return {
    name,
    owner: spec.metadata.owner,
    team,
    groups: groupsOf(spec, team, all),
    hash: runbookHash(raw, config, actions),
    flapWindowMs: spec.flapWindow,
    reopenAfterMs: spec.limits.reopenAfter,
    spec,
  };
}

/** A team that was granted nothing may touch nothing. */
export function groupsOf(
  { target }: RunbookSpec,
  team: string | null,
  { teams }: ConfigSpec,
): readonly string[] | null {
  if (team === null) return target.groups ?? null;
  const granted = Object.hasOwn(teams, team) ? (teams[team]?.groups ?? []) : [];
  return target.groups?.filter((group) => granted.includes(group)) ?? granted;
}

function declaredIn({ standingApprovals }: ConfigSpec): Catalogue["declaredApprovals"] {
  return standingApprovals.map(({ runbook, runbookHash: hash, group, expires, maxCount, by }) => {
    return { runbook, runbookHash: hash, group, by, expiresAt: expires, maxCount };
  });
}

/** A hash of hashes: documents that stayed the same are not hashed again. */
export function versionOf({ inventory, runbooks, ...rest }: Content): string {
  return hashOf({ ...rest, inventory: documentHash(inventory), runbooks: runbooks.map(documentHash) });
}
