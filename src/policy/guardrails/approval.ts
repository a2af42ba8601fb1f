import { quorumOf } from "../../contracts/ballot.ts";
import type { StandingApproval } from "../../contracts/facts.ts";
import type { Plan, PlanStep } from "../../contracts/plan.ts";
import { approvers, soFar } from "../approved.ts";
import { isCount, pass, stop, timeOf, unavailable, type Guardrail } from "../guardrail.ts";

/**
 * An irreversible or high-risk step needs a person: an approval of this very plan, or a standing approval of this
 * runbook version on this group. The standing one covers irreversible steps only on stateless targets.
 */
export const approval: Guardrail = {
  name: "approval",
  counted: true,
  evaluate(plan, { counted, now, planHash }) {
    const risky = riskySteps(plan);
    if (risky.length === 0) return pass("approval", "no step is irreversible or of high risk");
    const what = risky.map((step) => `${step.uses} is ${step.risk === "high" ? "of high risk" : step.risk}`).join(", ");
    const saw = { planHash, approvedBy: counted.approvedBy, standing: counted.standing?.id ?? null };
    const approvedBy = approvers(plan, counted);
    if (approvedBy.length > 0) return pass("approval", `${what}; approved by ${approvedBy.join(", ")}`, saw);
    const at = timeOf(now);
    if (at === null) return unavailable("approval", `the time ${now} cannot be read`, saw);
    const { standing } = counted;
    const why = standing === null ? "there is no standing approval" : whyNotStanding(plan, standing, at);
    if (standing !== null && why === null) {
      const uses = `${standing.used} of ${standing.maxCount} used`;
      return pass("approval", `${what}; standing approval by ${standing.by} (${uses})`, saw, "STANDING_APPROVAL");
    }
    return stop("approval", "review", "APPROVAL_REQUIRED", `${what}; ${why ?? ""}${soFar(plan, counted)}`, saw);
  },
};

function riskySteps(plan: Plan): PlanStep[] {
  return plan.rungs.flatMap((rung) => rung.steps).filter((step) => step.risk !== "read" && step.risk !== "low");
}

/** null: it covers this plan now. */
function whyNotStanding(plan: Plan, standing: StandingApproval, at: number): string | null {
  const expires = timeOf(standing.expiresAt);
  if (standing.runbook !== plan.runbook || standing.runbookHash !== plan.runbookHash) {
    return "the standing approval is for another version of the runbook";
  }
  const quorum = quorumOf(plan.approval);
  if (quorum > 1) return `${quorum} people must approve each plan: a standing approval does not do`;
  if (standing.group !== plan.target.group) return `the standing approval is for group ${standing.group}`;
  if (expires === null || expires <= at) return `the standing approval expired at ${standing.expiresAt}`;
  if (!isCount(standing.used) || standing.used >= standing.maxCount) {
    return `the standing approval is used up (${standing.used} of ${standing.maxCount})`;
  }
  const irreversible = plan.rungs.some((rung) => rung.steps.some((step) => step.risk === "irreversible"));
  if (irreversible && !plan.target.stateless) {
    return `the standing approval covers stateless targets only, and ${plan.target.id} is stateful`;
  }
  return null;
}
