/** An indexed inventory as JSON, to hand it to another thread: what was indexed there is not indexed again. */
import type { Target } from "../contracts/target.ts";
import type { Inventory } from "./identity.ts";

export interface PackedInventory {
  domains: readonly string[];
  targets: readonly Target[];
  /** By kind, names with the place of their target in `targets`. */
  names: [kind: string, names: [name: string, at: number][]][];
  members: [string, number][];
  sizes: [string, number][];
  dependsOn: [string, readonly string[]][];
  dependents: [string, number][];
}

export function packInventory(inventory: Inventory): PackedInventory {
  const { domains, targets, byName, members, sizes, dependsOn, dependents } = inventory;
  const places = new Map(targets.map((target, at) => [target, at]));
  return {
    domains,
    targets,
    names: [...byName].map(([kind, names]) => [kind, [...names].map(([name, one]) => [name, places.get(one) ?? -1])]),
    members: [...members],
    sizes: [...sizes],
    dependsOn: [...dependsOn],
    dependents: [...dependents],
  };
}

/** Throws when a name has no target. */
export function unpackInventory({ names, ...packed }: PackedInventory): Inventory {
  const { domains, targets, members, sizes, dependsOn, dependents } = packed;
  const targetAt = (name: string, at: number): Target => {
    const target = targets[at];
    if (target === undefined) throw new Error(`the name ${name} is of target ${at}, and there are ${targets.length}`);
    return target;
  };
  const byName = names.map(([kind, all]) => {
    return [kind, new Map(all.map(([name, at]) => [name, targetAt(name, at)]))] as const;
  });
  return {
    domains,
    targets,
    byName: new Map(byName),
    members: new Map(members),
    sizes: new Map(sizes),
    dependsOn: new Map(dependsOn),
    dependents: new Map(dependents),
  };
}
