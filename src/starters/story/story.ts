/**
 * The whole story of one remediation, for people: what was known, decided, approved, done, read back and told. One pure
 * function over what the record has; the command line's text, the API's JSON and the page are made of it.
 */
import { quorumOf } from "../../contracts/ballot.ts";
import { isJsonObject, type Json, type JsonObject } from "../../contracts/json.ts";
import type { Plan } from "../../contracts/plan.ts";
import type { ProbeReading } from "../../contracts/probe.ts";
import type { Verdict } from "../../contracts/verdict.ts";
import type { AlertRow, AuditRow, RemediationRow, RemediationStory, WaitRow } from "../../record/api.ts";
import type { EffectRow } from "../../record/api-effects.ts";
import type { Links, TellStory } from "../http/remediations.ts";
import { heldOf, type Held } from "./held.ts";
import { wordsOf } from "./words.ts";

export interface StoryStep {
  uses: string;
  risk: string;
  undoable: boolean;
  with: JsonObject;
}
export interface StoryPlan {
  hash: string;
  runbook: string;
  /** Who may approve it, and how many must. */
  roles: string[];
  quorum: number;
  probe: string;
  rungs: { name: string; steps: StoryStep[]; holdMs: number }[];
}
export interface StoryEffect extends Pick<
  EffectRow,
  "key" | "rung" | "step" | "action" | "direction" | "attempt" | "request" | "state" | "result" | "detail"
> {
  startedAt: string;
  settledAt: string | null;
  durationMs: number | null;
  /** What was seen when it was read back, in order. */
  readings: { at: string; state: string; detail: string }[];
}
export interface StoryVerdict extends Verdict {
  seq: number;
  planHash: string | null;
}
export interface StoryReading extends Pick<ProbeReading, "probe" | "state" | "reason" | "measured"> {
  at: string;
  /** `confirm`, `verify`: in which phase. */
  phase: string;
}
export interface StoryWord {
  at: string;
  by: string;
  /** `api`, `cli`, `page`, `signal`, … */
  via: string;
  /** `approve`, `reject`, `take`, `markDone`, … */
  word: string;
  status: string;
  reason: string;
  planHash: string | null;
}
export interface StoryTicket {
  id: string;
  url: string | null;
}

export interface Story {
  remediation: RemediationRow;
  /** From opening to close; null while it is open. */
  durationMs: number | null;
  alerts: AlertRow[];
  /** What the probes said before anything was decided. */
  confirmed: StoryReading[];
  /** Evidence that was read before anything was touched; null: none. */
  evidence: JsonObject | null;
  verdicts: StoryVerdict[];
  plan: StoryPlan | null;
  /** What people decided and commanded. */
  people: StoryWord[];
  held: Held | null;
  effects: StoryEffect[];
  /** What was taken back, or done to leave the target safe. */
  undone: StoryEffect[];
  waits: (WaitRow & { doneAt: string | null })[];
  /** What the probes said after it acted. */
  verified: StoryReading[];
  told: RemediationStory["escalations"];
  /** As the runbook estimates it; null: it says nothing. */
  cost: number | null;
  tickets: StoryTicket[];
  timeline: { at: string; kind: string; what: string }[];
  links: Links;
  /** What of the catalogue has changed since the plan that waits was made; null: none waits. */
  sincePlanned: string[] | null;
}

export function storyOf(told: TellStory): Story {
  const { remediation, alerts, audit, effects, links, plan, verdicts, waits } = told;
  const all = effects.map((effect) => effectOf(effect, audit));
  const readings = audit.flatMap(readingsOf);
  const estimate = plan?.limits.shared?.cost.estimate ?? 0;
  return {
    remediation,
    durationMs: between(remediation.openedAt, remediation.closedAt),
    alerts: alerts.toSorted((a, b) => (a.receivedAt < b.receivedAt ? -1 : 1)),
    confirmed: readings.filter(({ phase }) => phase === "confirm"),
    evidence: lastOf(audit, "collected", "collected"),
    verdicts: verdicts.map(({ seq, verdict, planHash }) => ({ ...verdict, seq, planHash })),
    plan: plan === null ? null : storyPlan(plan, remediation.planHash ?? ""),
    people: peopleOf(told),
    held: heldOf(told),
    effects: all.filter(({ direction }) => direction === "apply"),
    undone: all.filter(({ direction }) => direction !== "apply"),
    waits,
    verified: readings.filter(({ phase }) => phase !== "confirm"),
    told: told.escalations,
    cost: estimate === 0 ? null : estimate,
    tickets: ticketsOf(effects),
    timeline: timelineOf(told),
    links,
    sincePlanned: told.sincePlanned,
  };
}

export function storyPlan(plan: Plan, hash: string): StoryPlan {
  const rungs = plan.rungs.map(({ name, steps, verify }) => ({
    name,
    steps: steps.map(({ uses, risk, undoable, with: given }) => ({ uses, risk, undoable, with: given })),
    holdMs: verify.holdMs,
  }));
  const { runbook, approval, probe } = plan;
  return { hash, runbook, roles: approval.roles, quorum: quorumOf(approval), probe: probe.name, rungs };
}

function effectOf(effect: EffectRow, audit: readonly AuditRow[]): StoryEffect {
  const { remediationId: _, intentAt, settledAt, ...rest } = effect;
  const readings = audit
    .filter(({ kind, body }) => kind === "effectSettled" && body["key"] === effect.key)
    .map(({ at, body }) => ({ at, state: textOf(body["state"]), detail: textOf(body["detail"]) }));
  return { ...rest, startedAt: intentAt, settledAt, durationMs: between(intentAt, settledAt), readings };
}

function readingsOf({ kind, body, at }: AuditRow): StoryReading[] {
  const [phase, readings] =
    kind === "confirmed"
      ? ["confirm", [body["reading"]]]
      : kind === "read"
        ? [textOf(body["phase"]), body["readings"]]
        : [];
  if (phase === undefined || !Array.isArray(readings)) return [];
  // As the activities `confirm` and `read` write them.
  return readings.filter(isJsonObject).map((reading) => ({ ...(reading as unknown as ProbeReading), at, phase }));
}

function peopleOf({ decisions, audit }: TellStory): StoryWord[] {
  const commands = audit
    .filter(({ kind }) => kind === "command")
    .map(({ at, body }) => ({
      at,
      by: textOf(body["by"]),
      via: textOf(body["via"]),
      word: textOf(body["command"]),
      status: textOf(body["status"]),
      reason: textOf(body["detail"]) === "" ? textOf(body["reason"]) : textOf(body["detail"]),
      planHash: null,
    }));
  const decided = decisions.map(({ decision, ...rest }) => ({ ...rest, word: decision }));
  return [...decided, ...commands].toSorted(byTime);
}

function ticketsOf(effects: readonly EffectRow[]): StoryTicket[] {
  const found = effects.flatMap(({ result }) => {
    const id = result?.["ticketId"];
    if (typeof id !== "string") return [];
    const url = result?.["url"];
    return [{ id, url: typeof url === "string" ? url : null }];
  });
  const urls = new Map(
    found.map(({ id }) => [id, found.find((one) => one.id === id && one.url !== null)?.url ?? null]),
  );
  return [...urls].map(([id, url]) => ({ id, url }));
}

function timelineOf({ alerts, audit }: TellStory): Story["timeline"] {
  const came = alerts.map(({ receivedAt, status, labels, repeats }) => {
    const again = repeats > 0 ? ` (came ${repeats + 1} times)` : "";
    const what = `alert ${status}: ${labels["alertname"] ?? "without a name"}${again}`;
    return { at: receivedAt, kind: "alert", what };
  });
  const written = audit.map(({ at, kind, body }) => ({ at, kind, what: wordsOf(kind, body) }));
  return [...came, ...written].toSorted(byTime);
}

function byTime(a: { at: string }, b: { at: string }): number {
  return a.at < b.at ? -1 : a.at > b.at ? 1 : 0;
}

function lastOf(audit: readonly AuditRow[], kind: string, key: string): JsonObject | null {
  const value = audit.findLast((entry) => entry.kind === kind)?.body[key];
  return isJsonObject(value) ? value : null;
}

function between(from: string, to: string | null): number | null {
  return to === null ? null : Date.parse(to) - Date.parse(from);
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
