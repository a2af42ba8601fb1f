/** PagerDuty's Events API v2: keeps incidents by their dedup_key. */
import type { Vendor } from "../request.ts";
import { isObject, json, parseJson, text, textOf } from "../request.ts";
import type { World } from "../world.ts";

const SEVERITIES = ["critical", "error", "warning", "info"];

export function pagerduty(world: World): Vendor {
  return {
    system: "pagerduty",
    prefix: "/pagerduty",
    handle: (request) => {
      const invalid = (errors: string[]) =>
        json(400, { status: "invalid event", message: "Event object is invalid", errors });
      if (request.method !== "POST" || request.path !== "/v2/enqueue") return text(404, "not found");
      if (world.faults.strike("notifier-down", { system: "pagerduty" })) return text(500, "");
      const body = parseJson(request.body);
      if (!isObject(body)) return invalid(["not JSON"]);
      const [action, key] = [textOf(body["event_action"]), textOf(body["dedup_key"])];
      if (textOf(body["routing_key"]).length === 0) return invalid(["Length of 'routing_key' is incorrect"]);
      if (!["trigger", "acknowledge", "resolve"].includes(action)) return invalid(["'event_action' is unknown"]);
      if (action !== "trigger" && key === "") return invalid(["'dedup_key' is missing or blank"]);
      const payload = isObject(body["payload"]) ? body["payload"] : {};
      const whole = ["summary", "source"].every((field) => textOf(payload[field]) !== "");
      if (action === "trigger" && !(whole && SEVERITIES.includes(textOf(payload["severity"])))) {
        return invalid(["'payload' needs summary, source and severity"]);
      }
      const before = world.incidents.get(key);
      if (action === "trigger") {
        // A resolved incident is not opened again: the same key begins another one.
        const triggers = before === undefined || before.state === "resolved" ? 1 : before.triggers + 1;
        const state = triggers === 1 ? "triggered" : (before?.state ?? "triggered");
        world.incidents.set(key, { key, state, triggers, summary: textOf(payload["summary"]), body });
      } else if (before !== undefined && before.state !== "resolved") {
        before.state = action === "resolve" ? "resolved" : "acknowledged";
      }
      world.note({ system: "pagerduty", what: action, detail: key });
      return json(202, { status: "success", message: "Event processed", dedup_key: key });
    },
  };
}
