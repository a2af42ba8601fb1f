import { approvalsText, quorumOf } from "../contracts/ballot.ts";
import type { CountedFacts } from "../contracts/facts.ts";
import type { Plan } from "../contracts/plan.ts";

/** Who approved this very plan, once they are as many as it needs; before that nobody did. */
export function approvers(plan: Plan, counted: Pick<CountedFacts, "approvedBy"> | null): string[] {
  const people = [...new Set(counted?.approvedBy ?? [])];
  return people.length >= Math.max(1, quorumOf(plan.approval)) ? people : [];
}

/** `; 1 of 2 approvals (ann)`, or nothing when nobody approved yet. */
export function soFar(plan: Plan, { approvedBy }: Pick<CountedFacts, "approvedBy">): string {
  return approvedBy.length === 0 ? "" : `; ${approvalsText(approvedBy, quorumOf(plan.approval))}`;
}
