/**
 * The draft of a postmortem, from the record alone: what it cannot know it asks. Pure; bounded, and everything from outside
 * stays text.
 */
import type { EffectRow } from "../record/api-effects.ts";
import type { RemediationRow, RemediationStory } from "../record/api.ts";
import { cell } from "./formats.ts";
import { plotLines, type Marker, type Plot } from "./plot.ts";
import { nameOf } from "./report.ts";
import { seconds } from "./sections.ts";
import { between } from "./spans.ts";
import { timelineOf } from "./timeline.ts";

export interface PostmortemFacts {
  story: RemediationStory;
  /** ISO. */
  now: string;
  owner: string;
  /** Earlier remediations of the target, newest first. */
  earlier: readonly RemediationRow[];
  plots: readonly Plot[];
  /** The problem ticket that it belongs to; null: none. */
  problem: string | null;
}

const MOST_MOMENTS = 150;
const LONGEST_EVIDENCE = 4_000;
const LONGEST_LINE = 300;

export function postmortemOf(facts: PostmortemFacts): string {
  const { story, now, owner } = facts;
  const { remediation } = story;
  const outcome = remediation.outcome ?? `open, in phase ${remediation.phase}`;
  const title = `# Postmortem draft: ${line(nameOf(remediation.target))}, ${line(remediation.runbook ?? "no runbook")}, ${outcome}`;
  return `${[
    title,
    `Made by selfheal at ${now} from its record of remediation ${line(remediation.remediationId)}. Owner: ${line(owner)}. ` +
      "A person completes it: what stands here is what was written down while it happened.",
    ...[impact(facts), detection(story), timeline(story), actions(story.effects), workedOrNot(story)],
    ...[evidence(story), metrics(facts), questions(facts)],
  ].join("\n\n")}\n`;
}

function line(text: string): string {
  return cell(text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)}…` : text);
}

function list(items: readonly string[], none: string): string {
  return items.length === 0 ? none : items.map((item) => `- ${item}`).join("\n");
}

function impact({ story }: PostmortemFacts): string {
  const { remediation, plan, alerts } = story;
  const began = alerts.map(({ startsAt }) => startsAt).sort()[0];
  const until = remediation.closedAt;
  const target = plan?.target;
  const items = [
    `Target ${line(nameOf(remediation.target))}, group ${line(remediation.group || "-")}, severity ${remediation.severity}`,
    ...(target === undefined
      ? []
      : [
          `Services: ${line(target.services.join(", ") || "none known")}; rack ${line(target.rack ?? "-")}, region ${line(target.region ?? "-")}`,
        ]),
    ...(began === undefined || until === null
      ? []
      : [
          `From the start of the first alert to the close: ${seconds(between(began, until) / 1000)} (${began} to ${until})`,
        ]),
    `How it ended: ${line(remediation.detail || "it is open")}`,
    remediation.needsHuman
      ? "A person must look at the target."
      : "Nothing is left to do on the target, as far as the record knows.",
  ];
  return `## Impact\n\n${list(items, "")}`;
}

function detection({ alerts, audit }: RemediationStory): string {
  const firing = alerts.filter(({ status }) => status === "firing").slice(0, 20);
  const items = firing.map(({ labels, startsAt, receivedAt, source }) => {
    const delay = seconds(between(startsAt, receivedAt) / 1000);
    return `${line(labels["alertname"] ?? "without a name")} from ${line(source)}: began ${startsAt}, arrived ${delay} later`;
  });
  const probe = audit.find(({ kind }) => kind === "confirmed");
  const said =
    probe === undefined ? [] : timelineOf({ alerts: [], audit: [probe] }).map(({ what }) => `Then the ${line(what)}`);
  return `## Detection\n\n${list([...items, ...said], "No alert is linked to it.")}`;
}

function timeline(story: RemediationStory): string {
  const moments = timelineOf(story);
  const shown = moments.slice(0, MOST_MOMENTS).map(({ at, what }) => `- ${at} ${line(what)}`);
  const rest = moments.length - shown.length;
  return `## Timeline\n\n${[...shown, ...(rest > 0 ? [`- … and ${rest} more: selfheal remediation show`] : [])].join("\n")}`;
}

function actions(effects: readonly EffectRow[]): string {
  if (effects.length === 0) return "## Actions\n\nNothing was sent to change the world.";
  const rows = effects.map(({ rung, step, action, direction, state, attempt, intentAt, settledAt, detail }) => {
    const took = settledAt === null ? "-" : seconds(between(intentAt, settledAt) / 1000);
    const what = direction === "apply" ? action : `${action} ${direction}`;
    return `| ${[`${rung}/${step}`, what, state, String(attempt), took, detail].map(line).join(" | ")} |`;
  });
  const head =
    "| step | action | what became of it | attempts | took | detail |\n| --- | --- | --- | --- | --- | --- |";
  return `## Actions\n\n${[head, ...rows].join("\n")}`;
}

const BAD: readonly string[] = ["failed", "unknown", "intent", "pending"];

function workedOrNot({ effects, escalations, remediation }: RemediationStory): string {
  const done = effects.filter(({ state }) => state === "happened");
  const undone = done.filter(({ direction }) => direction === "undo");
  const bad = effects.filter(({ state }) => BAD.includes(state));
  const unsent = escalations.filter(({ sentAt }) => sentAt === null);
  const worked = [
    ...(done.length === 0 ? [] : [`${done.length} of ${effects.length} effects happened as asked`]),
    ...(undone.length === 0 ? [] : [`${undone.length} of them took back what was done before`]),
    ...(escalations.length > unsent.length ? ["people were told"] : []),
    ...(remediation.outcome === "healed" ? ["the target is proven healthy"] : []),
  ];
  const { outcome, detail, needsHuman } = remediation;
  const failed = [
    ...(needsHuman || outcome === "failed" || outcome === "escalated" ? [`${outcome ?? "open"}: ${line(detail)}`] : []),
    ...bad.map(
      ({ rung, step, action, direction, state }) =>
        `${line(`${rung}/${step}`)}: ${line(action)} ${direction} is ${state}`,
    ),
    ...unsent.map(({ route, error, keptUntil }) => `a ${line(route)} ${notYet(error, keptUntil)}`),
  ];
  return `## What worked\n\n${list(worked, "Nothing that the record shows.")}\n\n## What did not\n\n${list(failed, "Nothing that the record shows.")}`;
}

function notYet(error: string | null, keptUntil: string | null): string {
  if (error === null && keptUntil !== null) return `was kept back until ${keptUntil}, the end of a window`;
  return `did not go out: ${line(error ?? "no try came to its end")}`;
}

function evidence({ audit }: RemediationStory): string {
  const collected = audit.filter(({ kind }) => kind === "collected").at(-1)?.body["collected"];
  if (collected === undefined) return "## Evidence\n\nNone was collected before the first effect.";
  const text = JSON.stringify(collected, null, 2);
  const shown =
    text.length > LONGEST_EVIDENCE ? `${text.slice(0, LONGEST_EVIDENCE)}\n… (${text.length} characters)` : text;
  return `## Evidence\n\nCollected before the first effect:\n\n\`\`\`json\n${shown}\n\`\`\``;
}

function metrics({ story, plots }: PostmortemFacts): string {
  if (plots.length === 0) return "## Metrics\n\nNo plot: the plan asks Prometheus nothing, or there was no plan.";
  const markers = markersOf(story);
  const blocks = plots.map((plot) => {
    // The query may hold line ends, which would end the block.
    const query = plot.query.replace(/\s+/g, " ").replaceAll("```", "'''");
    return [`${line(plot.title)}:`, ["```text", query, ...plotLines(plot, markers), "```"].join("\n")].join("\n\n");
  });
  return `## Metrics\n\n\`a\` alert, \`e\` first effect, \`c\` close.\n\n${blocks.join("\n\n")}`;
}

function markersOf({ alerts, effects, remediation }: RemediationStory): Marker[] {
  const first = (times: string[]): string | undefined => times.sort()[0];
  const marks = [
    { at: first(alerts.map(({ startsAt }) => startsAt)), sign: "a" },
    { at: first(effects.map(({ intentAt }) => intentAt)), sign: "e" },
    { at: remediation.closedAt ?? undefined, sign: "c" },
  ];
  return marks.flatMap(({ at, sign }) => (at === undefined ? [] : [{ at: Date.parse(at), sign }]));
}

function questions({ story, earlier, problem }: PostmortemFacts): string {
  const { remediation, effects, audit } = story;
  const id = remediation.remediationId;
  const items = [
    "What was the cause?",
    "Whom did it reach, and for how long? The record knows the target, not its users.",
    ...(remediation.needsHuman ? [`What is left to do? ${line(remediation.detail)}`] : []),
    ...effects
      .filter(({ state }) => state === "unknown" || state === "pending" || state === "intent")
      .map(({ rung, step, action }) => `What did ${line(action)} (${line(`${rung}/${step}`)}) do? Nobody has seen it.`),
    ...effects
      .filter(({ direction, state }) => direction === "undo" && state === "failed")
      .map(({ action }) => `The undo of ${line(action)} failed: in which state is the target?`),
    ...(earlier.length === 0
      ? []
      : [
          `It is remediation ${earlier.length + 1} or later of this target, the last one ${earlier[0]?.outcome ?? "open"}, opened at ${earlier[0]?.openedAt}: what keeps coming back?`,
        ]),
    ...(problem === null
      ? []
      : [`Problem ticket ${line(problem)} collects what comes again and again: does it know this?`]),
    ...(audit.some(({ kind }) => kind === "review")
      ? []
      : [`Was the automation right? selfheal remediation review ${line(id)} --good, --false-positive or --masking`]),
    "What will be changed, by whom, until when?",
  ];
  return `## Open questions\n\n${items.map((item) => `- [ ] ${item}`).join("\n")}`;
}
