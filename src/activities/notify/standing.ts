/** How a remediation stands, in the words of its thread and of its pages. */
import type { Choice, Standing } from "../../ports/ports.ts";
import type { RemediationRow } from "../../record/api.ts";

/** `decidedBy`: who decided last since people were told; null: nobody did. */
export function standingOf(row: RemediationRow, decidedBy: string | null): Standing {
  const { target, runbook, phase, outcome, needsHuman } = row;
  const over = row.closedAt !== null;
  return {
    state: over ? (needsHuman ? "left" : "resolved") : decidedBy === null ? "open" : "acknowledged",
    title: `${target.id}: ${runbook ?? "no runbook"}, ${outcome ?? phase}${needsHuman ? ", a person must look" : ""}`,
    text: `${stateOf(row)}${decidedBy === null ? "" : ` (last decision by ${decidedBy})`}\n${nextOf(row)}`,
    choices: choicesOf(row),
  };
}

export function stateOf({ phase, doing, outcome, detail }: RemediationRow): string {
  const said = outcome === null ? [`in ${phase}`, doing] : [outcome, detail];
  return said.filter((part) => part !== "").join(": ");
}

/** The next command to type. */
export function nextOf({ remediationId, phase, closedAt }: RemediationRow): string {
  if (closedAt === null && phase === "approve") return `selfheal remediation approve ${remediationId}`;
  return `selfheal remediation show ${remediationId}`;
}

function choicesOf({ remediationId, phase, planHash, closedAt, outcome }: RemediationRow): Choice[] {
  if (closedAt === null) {
    if (phase !== "approve" || planHash === null) return [];
    return (["approve", "reject"] as const).map((verb) => ({ verb, remediationId, planHash }));
  }
  if (outcome === null) return [];
  return (["good", "falsePositive", "masking"] as const).map((verb) => ({ verb, remediationId, planHash: null }));
}
