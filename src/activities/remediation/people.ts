import type { Catalogue } from "../../catalogue/catalogue.ts";
import { highestRisk, type Plan } from "../../contracts/plan.ts";

/** A message proves no identity (law 14): it counts only where people have said so. */
export function mayBeUnsigned(allowed: Catalogue["approvals"]["unsigned"], plan: Plan | null): boolean {
  return allowed === "always" || (allowed === "reversible" && plan !== null && highestRisk(plan) !== "irreversible");
}
