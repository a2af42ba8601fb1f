import { z } from "zod";
import type { FailureClass } from "../../contracts/failures.ts";
import { AdapterError } from "../../ports/failure.ts";
import type { ChannelPort, Outside, Posting } from "../../ports/ports.ts";
import type { Secret } from "../../ports/secret.ts";
import { CHANNEL_TIMEOUT_MS, Guarded } from "../guarded.ts";
import { httpJson } from "../http.ts";
import { endOf, headOf, textOf } from "./text.ts";

export interface WebApiOptions {
  /** Default https://slack.com/api. */
  url?: string | undefined;
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
  messages: z.array(z.object({ ts: z.string(), text: z.string().optional() })).optional(),
  /** Of `missing_scope`. */
  needed: z.string().optional(),
});
type Answer = z.infer<typeof ANSWER>;

/** Slack answers 200 to what it refuses; these may pass by waiting, and nothing was posted. */
const LATER = new Set(["ratelimited", "rate_limited", "service_unavailable", "team_added_to_org"]);
/** These may have posted. */
const PERHAPS = new Set(["internal_error", "fatal_error", "request_timeout"]);
const NOTHING: ReadonlySet<string> = new Set();
/** The thread is there no more: somebody deleted it. */
const GONE = new Set(["thread_not_found", "message_not_found", "cannot_reply_to_message", "invalid_thread_ts"]);
/** As many as Slack shows at once to an app of one's own; what was posted before them is too old to be in doubt. */
const LOOKED_THROUGH = "200";
const HISTORY = "conversations.history";
const LOOK_TIMEOUT_MS = CHANNEL_TIMEOUT_MS / 2;

/**
 * Posts as a Slack app, in one thread for each remediation, whose beginning is kept up to date. A thread's reference is
 * `<channel id>/<ts>`. Slack keeps no key of ours, but each message ends with its own: where one may stand already, the
 * thread (or the channel) is looked through first. That takes the scope `channels:history`, for a private channel
 * `groups:history`; without it the message is posted again.
 */
export function slackApp(options: WebApiOptions): ChannelPort {
  const { outside, token, channel, url = "https://slack.com/api", timeoutMs = CHANNEL_TIMEOUT_MS } = options;
  const guard = (ms: number) => new Guarded({ system: "slack", clock: outside.clock, timeoutMs: ms, secrets: [token] });
  const headers = () => ({ authorization: `Bearer ${token.reveal()}` });
  const [writing, reading] = [guard(timeoutMs), guard(Math.min(timeoutMs, LOOK_TIMEOUT_MS))];
  const write = httpJson({ guarded: writing, fetch: outside.fetch, url, headers });
  const read = httpJson({ guarded: reading, fetch: outside.fetch, url, headers });
  const call = async (operation: string, body: object, may = NOTHING): Promise<Answer> => {
    const path = `/${operation}`;
    const answer = await write({ operation, kind: "write", method: "POST", path, body, accept: ANSWER });
    const error = answer.error ?? "no reason";
    if (answer.ok || may.has(error)) return answer;
    throw refusal(writing, operation, error);
  };
  const ask = (operation: string, query: Record<string, string>): Promise<Answer> =>
    read({ operation, kind: "read", method: "GET", path: `/${operation}`, query, accept: ANSWER });
  /** The reference of the message with this key; null: it is not there, or Slack does not let us look. */
  const find = async (key: string, thread: string | null): Promise<string | null> => {
    const { channel: id, thread_ts: ts } = placeOf(thread ?? channel);
    const query = { channel: id, limit: LOOKED_THROUGH };
    const asked = thread === null ? ask(HISTORY, query) : ask("conversations.replies", { ...query, ts });
    const { messages = [] } = await asked.catch((): Partial<Answer> => ({}));
    const found = messages.find(({ text = "" }) => text.endsWith(endOf(key)));
    return found === undefined ? null : (thread ?? `${id}/${found.ts}`);
  };
  const begin = async (posting: Posting): Promise<string> => {
    const { ts, channel: id = channel } = await call("chat.postMessage", {
      channel,
      ...contentOf(posting, null),
      ...QUIET,
    });
    if (ts === undefined) throw writing.fail("ambiguous", "chat.postMessage", "the answer does not name the message");
    return `${id}/${ts}`;
  };
  const reply = async (posting: Posting, thread: string): Promise<string> => {
    const body = { ...placeOf(thread), ...contentOf(posting, thread), ...QUIET };
    return (await call("chat.postMessage", body, GONE)).ok ? thread : begin(posting);
  };
  return {
    async post(posting, thread) {
      const there = posting.again === true ? await find(posting.key, thread) : null;
      if (there !== null) return there;
      try {
        return await (thread === null ? begin(posting) : reply(posting, thread));
      } catch (error) {
        const isDoubt = error instanceof AdapterError && error.failure === "ambiguous";
        const arrived = isDoubt ? await find(posting.key, thread) : null;
        if (arrived === null) throw error;
        return arrived;
      }
    },
    async show(thread, standing, opening) {
      const { channel: id, thread_ts: ts } = placeOf(thread);
      await call("chat.update", { channel: id, ts, ...headOf(opening, standing) });
    },
    look: async () => missing(reading, await ask(HISTORY, { channel, limit: "1" })),
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

/** As a line what the app may not do, by Slack's answer to a look into its channel. */
function missing(guarded: Guarded, { ok, error = "no reason", needed = "channels:history" }: Answer): string | null {
  if (ok) return null;
  if (error !== "missing_scope") throw refusal(guarded, HISTORY, error);
  return `the app lacks the scope ${needed}: what was posted is not found again, and may stand twice after a crash`;
}

function refusal(guarded: Guarded, operation: string, error: string): AdapterError {
  const failure: FailureClass = LATER.has(error) ? "transient" : PERHAPS.has(error) ? "ambiguous" : "permanent";
  return guarded.fail(failure, operation, `refused: ${error}`);
}
