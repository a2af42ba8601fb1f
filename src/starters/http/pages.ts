/**
 * `/remediations/{id}`: the story for people on call, with approve and reject. A decision takes two steps: the first
 * gives out a one-time token for this person, this plan and this decision, which only who sees the answer can send back;
 * the second hands it to the workflow, as the API does (ADR 37).
 */
import type { Context } from "hono";
import { z } from "zod";
import { decide, tokenFor } from "../decisions.ts";
import { ProblemError, Unavailable } from "../problems.ts";
import { storyOf, type Story } from "../story/story.ts";
import { signed } from "./auth.ts";
import { checked } from "./body.ts";
import type { AppDependencies, AppEnv } from "./context.ts";
import { by, name } from "./fields.ts";
import { answerPage } from "./html.ts";
import { operation, type AnyOperation, type Call } from "./operation.ts";
import { requireOwnPage } from "./page-guard.ts";
import { recorded } from "./remediations.ts";
import { confirmPage, problemPage, storyPage, titleOf } from "./story-page.ts";

const DECISIONS = ["approve", "reject"] as const;
const WISH = z.strictObject({
  decision: z.enum(DECISIONS, { error: `one of ${DECISIONS.join(", ")}` }),
  planHash: name,
  by,
});
const CONFIRMED = WISH.extend({ token: name, reason: z.string().max(500, "at most 500 characters").default("") });
/** Enough to read a plan. */
const TOKEN_TTL_MS = 10 * 60_000;
const FORM = ["application/x-www-form-urlencoded"] as const;

const row = {
  tag: "pages",
  answer: z.string(),
  answerType: "text/html",
  keeps: "no",
  problems: [403, 404, 409],
} as const;

export const PAGE_OPERATIONS: AnyOperation[] = [
  operation({
    ...row,
    method: "get",
    path: "/remediations/{id}",
    aliases: ["/remediations/{kind}/{id}"],
    role: "viewer",
    summary: "The story of one remediation as a page, with approve and reject",
    query: z.object({ taken: z.enum(DECISIONS).optional().catch(undefined) }),
    handle: (deps, { context, params, query }) =>
      page(context, async () => {
        const story = storyOf(await recorded(deps, params));
        const taken = query.taken ?? null;
        const body = storyPage(story, context.get("person") ?? null, taken);
        // The workflow takes a word first, and verifies the person then.
        return answerPage(context, { title: titleOf(story), body, ...(taken === null ? {} : { refreshSeconds: 3 }) });
      }),
  }),
  operation({
    ...row,
    method: "post",
    path: "/remediations/{id}/confirm",
    role: "approver",
    summary: "Asks once more, and gives out the one-time token of this decision",
    body: WISH,
    bodyTypes: FORM,
    handle: (deps, call) => page(call.context, () => confirm(deps, call)),
  }),
  operation({
    ...row,
    method: "post",
    path: "/remediations/{id}/decide",
    role: "approver",
    summary: "Takes the decision, with its one-time token",
    status: 303,
    body: CONFIRMED,
    bodyTypes: FORM,
    handle: (deps, call) => page(call.context, () => take(deps, call)),
  }),
];

type Form = Call<unknown, unknown>;

async function confirm(deps: AppDependencies, { context, params, log }: Form): Promise<Response> {
  const wish = await formOf(context, WISH);
  const { decision, planHash } = wish;
  const story = await storyIn(deps, params);
  const id = story.remediation.remediationId;
  const asked = { id, by: wish.by, decision, planHash, ttlMs: TOKEN_TTL_MS, via: "page" as const };
  const { token, expiresAt, remediationId } = await tokenFor(deps, asked);
  log.info({ remediationId, decision, by: wish.by, expiresAt }, "one-time token given out");
  const body = confirmPage(story, { remediationId, decision, planHash, by: wish.by, token, expiresAt });
  return answerPage(context, { title: `${decision}?`, body });
}

async function take(deps: AppDependencies, { context, params, log }: Form): Promise<Response> {
  const { decision, planHash, token, reason, by: person } = await formOf(context, CONFIRMED);
  const said = reason.trim() === "" ? null : reason.trim();
  const wish = { kind: decision, id: params["id"] ?? "", by: person, reason: said, planHash, token };
  const { remediationId, target } = await decide(deps, { ...wish, at: null, result: null, via: "page" });
  log.info({ remediationId, target, decision, by: person, via: "page", planHash }, "decision taken");
  return context.redirect(`/remediations/${remediationId}?taken=${decision}`, 303);
}

async function storyIn(deps: AppDependencies, params: Readonly<Record<string, string>>): Promise<Story> {
  return storyOf(await recorded(deps, params));
}

/** A form's fields, in the name of who signed in: of whose the token is, or else of the name that was given with it. */
async function formOf<Schema extends z.ZodType>(context: Context<AppEnv>, schema: Schema): Promise<z.output<Schema>> {
  requireOwnPage((header) => context.req.header(header));
  const type = context.req.header("content-type") ?? "";
  if (!type.toLowerCase().startsWith(FORM[0])) {
    const detail = `the Content-Type is not ${FORM[0]}, as a form sends it`;
    throw new ProblemError({ status: 415, slug: "not-a-form", title: "Not a form", detail });
  }
  const fields = Object.fromEntries(new URLSearchParams(await context.req.text()));
  const { subject } = context.get("caller");
  const person = context.get("person") ?? null;
  return checked(schema, subject === null && person !== null ? { ...fields, by: person } : signed(context, fields));
}

/** What goes wrong is a page too: a person reads it. */
async function page(context: Context<AppEnv>, make: () => Promise<Response>): Promise<Response> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof ProblemError) {
      const body = problemPage(error.title, error.message);
      return answerPage(context, { title: error.title, body, status: error.status });
    }
    if (!(error instanceof Unavailable)) throw error;
    context.get("log").error({ err: error, status: 503 }, "a page could not be made");
    const title = `Cannot answer now: ${error.system}`;
    const answer = await answerPage(context, { title, body: problemPage(title, error.message), status: 503 });
    answer.headers.set("retry-after", String(error.retryAfterSeconds));
    return answer;
  }
}
