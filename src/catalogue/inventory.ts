/** The inventory as targets, with an index of all their names. */
import type { z } from "zod";
import { isJsonObject, type Json, type JsonObject } from "../contracts/json.ts";
import { scopeOf } from "../contracts/ids.ts";
import { GLOBAL_SCOPE, placesOf } from "../contracts/scopes.ts";
import type { Target } from "../contracts/target.ts";
import { inventorySchema, type InventorySpec, type TargetSpec } from "./grammar/inventory.ts";
import { normaliseDomains, normaliseName, type Inventory } from "./identity.ts";

/** Two targets of one kind that share a name: `at` is the later one's place in the list. */
export interface NameClash {
  at: number;
  /** Index into `aliases`, or null for the id. */
  alias: number | null;
  written: string;
  other: string;
}

export function indexInventory(
  spec: InventorySpec,
  groups: Readonly<Record<string, { owner: string }>>,
): { inventory: Inventory; clashes: NameClash[] } {
  const domains = normaliseDomains(spec.domains);
  const byName = new Map<string, Map<string, Target>>();
  const members = new Map<string, number>();
  const sizes = new Map<string, number>();
  const clashes: NameClash[] = [];
  const targets = spec.targets.map((one) => toTarget(one, groups, spec));
  for (const [at, target] of targets.entries()) {
    const known = byName.get(target.kind) ?? new Map<string, Target>();
    byName.set(target.kind, known);
    const memberKey = membersKey(target.kind, target.group);
    members.set(memberKey, (members.get(memberKey) ?? 0) + 1);
    for (const place of new Set(placesOf(target))) {
      for (const key of [sizeKey(target.kind, place), sizeKey(ANY_KIND, place)]) {
        sizes.set(key, (sizes.get(key) ?? 0) + 1);
      }
    }
    for (const [index, written] of [target.id, ...(spec.targets[at]?.aliases ?? [])].entries()) {
      const name = normaliseName(written, domains);
      const other = known.get(name);
      const alias = index === 0 ? null : index - 1;
      if (name === "") clashes.push({ at, alias, written, other: "" });
      else if (other !== undefined && other !== target) clashes.push({ at, alias, written, other: other.id });
      else known.set(name, target);
    }
  }
  return { inventory: { domains, targets, byName, members, sizes, ...dependencyIndex(targets) }, clashes };
}

/** What depends on what, by scopes. */
function dependencyIndex(targets: readonly Target[]): Pick<Inventory, "dependsOn" | "dependents"> {
  const dependsOn = new Map<string, string[]>();
  const dependents = new Map<string, number>();
  for (const target of targets) {
    const needs = target.dependsOn ?? [];
    if (needs.length === 0) continue;
    for (const scope of [scopeOf.target(target), ...new Set(placesOf(target))]) {
      if (scope !== GLOBAL_SCOPE) dependsOn.set(scope, [...new Set([...(dependsOn.get(scope) ?? []), ...needs])]);
    }
    for (const needed of needs) dependents.set(needed, (dependents.get(needed) ?? 0) + 1);
  }
  return { dependsOn, dependents };
}

type Parsed = z.ZodSafeParseResult<InventorySpec>;
type Indexed = ReturnType<typeof indexInventory>;

const parsed = new WeakMap<JsonObject, Parsed>();
const indexed = new WeakMap<JsonObject, { owners: string; made: Indexed }>();

/** Once for each document, however often it is asked for: it is by far the largest. It must not be changed afterwards. */
export function parseInventory(document: Json): Parsed {
  if (!isJsonObject(document)) return inventorySchema.safeParse(document);
  const known = parsed.get(document) ?? inventorySchema.safeParse(document);
  parsed.set(document, known);
  return known;
}

/** Of a document that was parsed; made again only when the groups' owners have changed. */
export function indexOf(
  document: JsonObject,
  spec: InventorySpec,
  groups: Readonly<Record<string, { owner: string }>>,
): Indexed {
  const owners = JSON.stringify(Object.entries(groups).map(([name, { owner }]) => [name, owner]));
  const known = indexed.get(document);
  if (known?.owners === owners) return known.made;
  const made = indexInventory(spec, groups);
  indexed.set(document, { owners, made });
  return made;
}

export const ANY_KIND = "";

export function sizeKey(kind: string, place: string): string {
  return `${kind} ${place}`;
}

export function membersKey(kind: string, group: string): string {
  return `${kind} ${group}`;
}

function toTarget(
  spec: TargetSpec,
  groups: Readonly<Record<string, { owner: string }>>,
  { racks, regions, services: all }: InventorySpec,
): Target {
  const { kind, id, group, rack, services, labels, stateless, attributes } = spec;
  const inRack = ofName(racks, rack);
  const region = spec.region ?? inRack?.region ?? null;
  const places = [inRack, ofName(regions, region), ...services.map((service) => ofName(all, service))];
  const needs = [...spec.dependsOn, ...places.flatMap((place) => place?.dependsOn ?? [])];
  const dependsOn = needs.length === 0 ? {} : { dependsOn: [...new Set(needs)].sort() };
  const owner = spec.owner ?? (Object.hasOwn(groups, group) ? groups[group]?.owner : undefined) ?? "";
  return { kind, id, owner, group, rack, region, services, labels, stateless, ...dependsOn, attributes };
}

function ofName<T>(places: Record<string, T>, name: string | null): T | undefined {
  return name !== null && Object.hasOwn(places, name) ? places[name] : undefined;
}
