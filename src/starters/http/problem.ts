/** RFC 9457 answers. Nothing of a stack or of a cause leaves the process: only what was written for the caller. */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { ProblemError, Unavailable, type FieldFault } from "../problems.ts";
import type { AppEnv } from "./context.ts";

export interface Problem {
  /** `urn:selfheal:problem:<slug>`; slugs are stable. */
  type: string;
  title: string;
  status: number;
  detail: string;
  /** The request's path. */
  instance: string;
  requestId: string;
  /** The first wrong field, when a field is wrong; all of them in `errors`. */
  field?: string;
  value?: string;
  wouldBeRight?: string;
  errors?: readonly FieldFault[];
}

interface Draft {
  status: ContentfulStatusCode;
  slug: string;
  title: string;
  detail: string;
  faults?: readonly FieldFault[];
  headers?: Readonly<Record<string, string>>;
}

export function answerError(error: unknown, context: Context<AppEnv>): Response {
  const draft = draftOf(error);
  const log = context.get("log");
  // The path of what is about one remediation names it.
  const about = { status: draft.status, path: context.req.path };
  const why = { problem: draft.slug, detail: draft.detail };
  // Whoever is overloaded does not write a stack for each request that it sends away.
  if (isShed(error)) log.warn({ ...about, ...why }, "request refused");
  else if (draft.status >= 500) log.error({ ...about, err: error }, draft.title);
  else log.info({ ...about, ...why }, "request refused");
  return answerProblem(context, draft);
}

function isShed(error: unknown): boolean {
  return error instanceof Unavailable && error.system === "capacity";
}

export function answerProblem(context: Context<AppEnv>, draft: Draft): Response {
  const { status, slug, title, detail, faults = [], headers = {} } = draft;
  const first = faults[0];
  const body: Problem = {
    type: `urn:selfheal:problem:${slug}`,
    title,
    status,
    detail,
    instance: context.req.path,
    requestId: context.get("requestId"),
    ...first,
    ...(faults.length > 0 ? { errors: faults } : {}),
  };
  return context.body(JSON.stringify(body), status, { "content-type": "application/problem+json", ...headers });
}

function draftOf(error: unknown): Draft {
  if (error instanceof ProblemError) {
    const { status, slug, title, message: detail, faults, headers } = error;
    return { status, slug, title, detail, faults, headers };
  }
  if (error instanceof Unavailable) {
    const headers = { "retry-after": String(error.retryAfterSeconds) };
    const title = `Cannot take this now: ${error.system}`;
    return { status: 503, slug: `unavailable-${error.system}`, title, detail: error.message, headers };
  }
  if (error instanceof HTTPException && error.status < 500) {
    return {
      status: error.status,
      slug: "bad-request",
      title: "Bad request",
      detail: error.message,
    };
  }
  return { status: 500, slug: "bug", title: "A bug in selfheal", detail: "see the log for this requestId" };
}
