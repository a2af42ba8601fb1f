/** M9: how much of the inventory an SLO of slos.yaml governs, by the same scopes by which it limits plans. */
import type { Catalogue } from "../catalogue/catalogue.ts";
import { windowScopesOf } from "../catalogue/compile-surroundings.ts";
import type { Beside } from "./measures.ts";

export function coverageOf(
  { slos, inventory }: Pick<Catalogue, "slos" | "inventory">,
  group: string | null = null,
): NonNullable<Beside["coverage"]> {
  const scopes = new Set(Object.values(slos).flatMap((slo) => slo.scopes));
  const targets = inventory.targets.filter((target) => group === null || target.group === group);
  const covered = targets.filter((target) => windowScopesOf(null, target).some((scope) => scopes.has(scope)));
  return { targets: targets.length, covered: covered.length };
}
