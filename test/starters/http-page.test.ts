import { beforeEach, describe, expect, test } from "vitest";
import { aPlan, hashOfPlan, planned } from "../record/builders.ts";
import { API_TOKEN, sharedApi } from "./support/server.ts";

const it = await sharedApi();
const plan = aPlan();
let id = "";
const PLAN_HASH = hashOfPlan(plan);

beforeEach(async () => {
  id = await planned(it.database.record, plan);
  await it.database.sql("update remediations set phase = 'approve'");
});

const basic = (name: string, password = API_TOKEN) => `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
const get = (path: string, headers: Record<string, string> = { authorization: basic("ada") }) =>
  fetch(it.server.url + path, { headers, redirect: "manual" });
const send = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(`${it.server.url}/remediations/${id}/${path}`, {
    method: "POST",
    headers: { authorization: basic("ada"), "sec-fetch-site": "same-origin", ...headers },
    body: new URLSearchParams(fields),
    redirect: "manual",
  });
const tokenIn = (page: string) => /name="token" value="([^"]+)"/.exec(page)?.[1] ?? "";
const wish = { decision: "approve", planHash: PLAN_HASH, by: "mallory" };

describe("the page of a remediation", () => {
  test("tells the story, without a script, and offers the decision to who signed in", async () => {
    const response = await get(`/remediations/${id.slice(0, 12)}`);
    const page = await response.text();
    expect(response.status).toBe(200);
    expect(response.headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
    );
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(page).toContain(`action="/remediations/${id}/confirm"`);
    expect(page).toContain('name="by" value="ada"');
    expect(page).not.toContain("<script");
  });

  test("links to the trace, where there is one", async () => {
    const traceId = id.replaceAll("-", "");
    expect(await (await get(`/remediations/${id}`)).text()).not.toContain("Trace");
    await it.restart({ traceUrl: "https://traces/{traceId}" });
    const page = await (await get(`/remediations/${id}`)).text();
    expect(page).toContain(`<a href="https://traces/${traceId}" rel="noreferrer">${traceId}</a>`);
  });

  test("escapes whatever came from outside", async () => {
    const hostile = `<img src=x onerror=alert(1)>"'\u202e`;
    await it.database.sql("update remediations set doing = $1, runbook = $1", [hostile]);
    const page = await (await get(`/remediations/${id}`)).text();
    expect(page).not.toContain("<img");
    expect(page).not.toContain("\u202e");
    expect(page).toContain("&lt;img src=x onerror=alert(1)&gt;&quot;&#39;");
  });

  test("is found by its target, and is a page too when it is not there", async () => {
    expect((await get("/remediations/host/web-1")).status).toBe(200);
    const missing = await get("/remediations/nothing");
    expect([missing.status, missing.headers.get("content-type")]).toEqual([404, "text/html; charset=utf-8"]);
  });

  test.each([{}, { authorization: basic("ada", "wrong") }, { authorization: `Bearer ${API_TOKEN}` }])(
    "asks who does not sign in (%j) for a name and a password",
    async (headers) => {
      const response = await get(`/remediations/${id}`, headers);
      expect([response.status, response.headers.get("www-authenticate")]).toEqual([
        401,
        'Basic realm="selfheal", charset="UTF-8"',
      ]);
    },
  );
});

describe("a decision on the page", () => {
  test("is asked for once more, and goes the way of every decision, by who signed in", async () => {
    const asked = await send("confirm", wish);
    const confirmation = await asked.text();
    expect(asked.status).toBe(200);
    expect(it.temporal.decisions).toEqual([]);
    const token = tokenIn(confirmation);
    const decided = await send("decide", { ...wish, token, reason: "looked at it" });
    expect([decided.status, decided.headers.get("location")]).toEqual([303, `/remediations/${id}?taken=approve`]);
    const message = { by: "ada", planHash: PLAN_HASH, remediationId: id, token, reason: "looked at it" };
    expect(it.temporal.decisions).toMatchObject([{ decision: { kind: "approve", message } }]);
    expect(await it.database.sql("select person, decision, via, plan_hash from decision_tokens")).toEqual([
      { person: "ada", decision: "approve", via: "page", plan_hash: PLAN_HASH },
    ]);
    expect(it.logged).not.toContain(token);
    expect(await (await get(`/remediations/${id}?taken=approve`)).text()).toContain("Your word is taken: approve");
  });

  test.each([
    [{ "sec-fetch-site": "cross-site" }],
    [{ "sec-fetch-site": "same-site" }],
    [{ "sec-fetch-site": "none" }],
  ])("of another site's form (%j) is refused, in both steps", async (headers) => {
    for (const step of ["confirm", "decide"]) {
      expect((await send(step, { ...wish, token: "x" }, headers)).status).toBe(403);
    }
    expect(await it.database.sql("select * from decision_tokens")).toEqual([]);
    expect(it.temporal.decisions).toEqual([]);
  });

  test("of an older browser counts by its Origin", async () => {
    const post = (origin: string) =>
      fetch(`${it.server.url}/remediations/${id}/confirm`, {
        method: "POST",
        headers: { authorization: basic("ada"), origin },
        body: new URLSearchParams(wish),
      });
    expect((await post("https://evil.example")).status).toBe(403);
    expect((await post("null")).status).toBe(403);
    expect((await post(it.server.url)).status).toBe(200);
  });

  test("on a plan that is not in force any more says so", async () => {
    const stale = await send("confirm", { ...wish, planHash: "0".repeat(64) });
    expect([stale.status, await stale.text()]).toEqual([409, expect.stringContaining("the plan of") as string]);
  });

  test.each([{ decision: "cancel" }, { planHash: "" }, { more: "fields" }])("with %j is refused", async (change) => {
    expect((await send("confirm", { ...wish, ...change })).status).toBe(422);
  });

  test("where nobody must sign in, asks for a name", async () => {
    await it.restart({ apiToken: null });
    const page = await (await get(`/remediations/${id}`, {})).text();
    expect(page).toContain('name="by" required');
    const asked = await send("confirm", { ...wish, by: "grace" }, { authorization: "" });
    expect(await asked.text()).toContain('name="by" value="grace"');
  });
});
