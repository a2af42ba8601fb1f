/**
 * Requests of Slack: signed with the app's signing secret, within five minutes
 * (https://api.slack.com/authentication/verifying-requests-from-slack):
 *
 *     x-slack-request-timestamp: 1795300000
 *     x-slack-signature: v0=<hex HMAC-SHA256 of "v0:<timestamp>:<body>">
 */
import { createHmac } from "node:crypto";
import { isJsonObject, type Json, type JsonObject } from "../../contracts/json.ts";
import { type ChatCommand, commandOf, commandOfButton } from "./command.ts";

export const SLACK_TOLERANCE_MS = 5 * 60_000;

export interface SlackRequest {
  /** Of whoever typed or pressed: Slack vouches for it. */
  user: string;
  team: string;
  /** A text: why it is no command. null: nothing that is meant for us. */
  command: ChatCommand | string | null;
  /** Where an answer may go within half an hour; null: nowhere. */
  responseUrl: string | null;
  /** The answer to the request itself is shown: of a slash command. */
  inline: boolean;
}

export function slackSignature(key: string, timestamp: string, body: string): string {
  return `v0=${createHmac("sha256", key).update(`v0:${timestamp}:${body}`).digest("hex")}`;
}

/** null: it is of no form that Slack sends. */
export function parseSlack(body: string): SlackRequest | null {
  const form = new URLSearchParams(body);
  const payload = form.get("payload");
  if (payload !== null) return ofButton(payload);
  const [user, text] = [form.get("user_id"), form.get("text")];
  if (user === null || text === null || form.get("command") === null) return null;
  const responseUrl = ofSlack(form.get("response_url"));
  return { user, team: form.get("team_id") ?? "", command: commandOf(text), responseUrl, inline: true };
}

function ofButton(payload: string): SlackRequest | null {
  let parsed: Json;
  try {
    parsed = JSON.parse(payload) as Json;
  } catch {
    return null;
  }
  if (!isJsonObject(parsed)) return null;
  const user = textAt(inner(parsed, "user"), "id");
  if (user === "") return null;
  const actions = parsed["actions"];
  const [first] = Array.isArray(actions) ? actions : [];
  const action = first !== undefined && isJsonObject(first) ? first : {};
  const isPressed = parsed["type"] === "block_actions";
  return {
    user,
    team: textAt(inner(parsed, "team"), "id"),
    command: isPressed ? commandOfButton(textAt(action, "action_id"), textAt(action, "value")) : null,
    responseUrl: ofSlack(textAt(parsed, "response_url")),
    inline: false,
  };
}

function inner(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return value !== undefined && isJsonObject(value) ? value : {};
}

function textAt(object: JsonObject, key: string): string {
  const value = object[key];
  return typeof value === "string" ? value : "";
}

const ANSWERED_AT = ["https://hooks.slack.com", "https://hooks.slack-gov.com"];

/** An address elsewhere is not asked, whoever names it. */
function ofSlack(url: string | null): string | null {
  const origin = url === null ? undefined : URL.parse(url)?.origin;
  return origin !== undefined && ANSWERED_AT.includes(origin) ? url : null;
}
