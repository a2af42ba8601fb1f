/** `POST /v1/chat/slack`: slash commands and buttons of a Slack app. Signed by Slack; each request counts once. */
import { timingSafeEqual } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "hono";
import { z } from "zod";
import { slackText } from "../../contracts/text.ts";
import { secondsOff } from "../../ports/signed-body.ts";
import { parseSlack, SLACK_TOLERANCE_MS, slackSignature, type SlackRequest } from "../chat/slack-request.ts";
import { runChat } from "../chat/run.ts";
import { notFound, ProblemError, throughRecord } from "../problems.ts";
import { CHAT_SOURCE } from "../source-tokens.ts";
import { digest } from "./auth.ts";
import type { AppDependencies, AppEnv } from "./context.ts";
import { operation } from "./operation.ts";

const MAX_BODY_BYTES = 256 * 1024;
/** Slack gives up after three seconds; what takes longer is answered afterwards. */
const ANSWER_WITHIN_MS = 2_000;
const RESPOND_WITHIN_MS = 10_000;

const BODY = z
  .object({ payload: z.string(), command: z.string(), text: z.string(), user_id: z.string(), team_id: z.string() })
  .partial()
  .describe("a form as Slack posts it: `payload` of a button; `command`, `text` and `user_id` of a slash command");
const ANSWER = z
  .object({ response_type: z.literal("ephemeral"), replace_original: z.boolean(), text: z.string() })
  .partial()
  .describe("shown to who asked; empty: nothing is shown at once");
const NOTHING: z.infer<typeof ANSWER> = {};

export const CHAT_OPERATIONS = [
  operation({
    method: "post",
    path: "/v1/chat/slack",
    tag: "events",
    // Of its own kind, and checked by the handler before anything else.
    role: "signed",
    summary: "What people say in Slack: slash commands and buttons",
    description: "Signed by Slack (v0, HMAC-SHA256) with `sources.slack.hmac`; each request counts once.",
    body: BODY,
    bodyTypes: ["application/x-www-form-urlencoded"],
    bodyBytes: () => MAX_BODY_BYTES,
    answer: ANSWER,
    keeps: "no",
    problems: [400, 401, 404, 503],
    handle: (deps, { context }) => takeSlack(deps, context, fetch),
  }),
];

/** Answers 200 to whatever Slack signed, with words for whoever said it. */
export async function takeSlack(
  deps: AppDependencies,
  context: Context<AppEnv>,
  send: typeof fetch,
): Promise<Response> {
  const { body, signature } = await signedBody(deps, context);
  const log = context.get("log");
  // Before anything is done: Slack does not send one again, so who does is not Slack.
  const once = { digest: `${CHAT_SOURCE}:${signature}`, source: CHAT_SOURCE, keepMs: 2 * SLACK_TOLERANCE_MS };
  if (!(await throughRecord("remember the signed body", () => deps.record.signedBodyTaken(once)))) {
    log.info("a request of Slack came again");
    return context.json(NOTHING);
  }
  const request = parseSlack(body);
  if (request === null)
    throw new ProblemError({ ...NOT_SLACK, detail: "neither a slash command nor a button's payload" });
  const { command } = request;
  if (command === null) return context.json(NOTHING);
  const answer = runChat(deps, request, command, log);
  return answered(context, request, answer, (url, text) => respond(send, url, text));
}

const NOT_SLACK = { status: 400, slug: "not-slack", title: "Not a request of Slack" } as const;

type Respond = (url: string, text: string) => Promise<void>;

/** In the answer where Slack shows it and it is in time; else at the address that Slack gave for it. */
async function answered(
  context: Context<AppEnv>,
  { inline, responseUrl }: SlackRequest,
  answer: Promise<string>,
  reply: Respond,
): Promise<Response> {
  const log = context.get("log");
  const inTime = await Promise.race([answer, sleep(ANSWER_WITHIN_MS, null, { ref: false })]);
  if (inTime === null) context.get("goesOn")?.(answer);
  if (inline && inTime !== null) return context.json(privately(inTime));
  if (responseUrl !== null) {
    void answer
      .then((text) => reply(responseUrl, text))
      .catch((error: unknown) => log.warn({ err: error }, "Slack did not take an answer to a command"));
  }
  return inline ? context.json(privately("I am at it; the answer follows.")) : context.json(NOTHING);
}

function privately(text: string): z.infer<typeof ANSWER> {
  return { response_type: "ephemeral", replace_original: false, text: slackText(text) };
}

async function respond(send: typeof fetch, url: string, text: string): Promise<void> {
  const headers = { "content-type": "application/json" };
  const signal = AbortSignal.timeout(RESPOND_WITHIN_MS);
  const body = JSON.stringify(privately(text));
  const response = await send(url, { method: "POST", headers, body, redirect: "manual", signal });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`Slack answered ${response.status}`);
}

async function signedBody(
  deps: AppDependencies,
  context: Context<AppEnv>,
): Promise<{ body: string; signature: string }> {
  const { hmacKey } = deps.sender(CHAT_SOURCE);
  if (hmacKey === null) throw notFound(`no chat is configured (sources.${CHAT_SOURCE}.hmac of selfheal.yaml)`);
  const timestamp = context.req.header("x-slack-request-timestamp") ?? "";
  const off = secondsOff(timestamp, deps.now());
  if (!(off * 1000 <= SLACK_TOLERANCE_MS)) {
    const what = Number.isNaN(off) ? "is missing or no number of seconds" : `is ${Math.round(off)} s away from now`;
    throw unproven(`x-slack-request-timestamp ${what}, at most ${SLACK_TOLERANCE_MS / 1000} s count`);
  }
  const body = await context.req.text();
  const expected = slackSignature(hmacKey.reveal(), timestamp, body);
  const given = context.req.header("x-slack-signature") ?? "";
  if (timingSafeEqual(digest(given.trim()), digest(expected))) return { body, signature: expected };
  throw unproven('x-slack-signature is not v0=HEX of the HMAC-SHA256 of "v0:TIMESTAMP:BODY" with the signing secret');
}

function unproven(detail: string): ProblemError {
  return new ProblemError({ status: 401, slug: "unauthorized", title: "Not authorized", detail });
}
