/** Reads what a postmortem draft is made of. */
import type { MeasureRecord } from "../record/api-measures.ts";
import type { RecordStore, RemediationStory } from "../record/api.ts";
import type { Plot } from "./plot.ts";
import { postmortemOf } from "./postmortem.ts";

export type PostmortemRecord = Pick<RecordStore, "now" | "story" | "target"> & Pick<MeasureRecord, "problemOf">;

/** What a plot shows, before it was asked for. */
export type PlotWish = Omit<Plot, "read">;

/** null: the record has no such remediation. */
export async function readPostmortem(
  record: PostmortemRecord,
  remediationId: string,
  plot: (wish: PlotWish) => Promise<Plot["read"]>,
): Promise<{ owner: string; markdown: string; story: RemediationStory } | null> {
  const story = await record.story(remediationId);
  if (story === null) return null;
  const [now, { recent }, problem] = await Promise.all([
    record.now(),
    record.target(story.remediation.target),
    record.problemOf(remediationId),
  ]);
  const { openedAt } = story.remediation;
  const earlier = recent.filter((one) => one.openedAt < openedAt);
  const wishes = plotsWanted(story, now);
  const plots = await Promise.all(wishes.map(async (wish) => ({ ...wish, read: await plot(wish) })));
  const owner = story.remediation.owner || story.plan?.owner || "nobody is named";
  return { owner, story, markdown: postmortemOf({ story, now, owner, earlier, plots, problem }) };
}

const AROUND_MS = 10 * 60_000;
/** An alert may have fired for weeks. */
const LONGEST_BEFORE_MS = 24 * 3_600_000;

/** The probe and the SLI of harm, where they ask Prometheus: from before the first alert until after the close. */
function plotsWanted({ plan, alerts, remediation }: RemediationStory, now: string): PlotWish[] {
  if (plan === null) return [];
  const opened = Date.parse(remediation.openedAt);
  const began = Math.min(opened, ...alerts.map(({ startsAt }) => Date.parse(startsAt)).filter(Number.isFinite));
  const from = Math.max(began, opened - LONGEST_BEFORE_MS) - AROUND_MS;
  const to = Math.min(Date.parse(now), Date.parse(remediation.closedAt ?? now) + AROUND_MS);
  const query = plan.probe.uses === "prometheus.query" ? plan.probe.with["query"] : null;
  return [
    ...(typeof query === "string" ? [{ title: `The probe of ${plan.runbook}`, query, from, to }] : []),
    ...(plan.harm === null ? [] : [{ title: `The SLI ${plan.harm.name}`, query: plan.harm.query, from, to }]),
  ];
}
