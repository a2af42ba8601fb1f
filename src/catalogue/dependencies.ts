/** What depends on what, by the inventory's `dependsOn`. Scopes name both sides. */
import { scopeOf } from "../contracts/ids.ts";
import { GLOBAL_SCOPE, placesOf } from "../contracts/scopes.ts";
import type { Target } from "../contracts/target.ts";
import type { Inventory } from "./identity.ts";

/** Everything that the target depends on, also through others, sorted; never itself. */
export function dependenciesOf(inventory: Inventory, target: Target): string[] {
  return dependenciesOfScope(inventory, scopeOf.target(target));
}

/** The same of every target of a scope: while somebody works on the scope, these are not healed. */
export function dependenciesOfScope({ dependsOn }: Pick<Inventory, "dependsOn">, scope: string): string[] {
  const found = new Set<string>();
  const open = [scope];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const needed of dependsOn.get(at) ?? []) {
      if (needed === scope || found.has(needed)) continue;
      found.add(needed);
      open.push(needed);
    }
  }
  return [...found].sort();
}

/** The scopes under which alerts of this target are correlated. */
export function parentsOf({ dependsOn }: Inventory, target: Target): string[] {
  const places = placesOf(target).filter((scope) => scope !== GLOBAL_SCOPE);
  return [...places, ...(dependsOn.get(scopeOf.target(target)) ?? [])];
}
