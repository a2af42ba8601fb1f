/** Slack's Web API, so far as selfheal speaks it: posts, threads, changes. It answers 200 to what it refuses, as Slack does. */
import type { LabReply, LabRequest } from "../request.ts";
import { isObject, json, parseJson, textOf } from "../request.ts";
import type { ChatMessage, World } from "../world.ts";

/** Slack's limit for the text of a section. */
const LONGEST_SECTION = 3_000;

export function slackApi(world: World, request: LabRequest): LabReply {
  const method = request.path.replace(/^\/api\//, "");
  if (!/^Bearer xoxb-/.test(request.headers["authorization"] ?? "")) return refuse("not_authed");
  if (world.faults.strike("notifier-down", { system: "slack" })) return refuse("internal_error");
  if (method === "conversations.history") return shown(world, ({ thread }) => thread === null);
  if (method === "conversations.replies") {
    const ts = request.query.get("ts");
    return shown(world, (one) => one.ts === ts || one.thread === ts);
  }
  const body = parseJson(request.body);
  if (!isObject(body)) return refuse("invalid_json");
  const [channel, text, ts] = [textOf(body["channel"]), textOf(body["text"]), textOf(body["ts"])];
  if (channel === "") return refuse("channel_not_found");
  if (text === "" && !Array.isArray(body["blocks"])) return refuse("no_text");
  if (tooLong(body["blocks"])) return refuse("invalid_blocks");
  const there = (wanted: string) => world.messages.find((one) => one.ts === wanted);
  if (method === "chat.postMessage") {
    const thread = textOf(body["thread_ts"]);
    if (thread !== "" && there(thread) === undefined) return refuse("thread_not_found");
    const made = `${Math.floor(Date.parse(world.time()) / 1000)}.${String(world.messages.length + 1).padStart(6, "0")}`;
    world.messages.push({ time: world.time(), path: request.path, text, body, ts: made, thread: thread || null });
    world.note({ system: "slack", what: thread === "" ? "message" : "reply", detail: text.split("\n")[0] ?? "" });
    return json(200, { ok: true, channel, ts: made });
  }
  if (method === "chat.update") {
    const found = there(ts);
    if (found === undefined) return refuse("message_not_found");
    Object.assign(found, { text, body });
    world.note({ system: "slack", what: "update", detail: text.split("\n")[0] ?? "" });
    return json(200, { ok: true, channel, ts });
  }
  return refuse("unknown_method");
}

function refuse(error: string): LabReply {
  return json(200, { ok: false, error });
}

function shown({ messages }: World, which: (message: ChatMessage) => boolean): LabReply {
  const listed = messages.filter((one) => one.ts !== undefined && which(one)).map(({ ts, text }) => ({ ts, text }));
  return json(200, { ok: true, messages: listed });
}

function tooLong(blocks: unknown): boolean {
  if (!Array.isArray(blocks)) return false;
  return blocks.some((block: unknown) => {
    const inner = isObject(block) ? block["text"] : undefined;
    return isObject(inner) && textOf(inner["text"]).length > LONGEST_SECTION;
  });
}
