/** The codec server as Temporal's Web UI and CLI ask it. */
import { randomBytes } from "node:crypto";
import { defaultPayloadConverter } from "@temporalio/common";
import { describe, expect, it } from "vitest";
import { parsePayloadKeys, payloadCodec } from "../../src/config/payload-codec.ts";
import { Secret } from "../../src/ports/secret.ts";
import { authenticator } from "../../src/starters/http/auth.ts";
import { createCodecApp } from "../../src/starters/http/codec.ts";

const ORIGIN = "https://temporal.example.net";
const codec = payloadCodec(parsePayloadKeys(`k1:${randomBytes(32).toString("base64")}`));
const record = { apiTokenOf: () => Promise.resolve(null), hasApiTokens: () => Promise.resolve(false) };
const appOf = (token: string | null) => {
  const apiToken = token === null ? null : new Secret(token);
  return createCodecApp({
    codec,
    origin: ORIGIN,
    authenticate: authenticator({ record, apiToken, oidc: () => null, mayBeOpen: true }),
  });
};
const app = appOf("codec-token");

async function asked(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return app.request(path, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer codec-token", ...headers },
    body: JSON.stringify(body),
  });
}

interface Wire {
  payloads: { metadata: Record<string, string>; data: string }[];
}

async function encrypted(value: unknown): Promise<Wire> {
  const payloads = await codec.encode([defaultPayloadConverter.toPayload(value)]);
  return {
    payloads: payloads.map(({ metadata, data }) => ({
      metadata: Object.fromEntries(
        Object.entries(metadata ?? {}).map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")]),
      ),
      data: Buffer.from(data ?? []).toString("base64"),
    })),
  };
}

describe("the codec server", () => {
  it("decrypts what the Web UI shows, and encrypts what is sent from there", async () => {
    const { payloads } = (await (await asked("/decode", await encrypted({ planHash: "abc" }))).json()) as Wire;
    expect(payloads.map(({ data }) => Buffer.from(data, "base64").toString())).toEqual(['{"planHash":"abc"}']);
    const sent = (await (await asked("/encode", { payloads })).json()) as Wire;
    expect(Buffer.from(sent.payloads[0]?.metadata["encoding"] ?? "", "base64").toString()).toBe("binary/encrypted");
    expect(await (await asked("/decode", sent)).json()).toEqual({ payloads });
  });

  it("shows nothing to whom it does not know", async () => {
    const body = await encrypted("secret");
    for (const authorization of ["", "Bearer another"]) {
      const response = await asked("/decode", body, { authorization });
      expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    }
  });

  it("answers web pages of the Web UI's origin alone", async () => {
    const preflight = (origin: string): Promise<Response> =>
      Promise.resolve(
        app.request("/decode", { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } }),
      );
    expect((await preflight(ORIGIN)).headers.get("access-control-allow-origin")).toBe(ORIGIN);
    expect((await preflight("https://evil.example.net")).headers.get("access-control-allow-origin")).not.toBe(
      "https://evil.example.net",
    );
  });

  it.each([
    ["no payloads", {}, 400, /right would be/],
    ["no base64", { payloads: [{ metadata: {}, data: "%" }] }, 400, /right would be/],
    [
      "a key that it lacks",
      { payloads: [{ metadata: { encoding: "YmluYXJ5L2VuY3J5cHRlZA==", "selfheal-key": "azI=" }, data: "AAAA" }] },
      400,
      /k2.*does not hold/,
    ],
  ])("says what is wrong with a body of %s", async (_what, body, status, message) => {
    const response = await asked("/decode", body);
    expect(response.status).toBe(status);
    expect(await response.text()).toMatch(message);
  });
});
