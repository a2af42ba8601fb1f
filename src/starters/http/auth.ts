import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { ProblemError } from "../problems.ts";
import type { AppEnv } from "./context.ts";

/** Anything that gives its text out only on purpose; `Secret` of the ports is one. */
export interface Token {
  reveal(): string;
}

/** Bearer token, compared in constant time. Null lets everybody in: `startServer` allows that on loopback only. */
export function bearer(token: Token | null): MiddlewareHandler<AppEnv> {
  // Digests have one length, so that not even the length of a token shows in the time.
  const expected = token === null ? null : digest(token.reveal());
  return async (context, next) => {
    if (expected === null) return next();
    const header = context.req.header("authorization") ?? "";
    const given = /^Bearer +(\S+) *$/i.exec(header)?.[1];
    if (given === undefined || !timingSafeEqual(digest(given), expected)) throw unauthorized(header !== "");
    return next();
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function unauthorized(given: boolean): ProblemError {
  const detail = given
    ? "the Authorization header does not hold the right bearer token"
    : "the Authorization header is missing";
  return new ProblemError({
    status: 401,
    slug: "unauthorized",
    title: "Not authorized",
    detail: `${detail}; send \`Authorization: Bearer TOKEN\``,
  });
}
