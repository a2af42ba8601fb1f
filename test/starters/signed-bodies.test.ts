/** Webhooks that are signed: what counts, for how long, and how often. */
import { beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../src/ports/secret.ts";
import { SIGNATURE_HEADER, signatureOf, TIMESTAMP_HEADER } from "../../src/ports/signed-body.ts";
import { TOLERANCE_MS } from "../../src/starters/http/sender.ts";
import { captured } from "./support/bodies.ts";
import { problem, sharedApi, WEBHOOK_TOKEN } from "./support/server.ts";

const it = await sharedApi();
const KEY = new Secret("hmac-key-1");
const BODY = JSON.stringify(captured("03-firing"));
let now = Date.now();

beforeEach(async () => {
  await it.database.sql("truncate signed_bodies");
  now = Date.now();
  await it.restart({ sourceSecrets: () => ({ alertmanager: { hmac: KEY } }), now: () => new Date(now).toISOString() });
});

interface Sent {
  body?: string;
  signedBody?: string;
  key?: Secret;
  atMs?: number;
}

function headersOf({ body = BODY, signedBody = body, key = KEY, atMs = now }: Sent = {}): Record<string, string> {
  const timestamp = String(Math.floor(atMs / 1000));
  return {
    authorization: "",
    [TIMESTAMP_HEADER]: timestamp,
    [SIGNATURE_HEADER]: signatureOf(key, timestamp, signedBody),
  };
}
const send = (sent: Sent = {}): Promise<Response> => it.alerts(sent.body ?? BODY, headersOf(sent));

describe("a signed body", () => {
  test("is taken, once: the same again is a duplicate, for another process too", async () => {
    expect(await (await send()).json()).toMatchObject({ accepted: 2 });
    const starts = it.temporal.starts.length;
    await it.restart({ sourceSecrets: () => ({ alertmanager: { hmac: KEY } }) });
    const again = await send();
    expect([again.status, await again.json()]).toEqual([
      200,
      expect.objectContaining({ duplicate: true, accepted: 0, warnings: ["this very body was taken before"] }),
    ]);
    expect(it.temporal.starts).toHaveLength(starts);
  });

  test("that could not be taken may come again as it is", async () => {
    it.temporal.down = "all";
    expect((await send()).status).toBe(503);
    it.temporal.down = null;
    expect(await (await send()).json()).not.toHaveProperty("duplicate");
    expect(it.temporal.starts).toHaveLength(2);
  });

  test("signed anew, with a later time stamp, is another one: its alerts are known already", async () => {
    await send();
    now += 2_000;
    expect(await (await send()).json()).toMatchObject({ duplicates: 2 });
  });

  test.each<[string, Sent, RegExp]>([
    ["another key", { key: new Secret("hmac-key-2") }, /HMAC-SHA256/],
    ["another body", { signedBody: BODY.replace("web-1", "web-2") }, /HMAC-SHA256/],
  ])("with %s is refused", async (_what, sent, message) => {
    expect((await problem(await send(sent))).detail).toMatch(message);
    expect(it.temporal.starts).toEqual([]);
  });

  test.each([-TOLERANCE_MS - 2_000, TOLERANCE_MS + 2_000])(
    "is refused %d ms away from its time stamp",
    async (offMs) => {
      const body = await problem(await send({ atMs: now + offMs }));
      expect(body).toMatchObject({ status: 401, detail: expect.stringContaining("s away from now") as string });
    },
  );

  test.each([TIMESTAMP_HEADER, SIGNATURE_HEADER])("without %s is refused", async (header) => {
    const { [header]: _gone, ...headers } = headersOf();
    expect((await problem(await it.alerts(BODY, headers))).status).toBe(401);
  });

  test("whose time stamp was changed is refused: it is signed too", async () => {
    const headers = { ...headersOf(), [TIMESTAMP_HEADER]: String(Math.floor(now / 1000) + 1) };
    expect((await problem(await it.alerts(BODY, headers))).status).toBe(401);
  });
});

test("a ticket system may sign too", async () => {
  await it.restart({ sourceSecrets: () => ({ jira: { hmac: KEY } }) });
  const body = JSON.stringify({ issue: { id: "10001", key: "OPS-42" } });
  const tell = (headers: Record<string, string>) => it.post("/v1/events/tickets/jira", body, headers);
  now = Date.now();
  const first = await tell(headersOf({ body }));
  expect([first.status, await first.json()]).toEqual([202, { tickets: ["OPS-42", "10001"], woken: 0 }]);
  expect(await (await tell(headersOf({ body }))).json()).toEqual({ tickets: [], woken: 0 });
  expect((await tell({})).status).toBe(401);
});

test("the token that all sources share does not do instead of a source's own signature", async () => {
  expect((await it.alerts(BODY, { authorization: `Bearer ${WEBHOOK_TOKEN}` })).status).toBe(401);
});

test("a source with both may use either", async () => {
  const both = { alertmanager: { hmac: KEY, token: new Secret("own-token") } };
  await it.restart({ sourceSecrets: () => both });
  expect((await it.alerts(BODY, { authorization: "Bearer own-token" })).status).toBe(200);
  now = Date.now();
  expect((await send()).status).toBe(200);
});
