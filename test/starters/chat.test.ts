/** Slash commands and buttons: who proves what, who may do what, and that each request counts once. */
import { Hono } from "hono";
import pino from "pino";
import { beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../src/ports/secret.ts";
import { slackSignature } from "../../src/starters/chat/slack-request.ts";
import { takeSlack } from "../../src/starters/http/chat.ts";
import type { AppDependencies, AppEnv } from "../../src/starters/http/context.ts";
import { catalogueOf, CONFIG, edited } from "../catalogue/support.ts";
import { problem, sharedApi } from "./support/server.ts";

const it = await sharedApi();
const KEY = new Secret("signing-secret");
const ID = "01900000-0000-7000-8000-000000000001";
const PLAN = "f".repeat(64);
const active = () =>
  Promise.resolve(
    catalogueOf({
      config: edited(
        "  - { name: anna, roles: [dc-ops] }",
        "  - { name: anna, roles: [dc-ops], slack: { id: UANNA, roles: [approver, operator] } }\n" +
          "  - { name: bob, slack: { id: UBOB } }\n" +
          "  - { name: dora, slack: { id: UDORA, roles: [approver, operator], groups: [db] } }",
        CONFIG,
      ),
    }),
  );
let now = Date.now();
let nonce = 0;

beforeEach(async () => {
  await it.database.sql("truncate signed_bodies, pauses cascade");
  now = Date.now();
  await it.restart({ sourceSecrets: () => ({ slack: { hmac: KEY } }), now: () => new Date(now).toISOString(), active });
  await it.database.record.open({
    ...{ remediationId: ID, target: { kind: "host", id: "web-1" }, workflowId: "heal:host:web-1", runId: "run-1" },
    ...{ runbook: "disk", group: "web", owner: "sre", severity: "critical", faults: [] },
  });
  await it.database.sql("update remediations set phase = 'approve', plan_hash = $1", [PLAN]);
});

interface Sent {
  body: string;
  key?: string;
  atMs?: number;
}
function headersOf({ body, key = KEY.reveal(), atMs = now }: Sent): Record<string, string> {
  const timestamp = String(Math.floor(atMs / 1000));
  return {
    "content-type": "application/x-www-form-urlencoded",
    "x-slack-request-timestamp": timestamp,
    "x-slack-signature": slackSignature(key, timestamp, body),
  };
}
const post = (sent: Sent, headers = headersOf(sent)): Promise<Response> =>
  fetch(`${it.server.url}/v1/chat/slack`, { method: "POST", headers, body: sent.body });
const slash = (text: string, user = "UANNA"): string =>
  new URLSearchParams({
    command: "/selfheal",
    text,
    user_id: user,
    team_id: "T1",
    trigger_id: String(++nonce),
  }).toString();
const say = async (text: string, user?: string): Promise<string> => {
  const response = await post({ body: slash(text, user) });
  expect(response.status).toBe(200);
  const answer = (await response.json()) as { response_type: string; text: string };
  expect(answer.response_type).toBe("ephemeral");
  return answer.text;
};

describe("a request of Slack", () => {
  test.each<[string, () => Promise<Response>]>([
    ["signed with another secret", () => post({ body: slash("status"), key: "other" })],
    ["of six minutes ago", () => post({ body: slash("status"), atMs: now - 6 * 60_000 })],
    ["with another body", () => post({ body: slash("status") }, headersOf({ body: slash("approve") }))],
    ["without a signature", () => post({ body: slash("status") }, {})],
  ])("%s is refused", async (_what, send) => {
    const response = await send();
    expect((await problem(response)).status).toBe(401);
    expect(it.temporal.decisions).toEqual([]);
  });

  test("counts once, whoever sends it again", async () => {
    const sent = { body: slash(`reject ${ID} no`) };
    expect((await post(sent)).status).toBe(200);
    await it.restart({ sourceSecrets: () => ({ slack: { hmac: KEY } }), active });
    expect([(await post(sent)).status, it.temporal.decisions.length]).toEqual([200, 1]);
  });

  test("is refused where no chat is configured", async () => {
    await it.restart({ active });
    expect((await problem(await post({ body: slash("status") }))).status).toBe(404);
  });
});

describe("a slash command", () => {
  test("approves exactly the plan that was looked at, in the person's name, by a one-time token", async () => {
    expect(await say(`approve web-1 ${PLAN.slice(0, 12)} looks right`)).toContain("Taken: approve of web-1 by anna");
    expect(it.temporal.decisions).toMatchObject([
      {
        decision: {
          kind: "approve",
          message: { by: "anna", planHash: PLAN, reason: "looks right", remediationId: ID },
        },
      },
    ]);
    const tokens = await it.database.sql("select person, decision, via, plan_hash from decision_tokens");
    expect(tokens).toEqual([{ person: "anna", decision: "approve", via: "chat", plan_hash: PLAN }]);
    const issued = (await it.database.record.audit(ID)).find(({ kind }) => kind === "tokenIssued");
    expect(issued?.body["actor"]).toEqual({ via: "chat", identity: "slack:T1/UANNA" });
  });

  test.each([
    ["without the plan", "approve web-1", "needs a remediation and the plan's hash"],
    ["with another plan", "approve web-1 00000000", "is ffffffffffff now"],
    ["of what is not there", `approve web-9 ${PLAN}`, "no remediation has the id web-9"],
    ["that there is none of", "explode", "there is no explode"],
  ])("%s does nothing and says why", async (_what, text, why) => {
    expect(await say(text)).toContain(why);
    expect(it.temporal.decisions).toEqual([]);
  });

  test.each([
    ["a stranger", "UEVE", "is nobody whom selfheal.yaml knows"],
    ["who only looks", "UBOB", "reject needs the role approver; bob has viewer in chat"],
    ["of another group", "UDORA", "no remediation has the id"],
  ])("by %s decides nothing", async (_what, user, why) => {
    expect(await say(`reject ${ID} no`, user)).toContain(why);
    expect(it.temporal.decisions).toEqual([]);
  });

  test("shows a stranger nothing, and somebody of another group nothing of it", async () => {
    expect(await say("status", "UEVE")).not.toContain("web-1");
    expect(await say("status", "UDORA")).toBe("Nothing is open.");
    expect(await say("status", "UBOB")).toContain("host/web-1: disk, approve");
    expect(await say("status web-1")).toContain(`approve ${ID} ${PLAN.slice(0, 12)}`);
  });

  test("shows what came from outside as text: nothing in it rings a channel or is a link", async () => {
    await it.database.sql("update remediations set doing = $1", ["<!channel> <https://evil.example|approve> & co"]);
    expect(await say("status web-1")).toContain("&lt;!channel&gt; &lt;https://evil.example|approve&gt; &amp; co");
  });

  test("pauses, shows it, and resumes; the audit says that it came by chat", async () => {
    expect(await say("pause global for 2h a storm")).toContain("Paused global until");
    expect(await say("status")).toContain("paused: global by anna: a storm");
    expect(await say("resume global")).toBe("Resumed global.");
    const paused = (await it.database.record.audit("control")).filter(({ body }) => body["via"] === "chat");
    expect(paused).toHaveLength(2);
  });

  test("reviews what is closed", async () => {
    expect(await say(`masking ${ID} the controller`)).toContain("review it once it is closed");
    await it.database.record.close({
      ...{ remediationId: ID, outcome: "healed", needsHuman: false, detail: "", faults: [] },
    });
    expect(await say(`masking ${ID} the controller`)).toBe("Reviewed: web-1 (healed) was masking.");
    expect(await it.database.sql("select verdict, by_person, reason from reviews")).toEqual([
      { verdict: "masking", by_person: "anna", reason: "the controller" },
    ]);
  });
});

describe("a button", () => {
  test("decides on the plan that its message showed, and answers where Slack said", async () => {
    const answers: [string, unknown][] = [];
    const answered = Promise.withResolvers<void>();
    const send = (url: unknown, init?: RequestInit): Promise<Response> => {
      answers.push([String(url), JSON.parse(typeof init?.body === "string" ? init.body : "null")]);
      answered.resolve();
      return Promise.resolve(new Response("ok"));
    };
    const deps = {
      ...{ record: it.database.record, remediations: it.temporal, active },
      ...{ sender: () => ({ token: null, hmacKey: KEY }), now: () => new Date(now).toISOString() },
    } as unknown as AppDependencies;
    const app = new Hono<AppEnv>();
    app.use((context, next) => {
      context.set("log", pino({ level: "silent" }));
      return next();
    });
    app.post("/slack", (context) => takeSlack(deps, context, send as typeof fetch));
    const press = async (responseUrl: string): Promise<number> => {
      const payload = {
        ...{ type: "block_actions", user: { id: "UANNA" }, team: { id: "T1" }, trigger_id: ++nonce },
        actions: [{ action_id: "selfheal.approve", value: `${ID} ${PLAN}` }],
        response_url: responseUrl,
      };
      const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
      return (await app.request("/slack", { method: "POST", headers: headersOf({ body }), body })).status;
    };
    expect(await press("https://hooks.slack.com/actions/T1/1/x")).toBe(200);
    await answered.promise;
    expect(answers).toMatchObject([
      [
        "https://hooks.slack.com/actions/T1/1/x",
        { text: expect.stringContaining("Taken: approve of web-1") as string },
      ],
    ]);
    expect(await press("https://169.254.169.254/latest")).toBe(200);
    expect([it.temporal.decisions.length, answers.length]).toEqual([2, 1]);
  });
});
