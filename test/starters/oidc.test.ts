/** JWTs against a provider on a real socket: what counts, what does not, and keys that change. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT, type JWK } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { oidcVerifier, type OidcSettings } from "../../src/starters/http/oidc.ts";
import { ProblemError, Unavailable } from "../../src/starters/problems.ts";
import { problem, sharedApi } from "./support/server.ts";

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;

class Provider {
  private server: Server | null = null;
  keys: JWK[] = [];
  asked = 0;
  up = true;

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      if (!this.up) return void response.writeHead(500).end();
      response.setHeader("content-type", "application/json");
      if (request.url === "/keys") {
        this.asked += 1;
        return void response.end(JSON.stringify({ keys: this.keys }));
      }
      response.end(JSON.stringify({ issuer: this.issuer, jwks_uri: `${this.issuer}/keys` }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    this.server = server;
  }

  get issuer(): string {
    return `http://127.0.0.1:${(this.server?.address() as AddressInfo).port}`;
  }

  async publish(...pairs: [kid: string, pair: Pair][]): Promise<void> {
    this.keys = await Promise.all(
      pairs.map(async ([kid, { publicKey }]) => ({ ...(await exportJWK(publicKey)), kid, alg: "RS256", use: "sig" })),
    );
  }

  stop(): void {
    this.server?.close();
  }
}

const api = await sharedApi();
const provider = new Provider();
let one: Pair;
let two: Pair;

beforeAll(async () => {
  await provider.start();
  [one, two] = await Promise.all([generateKeyPair("RS256", { extractable: true }), generateKeyPair("RS256")]);
});
afterAll(() => provider.stop());
beforeEach(async () => {
  provider.up = true;
  provider.asked = 0;
  await provider.publish(["one", one]);
});

function settings(more: Partial<OidcSettings> = {}): OidcSettings {
  return {
    ...{ issuer: provider.issuer, audience: "selfheal", subject: "preferred_username", claim: "realm.roles" },
    grants: [
      { value: "sre", roles: ["operator", "approver"], groups: ["web"] },
      { value: "platform", roles: ["admin"] },
    ],
    clockTolerance: 30_000,
    ...more,
  };
}

interface Wish {
  kid?: string;
  pair?: Pair;
  claims?: Record<string, unknown>;
  audience?: string;
  issuer?: string;
  /** Seconds from now; null: none. */
  expires?: number | null;
}

function jwt({
  kid = "one",
  pair = one,
  claims = {},
  audience = "selfheal",
  issuer = provider.issuer,
  expires = 60,
}: Wish = {}) {
  const now = Math.floor(Date.now() / 1000);
  const payload = { sub: "42", preferred_username: "ann", realm: { roles: ["sre"] }, ...claims };
  const made = new SignJWT(payload).setProtectedHeader({ alg: "RS256", kid }).setIssuer(issuer).setAudience(audience);
  if (expires !== null) made.setExpirationTime(now + expires);
  return made.sign(pair.privateKey);
}

describe("a JWT that counts", () => {
  test("names the person, and its claim says the roles and where", async () => {
    const caller = await oidcVerifier(settings()).verify(await jwt());
    expect(caller).toEqual({
      subject: "ann",
      identity: `oidc:${provider.issuer}#42`,
      grants: [
        { role: "operator", groups: ["web"] },
        { role: "approver", groups: ["web"] },
      ],
    });
  });

  test("with values that nobody configured has no role at all", async () => {
    const { grants } = await oidcVerifier(settings()).verify(await jwt({ claims: { realm: { roles: ["root", 7] } } }));
    expect(grants).toEqual([]);
  });

  test("may have ended as long ago as clocks may differ, and no longer", async () => {
    const verifier = oidcVerifier(settings());
    await expect(verifier.verify(await jwt({ expires: -20 }))).resolves.toMatchObject({ subject: "ann" });
    await expect(verifier.verify(await jwt({ expires: -60 }))).rejects.toThrow(/has expired/);
  });

  test("may be signed with a key that the provider has just begun to use; the keys are asked for once", async () => {
    const verifier = oidcVerifier(settings(), { askAgainMs: 0 });
    await verifier.verify(await jwt());
    await verifier.verify(await jwt());
    expect(provider.asked).toBe(1);
    await provider.publish(["two", two]);
    await verifier.verify(await jwt({ kid: "two", pair: two }));
    expect(provider.asked).toBe(2);
    // The old key is gone, and what it signed with it.
    await expect(verifier.verify(await jwt())).rejects.toThrow(/no key of/);
  });
});

async function hmacWithPublicKey(): Promise<string> {
  const secret = new TextEncoder().encode(await exportSPKI(one.publicKey));
  return new SignJWT({ preferred_username: "ann", realm: { roles: ["platform"] } })
    .setProtectedHeader({ alg: "HS256", kid: "one" })
    .setIssuer(provider.issuer)
    .setAudience("selfheal")
    .setExpirationTime("1m")
    .sign(secret);
}

describe("a JWT that does not count", () => {
  test.each<[string, () => Promise<string> | string, RegExp]>([
    ["for somebody else", () => jwt({ audience: "other" }), /claim aud/],
    ["of another issuer", () => jwt({ issuer: "https://evil.example.net" }), /claim iss/],
    ["without an end", () => jwt({ expires: null }), /claim exp/],
    ["that is not valid yet", () => jwt({ claims: { nbf: Math.floor(Date.now() / 1000) + 600 } }), /claim nbf/],
    ["without the person's name", () => jwt({ claims: { preferred_username: "" } }), /preferred_username/],
    ["signed by another key under a known id", () => jwt({ pair: two }), /no key of/],
    ["signed by a key that nobody knows", () => jwt({ kid: "three", pair: two }), /no key of/],
    [
      "of the algorithm none",
      () =>
        new UnsecuredJWT({ preferred_username: "ann" })
          .setIssuer(provider.issuer)
          .setAudience("selfheal")
          .setExpirationTime("1m")
          .encode(),
      /does not count|cannot be read/,
    ],
    ["whose shared key is the public key", hmacWithPublicKey, /does not count/],
    [
      "with another body than was signed",
      async () => (await jwt()).replace(/\.[^.]+\./, `.${Buffer.from('{"sub":"root"}').toString("base64url")}.`),
      /no key of/,
    ],
    ["that is none", () => "a.b.c", /cannot be read/],
  ])("%s is refused", async (_what, make, message) => {
    const refused = oidcVerifier(settings()).verify(await make());
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toThrow(ProblemError);
  });
});

test("a provider that does not answer is not a refusal: nobody knows", async () => {
  provider.up = false;
  const verifier = oidcVerifier(settings());
  await expect(verifier.verify(await jwt())).rejects.toThrow(Unavailable);
  provider.up = true;
  await expect(verifier.verify(await jwt())).resolves.toMatchObject({ subject: "ann" });
});

describe("the API with a provider", () => {
  test("takes its JWTs, asks everybody for one, and says what is wrong in WWW-Authenticate", async () => {
    await api.restart({ apiToken: null, oidc: () => settings() });
    const ask = (token?: string): Promise<Response> =>
      fetch(`${api.server.url}/v1/whoami`, {
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      });
    expect(await (await ask(await jwt())).json()).toMatchObject({ subject: "ann" });
    expect((await ask()).status).toBe(401);
    const expired = await ask(await jwt({ expires: -600 }));
    expect(expired.headers.get("www-authenticate")).toBe(
      'Bearer error="invalid_token", error_description="holds a token that has expired"',
    );
    expect((await problem(expired)).detail).toContain("has expired");
    // A role that the API does not know of is no role.
    expect((await ask(await jwt({ claims: { realm: { roles: ["nobody"] } } }))).status).toBe(403);
  });
});
