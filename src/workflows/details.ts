import type { RemediationView } from "../contracts/remediation.ts";
import { workflowId } from "../contracts/ids.ts";

/** The current details of the Web UI: what it does, what it waits for, who must act and how. Markdown. */
export function describe(view: RemediationView): string {
  const lines = [`### ${view.phase}: ${view.doing}`, ""];
  lines.push(
    `**${view.target.kind}/${view.target.id}** · runbook **${view.runbook ?? "none"}** · \`${view.remediationId}\``,
  );
  if (view.waiting !== null) {
    const until = view.waiting.until === null ? "" : `, at the latest until ${view.waiting.until}`;
    lines.push("", `Waits for **${view.waiting.for}** since ${view.waiting.since}${until}.`);
  }
  if (view.outcome !== null)
    lines.push("", `Outcome: **${view.outcome}**${view.needsHuman ? ", **a person must look**" : ""}.`);
  else if (view.needsHuman) lines.push("", "**A person must look.**");
  if (view.phase === "recover") {
    lines.push("", "Its workflow ended without closing it: what it had started is read back, and undone or finished.");
  }
  if (view.phase === "approve" && view.planHash !== null) lines.push(...howToDecide(view, view.planHash));
  if (view.pointOfNoReturn)
    lines.push("", "The point of no return is passed: nothing is undone any more, only finished.");
  if (view.verdict !== null) lines.push(...verdict(view.verdict));
  return lines.join("\n");
}

function howToDecide(view: RemediationView, planHash: string): string[] {
  const message = JSON.stringify({ planHash, by: "YOUR NAME" });
  const roles = view.approval?.roles.join(" or ") ?? "";
  return [
    "",
    `**A person must approve** (role ${roles}) the plan \`${planHash.slice(0, 12)}\`. Any of:`,
    "",
    "```",
    `selfheal remediation approve ${view.remediationId}`,
    `selfheal remediation reject ${view.remediationId} --reason "…"`,
    `temporal workflow update execute --workflow-id '${workflowId(view.target)}' --name remediation.approve --input '${message}'`,
    "```",
    "",
    `In this Web UI: Send a Signal, name \`remediation.approve\` or \`remediation.reject\`, input \`${message}\`, with a ` +
      `"token" where unsigned decisions do not count (\`selfheal remediation token ${view.remediationId}\`).`,
  ];
}

function verdict(verdict: NonNullable<RemediationView["verdict"]>): string[] {
  const lines = ["", `Last verdict: **${verdict.outcome}**`, ""];
  for (const result of verdict.reasons) {
    if (result.outcome !== "pass") lines.push(`- ${result.outcome} \`${result.code}\`: ${result.detail}`);
  }
  const passed = verdict.reasons.filter((result) => result.outcome === "pass").map((result) => result.guardrail);
  if (passed.length > 0) lines.push(`- passed: ${passed.join(", ")}`);
  return lines;
}
