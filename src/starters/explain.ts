/** Explains with the active catalogue and what the record holds. It asks no probe: what a worker read last is named so. */
import type { Alert } from "../contracts/alert.ts";
import type { Json, JsonObject } from "../contracts/json.ts";
import { faultKey } from "../contracts/ids.ts";
import { isJsonObject } from "../contracts/json.ts";
import type { ProbeReading } from "../contracts/probe.ts";
import type { Verdict } from "../contracts/verdict.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import { explain, planToCount, type Explanation, type LiveFacts } from "../catalogue/explain.ts";
import type { RecordStore, RemediationStory } from "../record/api.ts";
import { findRemediation } from "./decisions.ts";
import { notFound, throughRecord, Unavailable } from "./problems.ts";
import { alertOfLabels } from "./sources/bounds.ts";

export type Asked = { fingerprint: string } | { remediation: string } | { alert: { labels: Record<string, string> } };

export interface ExplainAnswer {
  /** What was decided last, as the record has it; null: nothing yet. */
  recorded: { remediationId: string; outcome: string | null; verdict: Verdict | null; planHash: string | null } | null;
  /** What would happen now. */
  now: Explanation;
}

export interface ExplainDependencies {
  record: Pick<RecordStore, "alerts" | "find" | "list" | "story" | "countedFacts">;
  catalogue: () => Catalogue | null;
}

/** Counted for an alert that has no remediation. */
const NOBODY = "explain";

/** Rejects with a ProblemError (404) when the record has nothing of that name. */
export async function explainAsked(deps: ExplainDependencies, asked: Asked): Promise<ExplainAnswer> {
  const catalogue = deps.catalogue();
  if (catalogue === null) throw new Unavailable("catalogue", "no catalogue is loaded yet");
  const story = "remediation" in asked ? await storyOf(deps, asked.remediation) : null;
  const alerts = story === null ? [await alertOf(deps, asked)] : alertsOf(story);
  const [first, ...others] = alerts;
  if (first === undefined) throw notFound("the record has no alert of this remediation any more");
  const live = await liveFacts(deps, catalogue, [first, ...others], story);
  return { recorded: story === null ? null : recordedOf(story), now: explain(catalogue, [first, ...others], live) };
}

async function storyOf(deps: ExplainDependencies, name: string): Promise<RemediationStory> {
  const { remediationId } = await findRemediation(deps.record, name);
  const story = await throughRecord("read the story", () => deps.record.story(remediationId));
  if (story === null) throw notFound(`the record has no story of ${remediationId}`);
  return story;
}

async function alertOf(deps: ExplainDependencies, asked: Asked): Promise<Alert> {
  if ("alert" in asked) return alertOfLabels(asked.alert.labels);
  if (!("fingerprint" in asked)) throw new Error("a remediation has alerts of its own");
  const { fingerprint } = asked;
  const found = await throughRecord("read the alert", () => deps.record.alerts({ fingerprint, limit: 1 }));
  if (found[0] === undefined) throw notFound(`the record has no alert with the fingerprint ${fingerprint}`);
  return bare(found[0]);
}

/** As its workflow has them: those that fire, all of them once none does, in the order in which they came. */
function alertsOf({ alerts, audit }: RemediationStory): Alert[] {
  const opened = audit.find(({ kind }) => kind === "opened")?.body["faults"];
  const faults: readonly Json[] = Array.isArray(opened) ? opened : [];
  const placeOf = (alert: Alert): number => {
    const at = faults.indexOf(faultKey(alert));
    return at === -1 ? faults.length : at;
  };
  const came = alerts
    .filter(({ status }) => status === "firing")
    .sort((a, b) => placeOf(a) - placeOf(b) || Date.parse(a.receivedAt) - Date.parse(b.receivedAt));
  const over = new Set(alerts.filter(({ status }) => status === "resolved").map(faultKey));
  const firing = came.filter((alert) => !over.has(faultKey(alert)));
  return (firing.length > 0 ? firing : came).map(bare);
}

function bare({ fingerprint, status, labels, annotations, startsAt, endsAt, source, receivedAt }: Alert): Alert {
  return { fingerprint, status, labels, annotations, startsAt, endsAt, source, receivedAt };
}

async function liveFacts(
  deps: ExplainDependencies,
  catalogue: Catalogue,
  alerts: [Alert, ...Alert[]],
  story: RemediationStory | null,
): Promise<LiveFacts> {
  const reading = story === null ? null : lastOf<ProbeReading>(story, "confirmed", "reading");
  const collected = story === null ? null : lastOf<JsonObject>(story, "collected", "collected");
  const planned = planToCount(catalogue, alerts, collected);
  if (planned === null) return { now: null, reading, collected, counted: null, modes: null };
  const id = story?.remediation.remediationId ?? NOBODY;
  const read = await throughRecord("count", () => deps.record.countedFacts(id, planned.plan, planned.planHash));
  return { ...read, reading, collected };
}

/** What a worker wrote down when it read it last. */
function lastOf<T extends object>({ audit }: RemediationStory, kind: string, key: string): T | null {
  const value = audit.findLast((entry) => entry.kind === kind)?.body[key];
  return isJsonObject(value) ? (value as unknown as T) : null;
}

function recordedOf({ remediation, verdicts }: RemediationStory): ExplainAnswer["recorded"] {
  const { remediationId, outcome, planHash } = remediation;
  return { remediationId, outcome, planHash, verdict: verdicts.at(-1)?.verdict ?? null };
}
