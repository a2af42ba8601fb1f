/** The proof that a caller gives, and what it lets him do. */
import { createHash, timingSafeEqual } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Context, MiddlewareHandler } from "hono";
import { API_TOKEN_PREFIX, reachOf, type Role } from "../../contracts/roles.ts";
import { actingAs } from "../../record/actor.ts";
import type { IdentityRecord } from "../../record/api-identity.ts";
import { isJsonObject, type Json } from "../../contracts/json.ts";
import type { OidcVerifier } from "./oidc.ts";
import { notAllowed, ProblemError, throughRecord } from "../problems.ts";
import { type Caller, confinedTo, NOBODY } from "./caller.ts";
import type { AppEnv } from "./context.ts";
import { isLoopback } from "./gate.ts";

/** Anything that gives its text out only on purpose; `Secret` of the ports is one. */
export interface Token {
  reveal(): string;
}

/** What SELFHEAL_API_TOKEN stands for in the record. */
export const SHARED = "shared-token";

export interface Access {
  role: Role;
  /** The body names its author: that is the caller, whatever the body says. */
  by: boolean;
  /** It is about all groups at once: a caller whose role is confined to some is refused. */
  everywhere: boolean;
}

export interface AuthDependencies {
  record: Pick<IdentityRecord, "apiTokenOf" | "hasApiTokens">;
  /** The one token that all share (SELFHEAL_API_TOKEN); null: there is none. */
  apiToken: Token | null;
  /** Of the configuration in use; null: none. */
  oidc: () => OidcVerifier | null;
  /** On loopback, and nobody was ever given a token: everybody may. */
  mayBeOpen: boolean;
}

export type Authenticate = (authorization: string | undefined) => Promise<Caller>;

/** Rejects with a ProblemError (401), or with Unavailable when it cannot be known. */
export function authenticator({ record, apiToken, oidc, mayBeOpen }: AuthDependencies): Authenticate {
  const shared = apiToken === null ? null : digest(apiToken.reveal());
  let tokensMade = false;
  // Once one was made there will always have been one: revoked ones stay in the record.
  const areKnown = async (): Promise<boolean> => {
    if (oidc() !== null || tokensMade) return true;
    return (tokensMade = await throughRecord("find out whether callers need a token", () => record.hasApiTokens()));
  };
  return async (authorization = "") => {
    if (mayBeOpen && shared === null && !(await areKnown())) return NOBODY;
    const given = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    if (given === undefined) throw unauthorized(authorization === "" ? "is missing" : "holds no bearer token");
    if (given.startsWith(API_TOKEN_PREFIX)) return ofToken(record, given);
    if (shared !== null && timingSafeEqual(digest(given), shared)) return (await areKnown()) ? SHARED_CALLER : NAMELESS;
    const verifier = oidc();
    if (verifier === null || given.split(".").length !== 3) throw unauthorized("does not hold the right bearer token");
    return verifier.verify(given);
  };
}

/** Nobody has a name of his own yet: what they say of themselves counts, as before. */
const NAMELESS: Caller = { ...NOBODY, identity: SHARED };
/** It proves no person, so it approves nothing. */
const SHARED_CALLER: Caller = { subject: SHARED, identity: SHARED, grants: [{ role: "admin", groups: null }] };

async function ofToken(record: AuthDependencies["record"], secret: string): Promise<Caller> {
  const token = await throughRecord("look the token up", () => record.apiTokenOf(secret));
  if (token === null) throw unauthorized("holds a token that is not known, revoked or expired", "invalid_token");
  const { name, subject, roles, groups } = token;
  return { subject, identity: `token:${name}`, grants: roles.map((role) => ({ role, groups })) };
}

/** Before one route: who asks, whether he may, in which groups, and in whose name all that follows is done. */
export function allow(authenticate: Authenticate, route: string, access: Access): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const caller = await authenticate(context.req.header("authorization"));
    const { identity, subject } = caller;
    if (identity === null) requireOwnName(context.req.header("host"));
    const groups = reachOrRefuse(caller, access.role, route);
    if (access.everywhere && groups !== null) {
      const where = groups.join(", ");
      throw notAllowed(`${route} is about all groups; ${subject ?? ""} has the role ${access.role} in ${where} only`);
    }
    context.set("caller", caller);
    context.set("signs", access.by);
    if (identity !== null) context.set("log", context.get("log").child({ identity, subject }));
    return actingAs(identity, () => confinedTo(groups, next));
  };
}

/**
 * Nobody is asked who he is, since only this machine is let in. A site that points its own name at this machine (DNS
 * rebinding) has its visitors' browsers come from here, too; they say that name.
 */
function requireOwnName(host: string | undefined): void {
  if (host === undefined || isLoopback(URL.parse(`http://${host}`)?.hostname.replace(/^\[|\]$/g, "") ?? "")) return;
  throw notAllowed(
    `the request is for the host ${host.slice(0, 100)}; while nobody is asked who he is, ask 127.0.0.1, [::1] or ` +
      "localhost, or make a first token (`selfheal token create NAME --role admin`)",
  );
}

/** Where the caller has the role: these groups, or null for everywhere. */
function reachOrRefuse({ grants, subject, identity }: Caller, role: Role, what: string): readonly string[] | null {
  const reach = reachOf(grants, role);
  if (reach === "everywhere") return null;
  if (reach.length > 0) return reach;
  const has = [...new Set(grants.map((grant) => grant.role))].join(", ");
  throw notAllowed(`${what} needs the role ${role}; ${subject ?? "nobody"} (${identity ?? ""}) has ${has || "none"}`);
}

/**
 * For what goes on after its request was answered: does the same proof still count, and reach as far? What cannot be
 * asked now is asked the next time.
 */
export function stillMay(authenticate: Authenticate, context: Context<AppEnv>, role: Role): () => Promise<boolean> {
  const proof = context.req.header("authorization");
  const reach = reachOf(context.get("caller").grants, role);
  return async () => {
    try {
      return isDeepStrictEqual(reachOf((await authenticate(proof)).grants, role), reach);
    } catch (error) {
      return !(error instanceof ProblemError);
    }
  };
}

/** Where only the body says which role is needed. */
export function withRole<T>(context: Context<AppEnv>, role: Role, work: () => T): T {
  const groups = reachOrRefuse(context.get("caller"), role, `${context.req.method} ${context.req.path} for this`);
  return confinedTo(groups, work);
}

/** A body that names its author gets the caller's name; one that names another person is refused. */
export function signed(context: Context<AppEnv>, body: unknown): unknown {
  const { subject } = context.get("signs") === true ? context.get("caller") : NOBODY;
  if (subject === null || !isJsonObject(body as Json)) return body;
  const { by } = body as { by?: unknown };
  if (by === undefined || by === null || by === subject) return { ...(body as object), by: subject };
  throw notAllowed(
    `by is ${JSON.stringify(by).slice(0, 100)}, but the token is that of ${subject}: leave it out, or show a token of your own`,
  );
}

export function digest(text: string): Buffer {
  // Digests have one length, so that not even the length of a token shows in the time.
  return createHash("sha256").update(text).digest();
}

/** `code` and `why` go into WWW-Authenticate (RFC 6750) where a token was given and does not count. */
export function unauthorized(what: string, code?: "invalid_token"): ProblemError {
  return new ProblemError({
    status: 401,
    slug: "unauthorized",
    title: "Not authorized",
    detail: `the Authorization header ${what}; send \`Authorization: Bearer TOKEN\``,
    headers: {
      "www-authenticate": code === undefined ? "Bearer" : `Bearer error="${code}", error_description="${what}"`,
    },
  });
}
