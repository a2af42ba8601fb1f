/** Slack's incoming webhook, and its Web API under /api: keeps the messages for the tests and the demo to read. */
import type { Vendor } from "../request.ts";
import { isObject, parseJson, text } from "../request.ts";
import type { World } from "../world.ts";
import { slackApi } from "./slack-api.ts";

export function slack(world: World): Vendor {
  return {
    system: "slack",
    prefix: "/slack",
    handle: (request) => {
      if (request.path.startsWith("/api/")) return slackApi(world, request);
      if (request.method !== "POST") return text(405, "method_not_allowed");
      if (request.path.replaceAll("/", "") === "") return text(404, "no_service");
      if (world.faults.strike("notifier-down", { system: "slack" })) return text(500, "rollup_error");
      const form = new URLSearchParams(request.body).get("payload");
      const body = parseJson(form ?? request.body);
      if (!isObject(body)) return text(400, "invalid_payload");
      const message = typeof body["text"] === "string" ? body["text"] : "";
      if (message === "" && !Array.isArray(body["blocks"]) && !Array.isArray(body["attachments"]))
        return text(400, "no_text");
      world.messages.push({ time: world.time(), path: request.path, text: message, body });
      world.note({ system: "slack", what: "message", detail: message.split("\n")[0] ?? "" });
      return text(200, "ok");
    },
  };
}
