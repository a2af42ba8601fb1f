import { z } from "zod";
import type { ChannelPort, Outside } from "../../ports/ports.ts";
import type { Secret } from "../../ports/secret.ts";
import { CHANNEL_TIMEOUT_MS, Guarded } from "../guarded.ts";
import { httpJson } from "../http.ts";
import { partsOf } from "../secret-url.ts";
import { textOf } from "./text.ts";

export interface IncomingWebhookOptions {
  /** Whoever has the URL can post, so it is a secret itself. */
  url: Secret;
  outside: Outside;
  timeoutMs?: number;
}

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
