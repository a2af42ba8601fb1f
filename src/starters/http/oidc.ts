/**
 * JWTs of an OpenID Connect provider (`access.oidc` of selfheal.yaml). Only signatures by a key pair count: with a shared
 * key, or with none, whoever knows the public key could write a token himself.
 */
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from "jose";
import { z } from "zod";
import type { Catalogue } from "../../catalogue/catalogue.ts";
import { messageOf } from "../../config/user-error.ts";
import type { Grant } from "../../contracts/roles.ts";
import { Unavailable } from "../problems.ts";
import { unauthorized } from "./auth.ts";
import type { Caller } from "./caller.ts";

export type OidcSettings = NonNullable<Catalogue["access"]["oidc"]>;

export interface OidcVerifier {
  /** Rejects with a ProblemError (401) when the token does not count, with Unavailable while the keys cannot be read. */
  verify(jwt: string): Promise<Caller>;
}

const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
const TIMEOUT_MS = 5_000;
const KEYS_KEPT_MS = 10 * 60_000;
/** Tokens with keys that nobody knows must not make us ask the provider each time. */
const ASK_AGAIN_MS = 10_000;

export interface OidcOptions {
  /** Milliseconds between two looks for keys; default 10,000. */
  askAgainMs?: number;
  now?: () => Date;
}

export function oidcVerifier(settings: OidcSettings, options: OidcOptions = {}): OidcVerifier {
  let keys: Promise<JWTVerifyGetKey> | null = null;
  const keysOf = async (): Promise<JWTVerifyGetKey> => {
    keys ??= jwksUrl(settings).then((url) =>
      createRemoteJWKSet(url, {
        timeoutDuration: TIMEOUT_MS,
        cacheMaxAge: KEYS_KEPT_MS,
        cooldownDuration: options.askAgainMs ?? ASK_AGAIN_MS,
      }),
    );
    return keys.catch((error: unknown) => {
      keys = null;
      throw error;
    });
  };
  const checks = {
    issuer: settings.issuer,
    audience: settings.audience,
    algorithms: ALGORITHMS,
    clockTolerance: settings.clockTolerance / 1000,
    // A token without an end would count for ever.
    requiredClaims: ["exp"],
  };
  return {
    verify: async (jwt) => {
      try {
        const now = options.now?.();
        const getKey = await keysOf();
        const { payload } = await jwtVerify(jwt, getKey, {
          ...checks,
          ...(now === undefined ? {} : { currentDate: now }),
        });
        return callerOf(payload, settings);
      } catch (error) {
        throw refusal(error, settings);
      }
    },
  };
}

const discovered = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) });

async function jwksUrl({ issuer, jwks }: OidcSettings): Promise<URL> {
  if (jwks !== undefined) return new URL(jwks);
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: "error" });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const document = discovered.parse(await response.json());
  if (document.issuer !== issuer) throw new Error(`${url} is of the issuer ${document.issuer.slice(0, 100)}`);
  return new URL(document.jwks_uri);
}

function callerOf(payload: JWTPayload, settings: OidcSettings): Caller {
  const subject = claimAt(payload, settings.subject);
  if (typeof subject !== "string" || subject === "")
    throw new errors.JWTClaimValidationFailed("it names no person", payload, settings.subject);
  return {
    subject,
    identity: `oidc:${settings.issuer}#${payload.sub ?? subject}`,
    grants: grantsOf(payload, settings),
  };
}

/** What the claim's values are worth; a value that nobody configured is worth nothing. */
export function grantsOf(payload: JWTPayload, { claim, grants }: Pick<OidcSettings, "claim" | "grants">): Grant[] {
  const given = claimAt(payload, claim);
  const values = typeof given === "string" ? given.split(" ") : Array.isArray(given) ? given : [];
  return grants
    .filter(({ value }) => values.includes(value))
    .flatMap(({ roles, groups }) => roles.map((role) => ({ role, groups: groups ?? null })));
}

/** `realm_access.roles` leads inside; a claim whose own name has dots is found as it is. */
function claimAt(payload: JWTPayload, path: string): unknown {
  if (Object.hasOwn(payload, path)) return payload[path];
  return path.split(".").reduce<unknown>((at, part) => {
    return typeof at === "object" && at !== null && Object.hasOwn(at, part)
      ? (at as Record<string, unknown>)[part]
      : undefined;
  }, payload);
}

function refusal(error: unknown, { issuer }: OidcSettings): Error {
  if (error instanceof errors.JWTExpired) return unauthorized("holds a token that has expired", "invalid_token");
  if (error instanceof errors.JWTClaimValidationFailed) {
    return unauthorized(`holds a token whose claim ${error.claim} is not right`, "invalid_token");
  }
  if (error instanceof errors.JOSEAlgNotAllowed)
    return unauthorized("holds a token signed in a way that does not count", "invalid_token");
  const unknownKey = error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys;
  if (unknownKey || error instanceof errors.JWSSignatureVerificationFailed) {
    return unauthorized(`holds a token that no key of ${issuer} has signed`, "invalid_token");
  }
  const malformed = [errors.JWTInvalid, errors.JWSInvalid, errors.JOSENotSupported].some((one) => error instanceof one);
  if (malformed) return unauthorized("holds a token that cannot be read", "invalid_token");
  return new Unavailable("identity", `the keys of ${issuer} cannot be read: ${messageOf(error)}`, { cause: error });
}
