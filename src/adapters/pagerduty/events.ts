import { z } from "zod";
import { SEVERITY_OF_ROUTE } from "../../contracts/route.ts";
import type { ChannelPort, Outside, Posting } from "../../ports/ports.ts";
import type { Secret } from "../../ports/secret.ts";
import { CHANNEL_TIMEOUT_MS, Guarded } from "../guarded.ts";
import { httpJson } from "../http.ts";

export interface EventsOptions {
  /** Default https://events.pagerduty.com; in the EU https://events.eu.pagerduty.com. */
  url?: string | undefined;
  /** The integration key of a service, for Events API v2. */
  routingKey: Secret;
  outside: Outside;
  timeoutMs?: number;
}

const ANSWER = z.object({ status: z.string(), dedup_key: z.string().optional() });
/** PagerDuty cuts a longer summary. */
const LONGEST_SUMMARY = 1_024;
const LONGEST_DETAIL = 8_000;
/** Of a `dedup_key`. */
const LONGEST_KEY = 255;

/**
 * PagerDuty's Events API v2: one open incident for each remediation. An incident that somebody acknowledged does not ring
 * again, so each page begins its own, named by the message's key (`dedup_key`), and resolves the one before; the same
 * page twice is one incident. A ticket is added to the open incident, a message is not. A thread's reference is its
 * incidents that may be open, newest last.
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
      const before = thread?.split(" ") ?? [];
      const last = before.at(-1);
      if (last !== undefined && posting.route === "message") return thread;
      const key = posting.route === "page" ? keyOf(posting) : (last ?? keyOf(posting));
      await enqueue("trigger", key, contentOf(posting));
      const left = before.filter((one) => one !== key);
      const resolved = await Promise.allSettled(left.map((one) => enqueue("resolve", one)));
      return [...left.filter((_, index) => resolved[index]?.status === "rejected"), key].join(" ");
    },
    async show(thread, { state }) {
      const action = state === "acknowledged" ? "acknowledge" : state === "resolved" ? "resolve" : null;
      if (action !== null) await Promise.all(thread.split(" ").map((one) => enqueue(action, one)));
    },
  };
}

function keyOf({ key }: Posting): string {
  return key.replace(/\s+/g, "_").slice(0, LONGEST_KEY);
}

function contentOf({ key, route, title, text, source, remediationId }: Posting): object {
  return {
    client: "selfheal",
    payload: {
      summary: title.slice(0, LONGEST_SUMMARY),
      source,
      severity: SEVERITY_OF_ROUTE[route],
      custom_details: {
        text: text.slice(0, LONGEST_DETAIL),
        key,
        ...(remediationId === undefined ? {} : { remediationId }),
      },
    },
  };
}
