import type { Catalogue } from "../../catalogue/catalogue.ts";
import type { Plan, Risk } from "../../contracts/plan.ts";

/** A message proves no identity (law 14): it counts only where people have said so. */
export function mayBeUnsigned(allowed: Catalogue["approvals"]["unsigned"], plan: Plan | null): boolean {
  return allowed === "always" || (allowed === "reversible" && plan !== null && highestRisk(plan) !== "irreversible");
}

const RISKS: readonly Risk[] = ["read", "low", "high", "irreversible"];

export function highestRisk(plan: Plan): Risk {
  const risks = plan.rungs.flatMap((rung) => rung.steps.map((step) => RISKS.indexOf(step.risk)));
  return RISKS[Math.max(0, ...risks)] ?? "read";
}
