/** The story of one remediation as text for people. What comes from outside is printed without control characters. */
import { givenText } from "../catalogue/given.ts";
import { duration, plain } from "../contracts/text.ts";
import type { Story, StoryEffect, StoryPlan, StoryVerdict } from "../starters/story/story.ts";
import { sentText } from "../starters/story/words.ts";
import { table } from "./output.ts";
import { ago, heldText, short } from "./remediation-text.ts";

export function storyText(story: Story, now: number): string {
  const blocks = [
    header(story, now),
    howToDecide(story),
    story.held === null ? "" : heldText(story.remediation.remediationId, story.held),
    story.plan === null ? "" : planText(story.plan),
    factsText(story),
    verdictsText(story.verdicts),
    waitsText(story, now),
    peopleText(story),
    effectsText("effects", story.effects),
    effectsText("taken back and finished", story.undone),
    readingsText("verified", story.verified),
    toldText(story),
    timelineText(story),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

function header({ remediation: row, durationMs, links, tickets, cost }: Story, now: number): string {
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
  if (row.closedAt !== null) facts.push(["closed", `${row.closedAt} (after ${duration(durationMs ?? 0)})`]);
  if (cost !== null) facts.push(["cost", `${cost}, as the runbook estimates it`]);
  for (const { id, url } of tickets) facts.push(["ticket", url === null ? id : `${id} ${url}`]);
  if (links.webUi !== null) facts.push(["Web UI", links.webUi]);
  if (links.traceId !== null) facts.push(["trace", links.trace ?? links.traceId]);
  const lines = facts.map(([name, value]) => `  ${name.padEnd(9)} ${plain(value)}`);
  return [`remediation ${row.remediationId}`, ...lines].join("\n");
}

function howToDecide({ remediation, plan, sincePlanned }: Story): string {
  const { phase, remediationId, closedAt } = remediation;
  if (phase === "recover") {
    return "The workflow of this remediation ended without closing it. What it had started is read back, and undone or finished; then it closes.";
  }
  if (phase !== "approve" || closedAt !== null) return "";
  const { roles, quorum } = plan ?? { roles: [], quorum: 1 };
  const who = quorum === 1 ? "A person must approve" : `${quorum} people must approve`;
  return [
    `${who}${roles.length === 0 ? "" : ` (role ${plain(roles.join(" or "))})`}:`,
    `  selfheal remediation approve ${remediationId}`,
    `  selfheal remediation reject ${remediationId} --reason "..."`,
    ...(quorum === 1 ? [] : [`  selfheal remediation withdraw ${remediationId}`]),
    ...changedSince(sincePlanned),
  ].join("\n");
}

function changedSince(changed: readonly string[] | null): string[] {
  if (changed === null || changed.length === 0) return [];
  return [
    plain(`This plan was made before the catalogue changed: ${changed.join("; ")}.`),
    "Approved, it runs as it stands here. For a plan of now: reject it, then selfheal remediation request.",
  ];
}

export function planText(plan: StoryPlan): string {
  const lines = [`plan ${plan.hash.slice(0, 12)} (${plain(plan.runbook)})`];
  for (const rung of plan.rungs) {
    lines.push(`  rung ${plain(rung.name)}`);
    for (const [index, step] of rung.steps.entries()) {
      const undo = step.undoable ? ", can be undone" : "";
      lines.push(
        `    ${index + 1}. ${plain(step.uses)} (${step.risk}${undo}) ${plain(givenText(step.uses, step.with))}`,
      );
    }
    lines.push(`    then ${plain(plan.probe)} must stay healthy for ${duration(rung.holdMs)}`);
  }
  return lines.join("\n");
}

function factsText(story: Story): string {
  const evidence =
    story.evidence === null ? [] : [plain(`  evidence: ${short(JSON.stringify(story.evidence), 1_000)}`)];
  const readings = readingsText("confirmed", story.confirmed);
  return [readings, ...evidence].filter((line) => line !== "").join("\n");
}

function readingsText(title: string, readings: Story["verified"]): string {
  if (readings.length === 0) return "";
  const rows = readings.map(({ at, probe, state, reason }) => [`  ${at}`, plain(probe), state, plain(reason)]);
  return `${title}\n${aligned(rows)}`;
}

function verdictsText(verdicts: readonly StoryVerdict[]): string {
  const latest = verdicts.at(-1);
  if (latest === undefined) return "";
  const earlier = verdicts.slice(0, -1).map(({ at, outcome, results }) => {
    const codes = results.filter((result) => result.outcome !== "pass").map(({ code }) => code);
    return `before, at ${at}: ${outcome}${codes.length === 0 ? "" : ` (${codes.join(", ")})`}`;
  });
  const rows = latest.results.map(({ outcome, code, guardrail, detail }) => [
    `  ${outcome}`,
    code,
    plain(guardrail),
    plain(detail),
  ]);
  return [`verdict ${latest.outcome}, at ${latest.at}`, aligned(rows), ...earlier].join("\n");
}

function waitsText(story: Story, now: number): string {
  const lines = story.waits.map(({ system, ref, seen, since, until, doneAt }) => {
    const end = doneAt === null ? ` for ${ago(since, now)}` : `, over at ${doneAt}`;
    const latest = until === null || doneAt !== null ? "" : `, until ${until}`;
    return plain(`  ${system} ${short(ref, 60)} (last seen: ${seen})${end}${latest}`);
  });
  return lines.length === 0 ? "" : ["waits for", ...lines].join("\n");
}

function peopleText({ people }: Story): string {
  if (people.length === 0) return "";
  const lines = people.map(({ at, word, by, via, planHash, status, reason }) => {
    const plan = planHash === null ? "" : `, plan ${planHash.slice(0, 12)}`;
    return plain(`  ${at} ${word} by ${by} (${via})${plan}: ${status}${reason === "" ? "" : `, ${reason}`}`);
  });
  return ["decisions", ...lines].join("\n");
}

function effectsText(title: string, effects: readonly StoryEffect[]): string {
  if (effects.length === 0) return "";
  const lines = effects.flatMap((effect) => {
    const action = effect.direction === "apply" ? effect.action : `${effect.action} ${effect.direction}`;
    const took = effect.durationMs === null ? "" : ` after ${duration(effect.durationMs)}`;
    const readings = effect.readings.filter(({ detail }) => detail !== effect.detail);
    return [
      `  ${effect.startedAt} ${effect.rung}/${effect.step} ${action}: ${effect.state}${took}: ${effect.detail}`,
      `    sent ${short(givenText(effect.action, effect.request), 300)} as ${effect.key}`,
      ...readings.map(({ at, state, detail }) => `    read back at ${at}: ${state}: ${detail}`),
    ].map(plain);
  });
  return [title, ...lines].join("\n");
}

function toldText({ told }: Story): string {
  if (told.length === 0) return "";
  const lines = told.map((one) => plain(`  ${one.at} ${one.route}, ${sentText(one)}: ${one.summary}`));
  return ["told people", ...lines].join("\n");
}

function timelineText({ timeline }: Story): string {
  if (timeline.length === 0) return "";
  return ["timeline", ...timeline.map(({ at, what }) => plain(`  ${at}  ${short(what, 140)}`))].join("\n");
}

function aligned(rows: readonly (readonly string[])[]): string {
  const header = rows[0]?.map(() => "") ?? [];
  return table(header, rows).split("\n").slice(1).join("\n");
}
