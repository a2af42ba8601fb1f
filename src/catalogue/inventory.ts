/** The inventory as targets, with an index of all their names. */
import { placesOf } from "../contracts/scopes.ts";
import type { Target } from "../contracts/target.ts";
import type { InventorySpec, TargetSpec } from "./grammar/inventory.ts";
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
  const targets = spec.targets.map((one) => toTarget(one, groups));
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
  return { inventory: { domains, targets, byName, members, sizes }, clashes };
}

export const ANY_KIND = "";

export function sizeKey(kind: string, place: string): string {
  return `${kind} ${place}`;
}

export function membersKey(kind: string, group: string): string {
  return `${kind} ${group}`;
}

function toTarget(spec: TargetSpec, groups: Readonly<Record<string, { owner: string }>>): Target {
  const { kind, id, group, rack, region, services, labels, stateless, attributes } = spec;
  const owner = spec.owner ?? (Object.hasOwn(groups, group) ? groups[group]?.owner : undefined) ?? "";
  return { kind, id, owner, group, rack, region, services, labels, stateless, attributes };
}
