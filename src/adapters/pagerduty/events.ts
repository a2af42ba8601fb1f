import { z } from "zod";
import type { ChannelPort, Outside, Posting } from "../../ports/ports.ts";
import type { Secret } from "../../ports/secret.ts";
import { CHANNEL_TIMEOUT_MS, Guarded } from "../guarded.ts";
import { httpJson } from "../http.ts";

export interface EventsOptions {
  /** Default https://events.pagerduty.com; in the EU https://events.eu.pagerduty.com. */
  url?: string;
  /** The integration key of a service, for Events API v2. */
  routingKey: Secret;
  outside: Outside;
  timeoutMs?: number;
}

const ANSWER = z.object({ status: z.string(), dedup_key: z.string().optional() });
/** PagerDuty cuts a longer summary. */
const LONGEST_SUMMARY = 1_024;
const LONGEST_DETAIL = 8_000;

/**
 * PagerDuty's Events API v2: one incident for each remediation. Its id is the `dedup_key`, so what comes twice is one
 * incident. A message in the thread of an open incident triggers nothing.
 */
export function pagerduty(options: EventsOptions): ChannelPort {
  const { outside, routingKey, url = "https://events.pagerduty.com", timeoutMs = CHANNEL_TIMEOUT_MS } = options;
  const guarded = new Guarded({ system: "pagerduty", clock: outside.clock, timeoutMs, secrets: [routingKey] });
  const http = httpJson({ guarded, fetch: outside.fetch, url });
  // A repeat does nothing more, so a lost answer is no reason for doubt: a read, as far as failures go.
  const enqueue = (action: "trigger" | "acknowledge" | "resolve", key: string, more: object = {}) => {
    const body = { routing_key: routingKey.reveal(), event_action: action, dedup_key: key, ...more };
    const call = { operation: action, kind: "read", method: "POST", path: "/v2/enqueue" } as const;
    return http({ ...call, body, accept: ANSWER });
  };
  return {
    async post(posting, thread) {
      const key = thread ?? posting.remediationId ?? posting.key;
      if (thread === null || posting.route !== "message") await enqueue("trigger", key, contentOf(posting));
      return key;
    },
    async show(thread, { state }) {
      if (state === "acknowledged") await enqueue("acknowledge", thread);
      if (state === "resolved") await enqueue("resolve", thread);
    },
  };
}

const SEVERITY = { page: "critical", ticket: "warning", message: "info" } as const;

function contentOf({ key, route, title, text, source, remediationId }: Posting): object {
  return {
    client: "selfheal",
    payload: {
      summary: title.slice(0, LONGEST_SUMMARY),
      source,
      severity: SEVERITY[route],
      custom_details: {
        text: text.slice(0, LONGEST_DETAIL),
        key,
        ...(remediationId === undefined ? {} : { remediationId }),
      },
    },
  };
}
