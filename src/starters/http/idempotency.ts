/**
 * `Idempotency-Key` on writes: the request's answer is kept in the record for a day, so that a client whose connection
 * broke may send it again and has it done once, whichever process it reaches.
 */
import { createHash } from "node:crypto";
import type { Context } from "hono";
import type { KeptAnswer } from "../../record/api-http.ts";
import { clipValue, ProblemError, throughRecord, wrongField } from "../problems.ts";
import type { AppDependencies, AppEnv } from "./context.ts";

export const IDEMPOTENCY_KEY = "idempotency-key";
const LIFE_MS = 24 * 3_600_000;
/** No request takes that long: whoever held a key longer is dead. */
const HOLD_MS = 60_000;

/** Runs `work` once for each caller and key; without a key, always. */
export async function once(
  deps: Pick<AppDependencies, "record">,
  context: Context<AppEnv>,
  keeps: "yes" | "secret",
  work: () => Promise<Response>,
): Promise<Response> {
  const key = context.req.header(IDEMPOTENCY_KEY);
  if (key === undefined) return work();
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw wrongField("Idempotency-Key", clipValue(key), "1 to 255 printable ASCII characters without spaces");
  }
  if (keeps === "secret") {
    throw wrongField("Idempotency-Key", clipValue(key), "none: this answer holds a secret and is kept nowhere");
  }
  const claim = { caller: callerOf(context), key };
  const { record } = deps;
  const wish = { ...claim, requestHash: await hashOf(context), holdMs: HOLD_MS, lifeMs: LIFE_MS };
  const claimed = await throughRecord("look the Idempotency-Key up", () => record.claimRequest(wish));
  if (claimed.kind === "answered") return replayed(claimed.answer);
  if (claimed.kind === "running") throw running(key);
  if (claimed.kind === "otherRequest") {
    throw wrongField("Idempotency-Key", clipValue(key), "a new one: this key was sent with another request");
  }
  let answer: Response | null = null;
  try {
    answer = await work();
    return answer;
  } finally {
    // A failure that another try may mend is not kept; what was refused will be refused again.
    if (answer?.ok === true) await keep(deps, claim, answer);
    else await record.giveUpRequest(claim).catch(() => undefined);
  }
}

async function keep(
  { record }: Pick<AppDependencies, "record">,
  claim: { caller: string; key: string },
  answer: Response,
): Promise<void> {
  const contentType = answer.headers.get("content-type") ?? "";
  const kept = { status: answer.status, contentType, body: await answer.clone().text() };
  // What was done is done: that its answer could not be kept is no reason to say that it was not.
  await record.keepAnswer(claim, kept).catch(() => undefined);
}

/** Nobody gets another's answer: whoever knows a key must be the same caller too. */
function callerOf(context: Context<AppEnv>): string {
  return sha256(context.get("caller").identity ?? "");
}

async function hashOf({ req }: Context<AppEnv>): Promise<string> {
  return sha256(JSON.stringify([req.method, req.path, req.query(), await req.text()]));
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function replayed({ status, contentType, body }: KeptAnswer): Response {
  return new Response(body, { status, headers: { "content-type": contentType, "idempotency-replayed": "true" } });
}

function running(key: string): ProblemError {
  const detail = `a request with the Idempotency-Key ${key} is being worked on; send it again in a moment`;
  return new ProblemError({ status: 409, slug: "in-progress", title: "Not finished yet", detail });
}
