import { createHmac } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { pagerduty } from "../../src/adapters/pagerduty/events.ts";
import { slackApp } from "../../src/adapters/slack/web-api.ts";
import { mail } from "../../src/adapters/smtp/mail.ts";
import { webhook } from "../../src/adapters/webhook/channel.ts";
import type { Posting, Standing } from "../../src/ports/ports.ts";
import { Secret } from "../../src/ports/secret.ts";
import type { Lab } from "../../src/lab/lab.ts";
import { lab as startLab } from "../lab/support.ts";
import { smtpStub, type SmtpStub } from "../support/smtp.ts";
import { failureOf, httpStub, outside } from "./support.ts";

const standing: Standing = {
  state: "open",
  title: "web-1: disk-replacement, approve",
  text: "in approve: waits",
  choices: [{ verb: "approve", remediationId: "r1", planHash: "abc" }],
};
const posting: Posting = {
  ...{ key: "r1/approval", route: "message", title: "web-1 <x>: needs an approval", text: "Waits." },
  ...{ remediationId: "r1", severity: "warning", source: "web-1", standing },
};
const page: Posting = { ...posting, key: "r1/end", route: "page", title: "web-1: escalated" };

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});
const lab = (): Promise<Lab> => startLab();

describe("slack-app", () => {
  const app = (dc: Lab, token = "xoxb-1") =>
    slackApp({ url: `${dc.url}/slack/api`, token: new Secret(token), channel: "C01", outside });

  it("opens one thread, replies into it, and keeps its beginning up to date with what opened it", async () => {
    const dc = await lab();
    const port = app(dc);
    const thread = await port.post(posting, null);
    expect(await port.post(page, thread)).toBe(thread);
    await port.show?.(thread ?? "", { ...standing, state: "resolved", title: "web-1: healed", choices: [] }, posting);
    const [first, reply] = dc.world.messages;
    expect(dc.world.messages).toHaveLength(2);
    expect(reply).toMatchObject({ thread: first?.ts, body: { reply_broadcast: true } });
    const shown = JSON.stringify(first?.body);
    expect(shown).toContain(":white_check_mark: *web-1: healed*");
    expect(shown).toContain("web-1 &lt;x&gt;: needs an approval");
    expect(shown).not.toContain("button");
  });

  it("shows buttons that carry the remediation and the very plan that was shown", async () => {
    const dc = await lab();
    await app(dc).post(posting, null);
    const body = dc.world.messages[0]?.body as { blocks: object[] };
    expect(body.blocks.at(-1)).toMatchObject({
      type: "actions",
      elements: [{ action_id: "selfheal.approve", value: "r1 abc", style: "primary" }],
    });
  });

  it("cuts a text that is too long for Slack, not in the middle of an entity", async () => {
    const dc = await lab();
    await app(dc).post({ ...posting, text: "&".repeat(9_000), title: "<".repeat(900) }, null);
    expect(JSON.stringify(dc.world.messages[0]?.body)).not.toMatch(/&[a-z]{0,3}…/);
  });

  it.each([
    ["a thread's first", false],
    ["a reply", true],
  ])("looks for %s message when its answer is lost, and does not post it again", async (_what, isReply) => {
    const dc = await lab();
    const thread = isReply ? await app(dc).post({ ...posting, key: "r1/first" }, null) : null;
    const before = dc.world.messages.length;
    dc.inject({ name: "reply-lost", count: 1, system: "slack" });
    const reference = await app(dc).post(posting, thread);
    expect(reference).toBe(thread ?? `C01/${dc.world.messages[0]?.ts}`);
    expect(await app(dc).post({ ...posting, again: true }, thread)).toBe(reference);
    expect(dc.world.messages).toHaveLength(before + 1);
  });

  it("posts again what is not there, and where it may not look", async () => {
    const dc = await lab();
    await app(dc).post({ ...posting, key: "r1/other" }, null);
    await app(dc).post({ ...posting, again: true }, null);
    expect(dc.world.messages).toHaveLength(2);
    const stub = await httpStub(({ method }) => ({
      body: method === "GET" ? { ok: false, error: "missing_scope" } : { ok: true, channel: "C01", ts: "1.2" },
    }));
    closing.push(() => stub.close());
    const port = slackApp({ url: stub.url, token: new Secret("xoxb-1"), channel: "C01", outside });
    expect(await port.post({ ...posting, again: true }, null)).toBe("C01/1.2");
  });

  it("begins another thread when somebody deleted the first", async () => {
    const dc = await lab();
    const thread = await app(dc).post(posting, null);
    Object.assign(dc.world.messages[0] ?? {}, { ts: "deleted" });
    expect(await app(dc).post(page, thread)).not.toBe(thread);
    expect(dc.world.messages[1]).toMatchObject({ thread: null, text: expect.stringContaining("escalated") as string });
  });

  it.each([
    ["invalid_auth", "permanent"],
    ["channel_not_found", "permanent"],
    ["ratelimited", "transient"],
    ["internal_error", "ambiguous"],
  ])("is not fooled by 200: %s is %s", async (error, failure) => {
    const stub = await httpStub(() => ({ body: { ok: false, error } }));
    closing.push(() => stub.close());
    const port = slackApp({ url: stub.url, token: new Secret("xoxb-1"), channel: "C01", outside });
    expect(await failureOf(port.post(posting, null))).toMatchObject({ failure, system: "slack" });
  });
});

describe("pagerduty", () => {
  const service = (dc: Lab) => pagerduty({ url: `${dc.url}/pagerduty`, routingKey: new Secret("R0UTE"), outside });

  const incidents = (dc: Lab) => [...dc.world.incidents.values()].map(({ key, state }) => `${key} ${state}`);

  it("is one incident for a page, however often that is sent, until its remediation is over", async () => {
    const dc = await lab();
    const port = service(dc);
    const thread = (await port.post(page, null)) ?? "";
    await port.post(page, null);
    expect(await port.post(page, thread)).toBe(thread);
    await port.post({ ...posting, route: "message" }, thread);
    await port.post({ ...posting, route: "ticket" }, thread);
    expect(incidents(dc)).toEqual(["r1/end triggered"]);
    await port.show?.(thread, { ...standing, state: "acknowledged" }, page);
    expect(incidents(dc)).toEqual(["r1/end acknowledged"]);
    await port.show?.(thread, { ...standing, state: "left" }, page);
    expect(incidents(dc)).toEqual(["r1/end acknowledged"]);
    await port.show?.(thread, { ...standing, state: "resolved" }, page);
    expect(incidents(dc)).toEqual(["r1/end resolved"]);
  });

  it("rings again for another page, though somebody acknowledged the first; one incident is open", async () => {
    const dc = await lab();
    const port = service(dc);
    const first = (await port.post({ ...page, key: "r1/asked" }, null)) ?? "";
    await port.show?.(first, { ...standing, state: "acknowledged" }, page);
    const second = await port.post(page, first);
    expect(incidents(dc)).toEqual(["r1/asked resolved", "r1/end triggered"]);
    expect(second).toBe("r1/end");
  });

  it("keeps an incident in mind that it could not resolve", async () => {
    const seen: unknown[] = [];
    const stub = await httpStub(({ body }) => {
      const { event_action: action, dedup_key: key } = body as Record<string, string>;
      seen.push(`${action} ${key}`);
      return action === "resolve" && seen.length < 3 ? { status: 500 } : { status: 202, body: { status: "success" } };
    });
    closing.push(() => stub.close());
    const port = pagerduty({ url: stub.url, routingKey: new Secret("R0UTE"), outside });
    const thread = (await port.post(page, "r1/asked")) ?? "";
    expect(thread).toBe("r1/asked r1/end");
    await port.show?.(thread, { ...standing, state: "resolved" }, page);
    expect(seen.slice(0, 2)).toEqual(["trigger r1/end", "resolve r1/asked"]);
    expect(seen.slice(2).sort()).toEqual(["resolve r1/asked", "resolve r1/end"]);
  });

  it("tells a refused event from one that may be sent again", async () => {
    const dc = await lab();
    expect((await failureOf(service(dc).post({ ...page, source: "" }, null))).failure).toBe("permanent");
    dc.inject({ name: "notifier-down", count: 1 });
    expect((await failureOf(service(dc).post(page, null))).failure).toBe("transient");
  });
});

describe("webhook", () => {
  it("signs exactly the body that it sends, and names the message by its key", async () => {
    const stub = await httpStub(() => ({}));
    closing.push(() => stub.close());
    const port = webhook({ url: new Secret(`${stub.url}/hook`), hmac: new Secret("key"), outside });
    expect(await port.post(page, null)).toBe("r1");
    const [seen] = stub.seen;
    const headers = seen?.headers ?? {};
    const mac = createHmac("sha256", "key")
      .update(`${String(headers["selfheal-timestamp"])}.${JSON.stringify(seen?.body)}`)
      .digest("hex");
    expect(headers).toMatchObject({ "idempotency-key": "r1/end", "selfheal-signature": `v1=${mac}` });
    expect(seen?.body).toMatchObject({ event: "message", key: "r1/end", route: "page", remediationId: "r1" });
  });
});

describe("smtp", () => {
  const relay = async (refuse: Record<string, string> = {}, silent = false): Promise<SmtpStub> => {
    const stub = await smtpStub(refuse, silent);
    closing.push(() => stub.close());
    return stub;
  };
  const through = ({ port }: SmtpStub, more: object = {}) =>
    mail({
      ...{ host: "127.0.0.1", port, tls: "none", from: "selfheal <selfheal@example.net>", to: ["sre@example.net"] },
      ...{ outside, ...more },
    });

  it("keeps one thread by its references, and names a repeat by the same Message-ID", async () => {
    const stub = await relay();
    const port = through(stub, { user: "selfheal", password: new Secret("pass") });
    const thread = await port.post(posting, null);
    expect(await port.post(page, thread)).toBe(thread);
    await port.post(page, thread);
    const id = (text = ""): string | undefined => /^Message-ID: (\S+)/im.exec(text)?.[1];
    expect(stub.user).toBe("selfheal");
    expect(id(stub.mails[0])).toBe(thread);
    expect(stub.mails[1]).toContain(`In-Reply-To: ${thread}`);
    expect(stub.mails[1]).toContain("Subject: [page] web-1: escalated");
    expect(id(stub.mails[2])).toBe(id(stub.mails[1]));
  });

  it("puts no line of a title into the headers", async () => {
    const stub = await relay();
    await through(stub).post({ ...page, title: "a\r\nBcc: other@example.net" }, null);
    expect(stub.mails[0]).not.toMatch(/^Bcc:/m);
  });

  it.each([
    ["450 later", "transient"],
    ["550 nobody", "permanent"],
  ])("by the server's reply: RCPT %s is %s", async (reply, failure) => {
    expect((await failureOf(through(await relay({ RCPT: reply })).post(page, null))).failure).toBe(failure);
  });

  it("says nothing before TLS, unless it is told to", async () => {
    const stub = await relay();
    const failure = await failureOf(through(stub, { tls: "starttls" }).post(page, null));
    expect(failure.failure).toBe("permanent");
    expect(stub.mails).toEqual([]);
  });

  it("gives up in time on a server that does not greet, and cuts the connection", async () => {
    const stub = await relay({}, true);
    // In real time: only the adapter knows when it is connected.
    const real = { ...outside, clock: { now: () => Date.now() } };
    const failure = await failureOf(through(stub, { outside: real, timeoutMs: 1_000 }).post(page, null));
    expect(failure).toMatchObject({ failure: "ambiguous", system: "smtp" });
  });

  it("never shows its password", async () => {
    const stub = await relay({ AUTH: "535 no pass for czNjcjN0 s3cr3t" });
    const port = through(stub, { user: "selfheal", password: new Secret("s3cr3t") });
    const failure = await failureOf(port.post(page, null));
    expect(failure.failure).toBe("permanent");
    expect(`${failure.message} ${failure.stack}`).not.toContain("s3cr3t");
  });
});
