/** One entry of a remediation's audit chain as one sentence. A kind that has none here is shown as it was written. */
import type { Json, JsonObject } from "../../contracts/json.ts";
import type { EscalationRow } from "../../record/api.ts";

type Say = (text: (key: string) => string, body: JsonObject) => string;

const LONGEST = 200;

const SENTENCES: Record<string, Say> = {
  opened: (text) => `opened, with the runbook ${text("runbook") || "none"}`,
  repeat: () => "the alert came again",
  progress: (text) => `${text("phase")}: ${text("doing")}`,
  confirmed: (_, body) => reading(body["reading"]),
  collected: () => "the evidence was collected",
  read: (text, body) => `${text("phase")}: ${list(body["readings"]).map(reading).join("; ")}`,
  verdict: (text, body) => `decided: ${text("outcome")}${against(body["results"])}`,
  decision: (text) => `${text("by")}: ${text("decision")} (by ${text("via")})${counted(text)}`,
  approvalVoid: (text) => `the approval of ${text("person") || text("by")} is void: another plan is in force`,
  command: (text) => `${text("by")}: ${text("command")} (by ${text("via")}), ${text("status")}${because(text)}`,
  held: (text) => `held by ${text("by")}; it stands at ${text("at")}`,
  effectIntended: (text, body) => `${effect(text)} is to be done${again(body)}`,
  effectFenced: (text) => `${effect(text)} was not sent: ${text("code")}: ${text("detail")}`,
  effectSettled: (text) => `${effect(text)}: ${text("state")}${text("detail") === "" ? "" : `: ${text("detail")}`}`,
  waitBegan: (text) => `waits for ${text("system")} ${text("ref")}`,
  waitEnded: (text) => `waits no more for ${text("system")} ${text("ref")}`,
  escalation: (text) => `people are to be told (${text("route")}): ${text("summary")}`,
  escalationHeld: (text) => `people are told at the end of the window: ${text("until")}`,
  channelTook: (text) => `the channel ${text("channel")} took the message`,
  channelFailed: (text) => `the channel ${text("channel")} did not take the message: ${text("error")}`,
  tokenIssued: (text) => `a one-time token for ${text("person")} to ${text("decision")} (by ${text("via")})`,
  admitted: (_, body) => `admitted, with leases on ${texts(body["scopes"]).join(", ")}`,
  escalationSent: (text) => `people were told (${text("route")})`,
  escalationFailed: (text) => `people could not be told (${text("route")}): ${text("error")}`,
  needsHuman: (text) => `a person must look: ${text("reason")}`,
  review: (text) => `reviewed by ${text("by")}: ${text("verdict")}${because(text)}`,
  closed: (text) => `closed: ${text("outcome")}${text("detail") === "" ? "" : `: ${text("detail")}`}`,
};

/** How it stands with a message to people. */
export function sentText({ sentAt, error, keptUntil }: Pick<EscalationRow, "sentAt" | "error" | "keptUntil">): string {
  if (sentAt !== null) return "sent";
  if (error !== null) return `NOT SENT (${error})`;
  return keptUntil === null ? "NOT SENT" : `kept back until ${keptUntil}, the end of a window`;
}

export function wordsOf(kind: string, body: JsonObject): string {
  const text = (key: string): string => {
    const value = body[key];
    return typeof value === "string" ? value : "";
  };
  return clip(SENTENCES[kind]?.(text, body) ?? `${kind} ${JSON.stringify(body)}`);
}

function effect(text: (key: string) => string): string {
  const direction = text("direction");
  return direction === "apply" || direction === "" ? text("action") : `${text("action")} ${direction}`;
}

function again(body: JsonObject): string {
  const attempt = body["attempt"];
  return typeof attempt === "number" && attempt > 1 ? ` (attempt ${attempt})` : "";
}

function counted(text: (key: string) => string): string {
  const ignored = text("ignoredBecause");
  return ignored === "" ? because(text) : `, ignored: ${ignored}`;
}

function because(text: (key: string) => string): string {
  const why = text("detail") === "" ? text("reason") : text("detail");
  return why === "" ? "" : `: ${why}`;
}

function reading(value: Json | undefined): string {
  const { probe = "the probe", state = "unknown", reason = "" } = fields(value);
  return `${probe} is ${state}: ${reason}`;
}

function against(results: Json | undefined): string {
  const codes = list(results)
    .map(fields)
    .filter(({ outcome }) => outcome !== "pass");
  return codes.length === 0 ? "" : ` (${codes.map(({ code = "" }) => code).join(", ")})`;
}

function list(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

function texts(value: Json | undefined): string[] {
  return list(value).filter((one) => typeof one === "string");
}

/** Its texts. */
function fields(value: Json | undefined): Record<string, string | undefined> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, one]) => (typeof one === "string" ? [[key, one]] : [])),
  );
}

function clip(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1).toWellFormed()}…`;
}
