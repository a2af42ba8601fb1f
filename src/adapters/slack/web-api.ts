import { z } from "zod";
import type { FailureClass } from "../../contracts/failures.ts";
import type { AdapterError } from "../../ports/failure.ts";
import type { ChannelPort, Outside, Posting } from "../../ports/ports.ts";
import type { Secret } from "../../ports/secret.ts";
import { CHANNEL_TIMEOUT_MS, Guarded } from "../guarded.ts";
import { httpJson } from "../http.ts";
import { headOf, textOf } from "./text.ts";

export interface WebApiOptions {
  /** Default https://slack.com/api. */
  url?: string;
  /** Of a bot (`xoxb-…`) with the scope `chat:write`. */
  token: Secret;
  /** The channel's id. */
  channel: string;
  outside: Outside;
  timeoutMs?: number;
}

const ANSWER = z.object({
  ok: z.boolean(),
  error: z.string().optional(),
  ts: z.string().optional(),
  channel: z.string().optional(),
});
type Answer = z.infer<typeof ANSWER>;

/** Slack answers 200 to what it refuses; these may pass by waiting, and nothing was posted. */
const LATER = new Set(["ratelimited", "rate_limited", "service_unavailable", "team_added_to_org"]);
/** These may have posted. */
const PERHAPS = new Set(["internal_error", "fatal_error", "request_timeout"]);

/**
 * Posts as a Slack app, in one thread for each remediation, whose beginning is kept up to date. A thread's reference is
 * `<channel id>/<ts>`. Slack keeps no key of ours: a message whose answer is lost is posted again.
 */
export function slackApp(options: WebApiOptions): ChannelPort {
  const { outside, token, channel, url = "https://slack.com/api", timeoutMs = CHANNEL_TIMEOUT_MS } = options;
  const guarded = new Guarded({ system: "slack", clock: outside.clock, timeoutMs, secrets: [token] });
  const headers = () => ({ authorization: `Bearer ${token.reveal()}` });
  const http = httpJson({ guarded, fetch: outside.fetch, url, headers });
  const call = async (operation: string, body: object): Promise<Answer> => {
    const path = `/${operation}`;
    const answer = await http({ operation, kind: "write", method: "POST", path, body, accept: ANSWER });
    if (answer.ok) return answer;
    throw refusal(guarded, operation, answer.error ?? "no reason");
  };
  return {
    async post(posting, thread) {
      const place = thread === null ? { channel } : placeOf(thread);
      const answer = await call("chat.postMessage", { ...place, ...contentOf(posting, thread), ...QUIET });
      return thread ?? `${answer.channel ?? channel}/${answer.ts ?? ""}`;
    },
    async show(thread, standing, opening) {
      const { channel: id, thread_ts: ts } = placeOf(thread);
      await call("chat.update", { channel: id, ts, ...headOf(opening, standing) });
    },
  };
}

const QUIET = { unfurl_links: false, unfurl_media: false };

function contentOf(posting: Posting, thread: string | null): object {
  if (thread === null && posting.standing !== null) return headOf(posting, posting.standing);
  // A reply rings for those alone who follow the thread: a page rings for the channel.
  return { text: textOf(posting), ...(thread !== null && posting.route === "page" ? { reply_broadcast: true } : {}) };
}

function placeOf(thread: string): { channel: string; thread_ts: string } {
  const [channel = "", ts = ""] = thread.split("/");
  return { channel, thread_ts: ts };
}

function refusal(guarded: Guarded, operation: string, error: string): AdapterError {
  const failure: FailureClass = LATER.has(error) ? "transient" : PERHAPS.has(error) ? "ambiguous" : "permanent";
  return guarded.fail(failure, operation, `refused: ${error}`);
}
