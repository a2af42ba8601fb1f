/** The loaded, checked catalogue. Made of JSON alone, so that a pinned version can be brought back from the database. */
import type { z } from "zod";
import type { Mode, StandingApproval } from "../contracts/facts.ts";
import type { Json, JsonObject } from "../contracts/json.ts";
import { isJsonObject } from "../contracts/json.ts";
import type { Target } from "../contracts/target.ts";
import type { AnyAction } from "../ports/action.ts";
import { hashOf } from "./canonical.ts";
import { configSchema, type ConfigSpec } from "./grammar/config.ts";
import { inventorySchema } from "./grammar/inventory.ts";
import { runbookSchema, type RunbookSpec } from "./grammar/runbook.ts";
import type { Inventory } from "./identity.ts";
import { indexInventory } from "./inventory.ts";
import { runbookHash } from "./runbook-hash.ts";

export type Actions = Readonly<Record<string, AnyAction>>;

export interface Runbook {
  name: string;
  owner: string;
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
  people: ConfigSpec["people"];
  approvals: ConfigSpec["approvals"];
  probes: ConfigSpec["probes"];
  slis: ConfigSpec["slis"];
  values: JsonObject;
  /** With references instead of secrets: `resolveSecrets` fills them in. */
  connections: JsonObject;
  /** With references, too. */
  sources: ConfigSpec["sources"];
  /** Those that are bound to the runbooks as they are now. */
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
}

/**
 * Brings a version back. Throws when the content is not one that this program wrote, or when an action or a field that
 * it needs is not known any more.
 */
export function catalogueFromContent(content: Json, version: string, actions: Actions): Catalogue {
  if (!isJsonObject(content) || content["schema"] !== 1 || typeof content["timeScale"] !== "number") {
    throw new Error(`catalogue ${version} is of a form that this program does not know`);
  }
  const { timeScale, config, inventory, runbooks } = content as unknown as Content;
  const spec = parseAs(configSchema(timeScale), config, version);
  const { inventory: index } = indexInventory(parseAs(inventorySchema, inventory, version), spec.groups);
  const schema = runbookSchema(timeScale);
  const made = runbooks.map((raw) => toRunbook(parseAs(schema, raw, version), raw, config, actions));
  return {
    version,
    content,
    actions,
    timeScale,
    runbooks: made,
    inventory: index,
    mode: spec.mode,
    groups: spec.groups,
    limits: spec.limits,
    defaults: spec.defaults,
    rollouts: spec.rollouts,
    people: spec.people,
    approvals: spec.approvals,
    probes: spec.probes,
    slis: spec.slis,
    values: spec.values,
    connections: spec.connections,
    sources: spec.sources,
    standingApprovals: standingOf(spec, made),
    modes: (runbook, target) => ({ global: spec.mode, group: modeOf(spec, target.group), runbook: runbook.spec.mode }),
  };
}

/** A group that the configuration does not know only observes. */
function modeOf(spec: ConfigSpec, group: string): Mode {
  return (Object.hasOwn(spec.groups, group) ? spec.groups[group]?.mode : undefined) ?? "observe";
}

function parseAs<S extends z.ZodType>(schema: S, json: JsonObject, version: string): z.output<S> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  throw new Error(`catalogue ${version} cannot be read any more: ${first?.path.join(".")}: ${first?.message}`);
}

function toRunbook(spec: RunbookSpec, raw: JsonObject, config: JsonObject, actions: Actions): Runbook {
  return {
    name: spec.metadata.name,
    owner: spec.metadata.owner,
    hash: runbookHash(raw, config, actions),
    flapWindowMs: spec.flapWindow,
    reopenAfterMs: spec.limits.reopenAfter,
    spec,
  };
}

function standingOf(spec: ConfigSpec, runbooks: readonly Runbook[]): Catalogue["standingApprovals"] {
  return spec.standingApprovals
    .filter((one) => runbooks.some((runbook) => runbook.name === one.runbook && runbook.hash === one.runbookHash))
    .map(({ runbook, runbookHash: hash, group, expires, maxCount, by }) => {
      return { runbook, runbookHash: hash, group, by, expiresAt: expires, maxCount };
    });
}

export function versionOf(content: Content): string {
  return hashOf(content as unknown as Json);
}
