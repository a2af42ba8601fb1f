import { z } from "zod";
import type { ChannelPort, Outside } from "../../ports/ports.ts";
import { Secret } from "../../ports/secret.ts";
import { CHANNEL_TIMEOUT_MS, Guarded } from "../guarded.ts";
import { httpJson } from "../http.ts";
import { textOf } from "./text.ts";

export interface IncomingWebhookOptions {
  /** Whoever has the URL can post, so it is a secret itself. */
  url: Secret;
  outside: Outside;
  timeoutMs?: number;
}

/** A shorter part of a URL is a word, not a secret. */
const SHORTEST_SECRET = 8;

/**
 * Posts to a Slack incoming webhook (or what speaks like one). It has no threads and changes nothing that was posted, and
 * Slack cannot drop repeats: the key stands in the text.
 */
export function incomingWebhook(options: IncomingWebhookOptions): ChannelPort {
  const { outside, url, timeoutMs = CHANNEL_TIMEOUT_MS } = options;
  const guarded = new Guarded({ system: "slack", clock: outside.clock, timeoutMs, secrets: partsOf(url) });
  const http = httpJson({ guarded, fetch: outside.fetch, url: url.reveal() });
  return {
    async post(posting) {
      const request = { operation: "post", kind: "write", method: "POST", path: "" } as const;
      await http({ ...request, body: { text: textOf(posting) }, accept: z.string(), plain: true });
      return null;
    },
  };
}

/** Slack or a proxy could show the URL without its end, its path, or the last part alone, which is the token. */
function partsOf(url: Secret): Secret[] {
  const whole = url.reveal();
  const path = URL.canParse(whole) ? new URL(whole).pathname.replace(/\/+$/, "") : "";
  const parts = [whole, whole.replace(/\/+$/, ""), path, path.split("/").at(-1) ?? ""];
  return parts.filter((part) => part.length >= SHORTEST_SECRET).map((part) => new Secret(part));
}
