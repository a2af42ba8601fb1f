import { z } from "zod";
import type { ChannelPort, Opening, Outside, Standing } from "../../ports/ports.ts";
import type { Secret } from "../../ports/secret.ts";
import { signedHeaders } from "../../ports/signed-body.ts";
import { CHANNEL_TIMEOUT_MS, Guarded } from "../guarded.ts";
import { httpJson } from "../http.ts";
import { partsOf } from "../secret-url.ts";

export interface WebhookOptions {
  /** Whoever has it may be able to post, so that it is held as a secret. */
  url: Secret;
  /** Signs each body; left out: not signed. */
  hmac?: Secret | undefined;
  outside: Outside;
  timeoutMs?: number;
}

/**
 * Posts each message as JSON to a URL of yours, with its key as `idempotency-key`; signed as ports/signed-body.ts says.
 * `event` is `message`, or `standing` when the remediation of a thread stands otherwise than before.
 */
export function webhook({ url, hmac, outside, timeoutMs = CHANNEL_TIMEOUT_MS }: WebhookOptions): ChannelPort {
  const secrets = [...partsOf(url), ...(hmac === undefined ? [] : [hmac])];
  const guarded = new Guarded({ system: "webhook", clock: outside.clock, timeoutMs, secrets });
  const http = httpJson({ guarded, fetch: outside.fetch, url: url.reveal() });
  // httpJson sends exactly this text.
  const signed = (key: Secret, body: object) => signedHeaders(key, JSON.stringify(body), outside.clock.now());
  const send = async (key: Record<string, string>, body: object): Promise<void> => {
    const headers = { ...key, ...(hmac === undefined ? {} : signed(hmac, body)) };
    const call = { operation: "post", kind: "write", method: "POST", path: "" } as const;
    await http({ ...call, headers, body, accept: z.string(), plain: true });
  };
  return {
    async post(posting, thread) {
      await send({ "idempotency-key": posting.key }, { event: "message", ...posting });
      return thread ?? posting.remediationId ?? posting.key;
    },
    async show(thread: string, standing: Standing, opening: Opening) {
      // The latest counts, so a repeat does no harm.
      await send({}, { event: "standing", thread, ...standing, opening: opening.key });
    },
  };
}
