/** Remediations as text for people. What comes from outside is printed without control characters. */
import { quorumOf } from "../contracts/ballot.ts";
import type { Plan } from "../contracts/plan.ts";
import { spelled } from "../contracts/remediation.ts";
import type { Verdict } from "../contracts/verdict.ts";
import type { ListedRemediation, TellStory } from "../starters/http/remediations.ts";
import { heldOf, type Held } from "./remediation-held.ts";
import { table } from "./output.ts";

export function listText(rows: readonly ListedRemediation[], now: number): string {
  if (rows.length === 0) return "no remediations match";
  const cells = rows.map((row) => [
    row.remediationId.slice(0, 13),
    plain(`${row.target.kind}/${row.target.id}`),
    plain(row.runbook ?? "-"),
    row.phase,
    `${row.outcome ?? "-"}${row.needsHuman ? " (a person!)" : ""}`,
    ago(row.openedAt, now),
    short(plain(row.outcome === null ? row.doing : row.detail), 70),
  ]);
  return table(["ID", "TARGET", "RUNBOOK", "PHASE", "OUTCOME", "AGE", "DOING"], cells);
}

export function storyText(story: TellStory, now: number): string {
  const { plan, verdicts } = story;
  const blocks = [
    header(story, now),
    howToDecide(story),
    whoHolds(story),
    plan === null ? "" : planText(plan, story.remediation.planHash ?? ""),
    verdictText(verdicts.at(-1)?.verdict ?? null),
    waitsText(story, now),
    decisionsText(story),
    effectsText(story),
    escalationsText(story),
    timeline(story),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

function header(story: TellStory, now: number): string {
  const row = story.remediation;
  const needs = row.needsHuman ? ", a person must look" : "";
  const until = row.phaseUntil === null ? "" : `, at the latest until ${row.phaseUntil}`;
  const state =
    row.outcome === null ? `${row.phase}: ${row.doing}${until}${needs}` : `${row.outcome}${needs}: ${row.detail}`;
  const facts: [string, string][] = [
    ["target", `${row.target.kind}/${row.target.id}`],
    ["runbook", row.runbook ?? "none"],
    ["state", state],
    ["severity", row.severity],
    ["group", `${row.group === "" ? "-" : row.group}, owner ${row.owner === "" ? "-" : row.owner}`],
    ["opened", `${row.openedAt} (${ago(row.openedAt, now)} ago)`],
  ];
  if (row.closedAt !== null) facts.push(["closed", `${row.closedAt} (after ${span(row.openedAt, row.closedAt)})`]);
  if (story.links.webUi !== null) facts.push(["Web UI", story.links.webUi]);
  const lines = facts.map(([name, value]) => `  ${name.padEnd(9)} ${plain(value)}`);
  return [`remediation ${row.remediationId}`, ...lines].join("\n");
}

function howToDecide(story: TellStory): string {
  const { phase, remediationId, closedAt } = story.remediation;
  if (phase === "recover") {
    return "The workflow of this remediation ended without closing it. What it had started is read back, and undone or finished; then it closes.";
  }
  if (phase !== "approve" || closedAt !== null) return "";
  const roles = story.plan?.approval.roles.join(" or ") ?? "";
  const quorum = quorumOf(story.plan?.approval ?? {});
  const who = quorum === 1 ? "A person must approve" : `${quorum} people must approve`;
  return [
    `${who}${roles === "" ? "" : ` (role ${plain(roles)})`}:`,
    `  selfheal remediation approve ${remediationId}`,
    `  selfheal remediation reject ${remediationId} --reason "..."`,
    ...(quorum === 1 ? [] : [`  selfheal remediation withdraw ${remediationId}`]),
    ...changedSince(story),
  ].join("\n");
}

function changedSince({ sincePlanned }: TellStory): string[] {
  if (sincePlanned === null || sincePlanned.length === 0) return [];
  return [
    plain(`This plan was made before the catalogue changed: ${sincePlanned.join("; ")}.`),
    "Approved, it runs as it stands here. For a plan of now: reject it, then selfheal remediation request.",
  ];
}

function whoHolds(story: TellStory): string {
  const held = heldOf(story);
  return held === null ? "" : heldText(story.remediation.remediationId, held);
}

export function heldText(remediationId: string, { by, since, reason, at, about, commands }: Held): string {
  const why = reason === "" ? "" : `: ${reason}`;
  return [
    plain(`held by ${by} since ${since}${why}; it stands at ${at} (${about}). Commands now:`),
    ...commands.map((command) => plain(`  selfheal remediation ${spelled(command)} ${remediationId} --by "${by}"`)),
  ].join("\n");
}

export function planText(plan: Plan, planHash: string): string {
  const lines = [`plan ${planHash.slice(0, 12)} (${plain(plan.runbook)})`];
  for (const rung of plan.rungs) {
    lines.push(`  rung ${plain(rung.name)}`);
    for (const [index, step] of rung.steps.entries()) {
      const undo = step.undoable ? ", can be undone" : "";
      lines.push(`    ${index + 1}. ${plain(step.uses)} (${step.risk}${undo}) ${plain(JSON.stringify(step.with))}`);
    }
    lines.push(`    then ${plain(plan.probe.name)} must stay healthy for ${duration(rung.verify.holdMs)}`);
  }
  return lines.join("\n");
}

function verdictText(verdict: Verdict | null): string {
  if (verdict === null) return "";
  const rows = verdict.results.map((result) => [
    `  ${result.outcome}`,
    result.code,
    plain(result.guardrail),
    plain(result.detail),
  ]);
  return `verdict ${verdict.outcome}, at ${verdict.at}\n${alignOnly(rows)}`;
}

function waitsText(story: TellStory, now: number): string {
  const open = story.waits.filter((wait) => wait.doneAt === null);
  if (open.length === 0 || story.remediation.closedAt !== null) return "";
  const lines = open.map(({ system, ref, seen, since, until }) =>
    plain(
      `  ${system} ${short(ref, 60)} (last seen: ${seen}) for ${ago(since, now)}${until === null ? "" : `, until ${until}`}`,
    ),
  );
  return ["waits for", ...lines].join("\n");
}

function decisionsText(story: TellStory): string {
  if (story.decisions.length === 0) return "";
  const lines = story.decisions.map(({ at, decision, by, via, status, reason, planHash }) =>
    plain(
      `  ${at} ${decision} by ${by} (${via}), plan ${planHash.slice(0, 12)}: ${status}${reason === "" ? "" : `, ${reason}`}`,
    ),
  );
  return ["decisions", ...lines].join("\n");
}

function effectsText(story: TellStory): string {
  if (story.effects.length === 0) return "";
  const rows = story.effects.map((effect) => [
    `  ${plain(`${effect.rung}/${effect.step}`)}`,
    plain(effect.direction === "apply" ? effect.action : `${effect.action} ${effect.direction}`),
    effect.state,
    effect.settledAt === null ? "-" : span(effect.intentAt, effect.settledAt),
    plain(effect.detail),
  ]);
  return `effects\n${alignOnly(rows)}`;
}

function escalationsText(story: TellStory): string {
  if (story.escalations.length === 0) return "";
  const lines = story.escalations.map(({ at, route, summary, sentAt, error }) => {
    const sent = sentAt !== null ? "sent" : `NOT SENT${error === null ? "" : ` (${error})`}`;
    return plain(`  ${at} ${route}, ${sent}: ${summary}`);
  });
  return ["told people", ...lines].join("\n");
}

function timeline(story: TellStory): string {
  const events = [
    ...story.alerts.map(({ receivedAt, status, labels, repeats }) => {
      const again = repeats > 0 ? ` (came ${repeats + 1} times)` : "";
      return { at: receivedAt, what: `alert ${status}: ${labels["alertname"] ?? "without a name"}${again}` };
    }),
    ...story.audit.map(({ at, kind, body }) => ({ at, what: `${kind} ${short(JSON.stringify(body), 100)}` })),
  ].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  if (events.length === 0) return "";
  return ["timeline", ...events.map(({ at, what }) => plain(`  ${at}  ${what}`))].join("\n");
}

function alignOnly(rows: readonly (readonly string[])[]): string {
  const header = rows[0]?.map(() => "") ?? [];
  return table(header, rows).split("\n").slice(1).join("\n");
}

/** Without control characters and line ends: a label must not move the cursor or imitate a line of ours. */
export function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, " ").trimEnd();
}

function short(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

export function ago(at: string, now: number): string {
  return duration(now - Date.parse(at));
}

function span(from: string, to: string): string {
  return duration(Date.parse(to) - Date.parse(from));
}

/** `3d`, `5h 12m`, `4m 3s`, `850ms`. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return "?";
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  if (seconds === 0) return ms > 0 ? `${Math.round(ms)}ms` : "0s";
  const units = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "m"],
    [1, "s"],
  ] as const;
  const parts: string[] = [];
  let rest = seconds;
  for (const [size, unit] of units) {
    if (rest >= size && parts.length < 2) parts.push(`${Math.floor(rest / size)}${unit}`);
    rest %= size;
  }
  return parts.join(" ");
}
