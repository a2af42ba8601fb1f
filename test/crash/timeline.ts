/** One victim's life, for people: what the record says, and which of its activities died with their worker. */
import type { WorkflowHandle } from "@temporalio/client";
import { effectActivityName } from "../../src/contracts/activities.ts";
import type { EffectRow } from "../../src/record/api-effects.ts";
import type { TellStory } from "../../src/starters/http/remediations.ts";
import type { Live } from "../support/live.ts";
import type { Storm, Victim } from "./storm.ts";

/** A try of an activity that a worker did not live to end. */
export interface Cut {
  activity: string;
  /** Of an effect; null for other activities. */
  step: string | null;
  /** Wall ms at which Temporal noticed. */
  at: number;
  /** A heartbeat that did not come. */
  why: string;
}

type HistoryEvent = NonNullable<Awaited<ReturnType<WorkflowHandle["fetchHistory"]>>["events"]>[number];

/** Of the workflow's last run, oldest first. Of an activity that Temporal tried again, only its last cut is in the history. */
export async function cutsOf({ client }: Pick<Live, "client">, id: string): Promise<Cut[]> {
  const events = (await client.workflow.getHandle(id).fetchHistory()).events ?? [];
  const scheduled = new Map(events.map((event) => [String(event.eventId), event.activityTaskScheduledEventAttributes]));
  return events.flatMap((event) => {
    const over = event.activityTaskTimedOutEventAttributes;
    const again = event.activityTaskStartedEventAttributes;
    const failure = over?.failure ?? again?.lastFailure;
    if (!failure?.timeoutFailureInfo && !over) return [];
    const what = scheduled.get(String(over?.scheduledEventId ?? again?.scheduledEventId));
    const [input] = what?.input?.payloads ?? [];
    const { step = null } = input?.data ? (JSON.parse(Buffer.from(input.data).toString()) as { step?: string }) : {};
    return [
      { activity: what?.activityType?.name ?? "", step, at: timeOf(event), why: failure?.message ?? "timed out" },
    ];
  });
}

function timeOf({ eventTime }: HistoryEvent): number {
  return Number(eventTime?.seconds ?? 0) * 1_000 + (eventTime?.nanos ?? 0) / 1_000_000;
}

/** How often a worker died in the middle of sending this effect. */
export function cutsOfEffect(cuts: readonly Cut[], { action, direction, step }: EffectRow): number {
  const name = effectActivityName(action, direction);
  return cuts.filter((cut) => cut.activity === name && cut.step === step).length;
}

/** Lines, each with its second after the first alert. Never rejects: it is told while something fails already. */
export async function storyOf(storm: Storm, victim: Victim): Promise<string> {
  const { live } = storm;
  const { host, file, workflowIds } = victim;
  const story = await live.api.story(host).catch(() => null);
  const cuts = await Promise.all(workflowIds.map((id) => cutsOf(live, id).catch(() => [])));
  const deaths = [...(await storm.struck())].map(([name, at]) => ({ at, text: `died: ${name}` }));
  if (story === null) return `  ${host} (${file}): the record has no remediation of it`;
  const { outcome, phase, doing, detail } = story.remediation;
  const from = Date.parse(story.remediation.openedAt);
  const lines = [
    ...toldByRecord(story),
    ...cuts.flat().map(({ at, activity, why }) => ({ at, text: `${activity}: ${why}` })),
  ];
  const until = Math.max(...lines.map(({ at }) => at));
  const near = deaths.filter(({ at }) => at >= from && at <= until);
  const all = [...lines, ...near].sort((a, b) => a.at - b.at);
  const said = all.map(({ at, text }) => `    ${((at - from) / 1_000).toFixed(1).padStart(6)} s  ${text}`);
  return [`  ${host} (${file}): ${outcome ?? `${phase}: ${doing}`}: ${detail}`, ...said].join("\n");
}

function toldByRecord({ audit }: TellStory): { at: number; text: string }[] {
  return audit.map(({ at, kind, body }) => {
    const about = ["key", "state", "phase", "doing", "decision", "command"].flatMap((name) => body[name] ?? []);
    return { at: Date.parse(at), text: `${kind} ${about.map(String).join(" ")}`.trimEnd() };
  });
}
