/** Whatever is sent: no 5xx, and every refusal is as it is described (support/openapi.ts). `npm run fuzz` does more. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { OpenApi } from "../../src/starters/http/openapi.ts";
import { API_TOKEN, sharedApi, WEBHOOK_TOKEN } from "./support/server.ts";

const it = await sharedApi();
const RUNS = 8;

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("global", "host/web-1", "\0", "\ud800", "__proto__"),
);
const value = fc.oneof(fc.jsonValue(), text, fc.integer());
/** Fields of ours with values of anybody's. */
const body = fc.oneof(
  fc.dictionary(
    fc.constantFrom("by", "reason", "scope", "what", "target", "labels", "alerts", "planHash", "forMs", "id", "ticket"),
    value,
  ),
  value,
);

test("nothing that is sent to any write is a 5xx", async () => {
  const { paths } = (await (await fetch(`${it.server.url}/openapi.json`)).json()) as OpenApi;
  const writes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { security }]) =>
      method === "get" ? [] : [{ path, method, isSource: JSON.stringify(security).includes("source") }],
    ),
  );
  expect(writes.length).toBeGreaterThan(20);
  for (const { path, method, isSource } of writes) {
    await fc.assert(
      fc.asyncProperty(body, fc.webSegment({ size: "small" }), async (sent, id) => {
        const token = path.startsWith("/v1/") && isSource ? WEBHOOK_TOKEN : API_TOKEN;
        const response = await fetch(it.server.url + path.replace("{id}", id === "" ? "x" : encodeURIComponent(id)), {
          method: method.toUpperCase(),
          headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
          body: JSON.stringify(sent),
          redirect: "manual",
        });
        expect([method, path, response.status >= 500]).toEqual([method, path, false]);
        await response.body?.cancel();
      }),
      { numRuns: RUNS },
    );
  }
});
