import type { RemediationView } from "../contracts/remediation.ts";
import { spelled } from "../contracts/remediation.ts";
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
  lines.push(...(view.takeover === null ? howToTake(view) : whoHolds(view, view.takeover)));
  if (view.notTaken !== null) lines.push("", `**Not taken:** ${oneLine(view.notTaken)}`);
  if (view.pointOfNoReturn)
    lines.push("", "The point of no return is passed: nothing is undone any more, only finished.");
  if (view.verdict !== null) lines.push(...verdict(view.verdict));
  return lines.join("\n");
}

function howToDecide(view: RemediationView, planHash: string): string[] {
  const message = JSON.stringify({ planHash, by: "YOUR NAME" });
  const { roles = [], quorum = 1, approvedBy = [] } = view.approval ?? {};
  const who = quorum === 1 ? "A person must approve" : `${quorum} people must approve`;
  const so = approvedBy.length === 0 ? "" : `, ${approvedBy.map(oneLine).join(", ")} did,`;
  return [
    "",
    `**${who}** (role ${roles.join(" or ")})${so} the plan \`${planHash.slice(0, 12)}\`. Any of:`,
    "",
    "```",
    `selfheal remediation approve ${view.remediationId}`,
    `selfheal remediation reject ${view.remediationId} --reason "…"`,
    ...(quorum === 1 ? [] : [`selfheal remediation withdraw ${view.remediationId}`]),
    `temporal workflow update execute --workflow-id '${workflowId(view.target)}' --name remediation.approve --input '${message}'`,
    "```",
    "",
    `In this Web UI: Send a Signal, name \`remediation.approve\` or \`remediation.reject\`, input \`${message}\`, with a ` +
      `"token" where unsigned decisions do not count (\`selfheal remediation token ${view.remediationId}\`).`,
  ];
}

function howToTake(view: RemediationView): string[] {
  if (view.phase === "open" || view.outcome !== null) return [];
  const how = `\`selfheal remediation take ${view.remediationId}\``;
  return [
    "",
    `To take it over: ${how}, or here: Send a Signal, name \`remediation.take\`, input \`{"by":"YOUR NAME"}\`, with a ` +
      `"token" where unsigned commands do not count (\`selfheal remediation token ${view.remediationId} --decision take\`).`,
  ];
}

function whoHolds(view: RemediationView, held: NonNullable<RemediationView["takeover"]>): string[] {
  const { by, since, reason, state, at, about, commands } = held;
  const who = `**${oneLine(by)}** since ${since}${reason === "" ? "" : `: ${oneLine(reason)}`}`;
  if (state === "taking") return ["", `Taken over by ${who}. It stands still after the current call.`];
  if (state === "moving") return ["", `Held by ${who}. A command is carried out; then it stands still again.`];
  const message = JSON.stringify({ by, at });
  const id = workflowId(view.target);
  const names = commands.map((command) => `\`remediation.${command}\``).join(", ");
  return [
    "",
    `Held by ${who}. It stands at \`${at}\` (${oneLine(about)}) and keeps its leases. Its holder commands one of:`,
    "",
    "```",
    ...commands.map((command) => `selfheal remediation ${spelled(command)} ${view.remediationId} --by ${quoted(by)}`),
    `temporal workflow update execute --workflow-id ${quoted(id)} --name remediation.release --input ${quoted(message)}`,
    "```",
    "",
    `In this Web UI: Send a Signal, name ${names}, input \`${message}\`. Anybody else takes it over first: \`remediation.take\`.`,
  ];
}

/** What people typed must not become lines or markup of ours. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").replace(/[\\`*_[\]<>|#]/g, "\\$&");
}

/** For a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
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
