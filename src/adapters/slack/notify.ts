import { z } from "zod";
import type { NotifyPort, Outside } from "../../ports/ports.ts";
import { Secret } from "../../ports/secret.ts";
import { Guarded } from "../guarded.ts";
import { httpJson } from "../http.ts";

export interface SlackOptions {
  /** The incoming webhook's URL: whoever has it can post, so it is a secret itself. */
  url: Secret;
  outside: Outside;
  timeoutMs?: number;
}

const LONGEST_TEXT = 3_000;
/** A shorter part of a URL is a word, not a secret. */
const SHORTEST_SECRET = 8;
const PREFIX = { page: ":rotating_light: ", ticket: ":ticket: ", message: "" } as const;

/** Posts to a Slack incoming webhook (or what speaks like one). Slack cannot drop repeats: the key stands in the text. */
export function slack(options: SlackOptions): NotifyPort {
  const { outside, url, timeoutMs = 10_000 } = options;
  const guarded = new Guarded({ system: "slack", clock: outside.clock, timeoutMs, secrets: partsOf(url) });
  const http = httpJson({ guarded, fetch: outside.fetch, url: url.reveal() });
  return {
    async send({ key, route, title, text }) {
      const body = `${PREFIX[route]}*${escape(title)}*\n${escape(text).slice(0, LONGEST_TEXT)}\n_${escape(key)}_`;
      const request = { operation: "send", kind: "write", method: "POST", path: "" } as const;
      await http({ ...request, body: { text: body }, accept: z.string(), plain: true });
    },
  };
}

/** Slack's own three control characters, by its escaping rules. */
function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Slack or a proxy could show the URL without its end, its path, or the last part alone, which is the token. */
function partsOf(url: Secret): Secret[] {
  const whole = url.reveal();
  const path = URL.canParse(whole) ? new URL(whole).pathname.replace(/\/+$/, "") : "";
  const parts = [whole, whole.replace(/\/+$/, ""), path, path.split("/").at(-1) ?? ""];
  return parts.filter((part) => part.length >= SHORTEST_SECRET).map((part) => new Secret(part));
}
