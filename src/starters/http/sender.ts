/**
 * Whether an alert source is who it says: by a bearer token, or by a signature of the body (ports/signed-body.ts). Signed
 * bodies count within five minutes of their time stamp. A body that was taken is answered as a duplicate when it comes
 * again, whichever process it comes to; one that was not taken (5xx) may be sent again as it is.
 */
import { timingSafeEqual } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import { secondsOff, SIGNATURE_HEADER, signatureOf, TIMESTAMP_HEADER } from "../../ports/signed-body.ts";
import { throughRecord } from "../problems.ts";
import { digest, type Token, unauthorized } from "./auth.ts";
import type { AppDependencies, AppEnv } from "./context.ts";
import type { AnyOperation } from "./operation.ts";

/** What a source must show: one of these. Both null: nothing is asked for (`startServer` allows that on loopback only). */
export interface Sender {
  token: Token | null;
  hmacKey: Token | null;
}

export const TOLERANCE_MS = 5 * 60_000;

/** Before the body is read: the token, or a signature that may still be in time. */
export function bySender(deps: AppDependencies, source: string): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    // Asked for afresh: the configuration may have changed.
    const { token, hmacKey } = deps.sender(source);
    if (token === null && hmacKey === null) return next();
    if (hmacKey !== null && context.req.header(SIGNATURE_HEADER) !== undefined) {
      requireInTime(deps, context);
      return next();
    }
    if (token === null) throw unauthorized(`is not enough: ${source} signs its bodies (${SIGNATURE_HEADER})`);
    const header = context.req.header("authorization") ?? "";
    const given = /^Bearer +(\S+) *$/i.exec(header)?.[1];
    if (given === undefined || !timingSafeEqual(digest(given), digest(token.reveal()))) {
      throw unauthorized(header === "" ? "is missing" : "does not hold the right bearer token");
    }
    return next();
  };
}

/** With the body at hand; one that was taken before is answered with `again`. Alone where the sender signs; otherwise it lets everything through. */
export function signedOnce(
  deps: AppDependencies,
  { source, status = 200 }: Pick<AnyOperation, "source" | "status">,
): MiddlewareHandler<AppEnv> {
  if (source === undefined) throw new Error("nobody is named who may send this");
  const { name, again } = source;
  return async (context, next) => {
    const { hmacKey } = deps.sender(name);
    const given = context.req.header(SIGNATURE_HEADER);
    if (hmacKey === null || given === undefined) return next();
    const expected = signatureOf(hmacKey, context.req.header(TIMESTAMP_HEADER) ?? "", await context.req.text());
    if (!timingSafeEqual(digest(given.trim()), digest(expected))) throw wrongSignature();
    const seen = `${name}:${expected}`;
    if (await throughRecord("look for the signed body", () => deps.record.signedBodySeen(seen))) {
      context.get("log").info({ source: name }, "a signed body came again");
      return context.json(again as object, status);
    }
    await next();
    if (!context.res.ok) return;
    // Twice the tolerance: a time stamp may lie that far ahead, too.
    const taken = { digest: seen, source: name, keepMs: 2 * TOLERANCE_MS };
    await throughRecord("remember the signed body", () => deps.record.signedBodyTaken(taken));
  };
}

function requireInTime(deps: AppDependencies, context: Context<AppEnv>): void {
  const off = secondsOff(context.req.header(TIMESTAMP_HEADER) ?? "", deps.now());
  if (off * 1000 <= TOLERANCE_MS) return;
  const what = Number.isNaN(off) ? "is missing or no number of seconds" : `is ${Math.round(off)} s away from now`;
  throw unauthorized(`cannot help: ${TIMESTAMP_HEADER} ${what}, at most ${TOLERANCE_MS / 1000} s count`);
}

function wrongSignature(): Error {
  return unauthorized(
    `cannot help: ${SIGNATURE_HEADER} is not v1=HEX of the HMAC-SHA256 of "TIMESTAMP.BODY" with this source's key`,
  );
}
