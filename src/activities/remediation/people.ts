import type { Catalogue } from "../../catalogue/catalogue.ts";
import type { Plan, Risk } from "../../contracts/plan.ts";

/**
 * Why what somebody says does not count, or null. `roles`: one of these is needed; null: to be among the people of
 * selfheal.yaml is enough.
 */
export function whyUnknown(catalogue: Catalogue, by: string, roles: readonly string[] | null): string | null {
  const person = catalogue.people.find((one) => one.name === by);
  if (person === undefined) return `${by} is not among the people of selfheal.yaml`;
  if (roles === null || person.roles.some((role) => roles.includes(role))) return null;
  return `${by} has the roles ${person.roles.join(", ") || "none"}; this plan needs ${roles.join(" or ")}`;
}

/** A message proves no identity (law 14): it counts only where people have said so. */
export function mayBeUnsigned(allowed: Catalogue["approvals"]["unsigned"], plan: Plan | null): boolean {
  return allowed === "always" || (allowed === "reversible" && plan !== null && highestRisk(plan) !== "irreversible");
}

const RISKS: readonly Risk[] = ["read", "low", "high", "irreversible"];

export function highestRisk(plan: Plan): Risk {
  const risks = plan.rungs.flatMap((rung) => rung.steps.map((step) => RISKS.indexOf(step.risk)));
  return RISKS[Math.max(0, ...risks)] ?? "read";
}
