/** A remediation's audit chain and alerts as sentences, in the order of time. */
import type { JsonObject } from "../contracts/json.ts";
import type { RemediationStory } from "../record/api.ts";

export interface Moment {
  /** ISO. */
  at: string;
  what: string;
}

export function timelineOf({ alerts, audit }: Pick<RemediationStory, "alerts" | "audit">): Moment[] {
  const came = alerts.map(({ receivedAt, status, labels, repeats }) => {
    const again = repeats > 0 ? ` (came ${repeats + 1} times)` : "";
    return { at: receivedAt, what: `alert ${labels["alertname"] ?? "without a name"} ${status}${again}` };
  });
  const written = audit.flatMap(({ at, kind, body }) => {
    const what = sentenceOf(kind, body);
    return what === null ? [] : [{ at, what }];
  });
  return [...came, ...written].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

type Say = (body: JsonObject) => string | null;

const SENTENCES: Record<string, Say> = {
  opened: () => "remediation opened",
  progress: (body) => `${word(body, "phase")}: ${word(body, "doing")}`,
  confirmed: (body) => `probe: ${reading(body["reading"])}`,
  collected: () => "evidence collected",
  read: (body) => `probe: ${Array.isArray(body["readings"]) ? body["readings"].map(reading).join("; ") : ""}`,
  verdict: (body) => `verdict: ${word(body, "outcome")}`,
  decision: (body) => `${word(body, "by")}: ${word(body, "decision")}${ignored(body)}`,
  command: (body) => `${word(body, "by")}: ${word(body, "command")} (${word(body, "status")})`,
  effectIntended: (body) => `sent: ${word(body, "action")} ${direction(body)}`.trimEnd(),
  effectSettled: (body) =>
    `${word(body, "action")} ${direction(body)}`.trimEnd() + `: ${word(body, "state")}, ${word(body, "detail")}`,
  effectFenced: (body) => `not sent: ${word(body, "action")}: ${word(body, "detail")}`,
  held: (body) => `held by ${word(body, "by")}: ${word(body, "reason")}`,
  escalation: (body) => `people are to be told (${word(body, "route")}): ${word(body, "summary")}`,
  escalationHeld: (body) => `people are told at the end of the window: ${word(body, "until")}`,
  escalationSent: (body) => `people were told (${word(body, "route")})`,
  escalationFailed: (body) => `people could not be told: ${word(body, "error")}`,
  channelFailed: (body) => `not told through ${word(body, "channel")}: ${word(body, "error")}`,
  breakerTripped: (body) => `breaker tripped: ${word(body, "reason")}`,
  recovering: (body) => `recovery began: ${word(body, "ended")}`,
  needsHuman: (body) => `a person must look: ${word(body, "reason")}`,
  closed: (body) => `closed ${word(body, "outcome")}: ${word(body, "detail")}`,
  problem: (body) => `part of a problem: ${word(body, "pattern")}`,
  review: (body) => `reviewed by ${word(body, "by")}: ${word(body, "verdict")}`,
};

/** What is only bookkeeping says nothing. */
const SILENT = ["waitBegan", "waitEnded", "channelTook", "repeat", "tokenIssued", "leasesReleased", "postmortem"];

function sentenceOf(kind: string, body: JsonObject): string | null {
  if (SILENT.includes(kind)) return null;
  const say = SENTENCES[kind];
  return say === undefined ? kind : say(body);
}

function ignored(body: JsonObject): string {
  const why = word(body, "ignoredBecause");
  return why === "" ? "" : `, which does not count: ${why}`;
}

function word(body: JsonObject, name: string): string {
  const value = body[name];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function record(value: unknown): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function direction(body: JsonObject): string {
  const said = word(body, "direction");
  return said === "apply" ? "" : said;
}

function reading(value: unknown): string {
  const { probe, state, reason } = record(value);
  return [probe, state, reason].filter((part): part is string => typeof part === "string" && part !== "").join(", ");
}
