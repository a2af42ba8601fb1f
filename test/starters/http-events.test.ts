import { afterEach, describe, expect, test, vi } from "vitest";
import { eventsIn, type StreamEvent } from "../../src/cli/event-stream.ts";
import { BEAT_MS, type ChangeEvent } from "../../src/starters/http/events.ts";
import { problem, sharedApi } from "./support/server.ts";

const it = await sharedApi();
const ID = "01900000-0000-7000-8000-000000000001";
const OTHER = "01900000-0000-7000-8000-000000000002";

const abort = { controller: new AbortController() };
afterEach(() => {
  abort.controller.abort();
  abort.controller = new AbortController();
});

/** What a client hears, as it hears it. */
async function listen(path = "/v1/events", headers: Record<string, string> = {}, url = it.server.url) {
  const response = await fetch(url + path, {
    headers: { authorization: "Bearer api-token-1", ...headers },
    signal: abort.controller.signal,
  });
  expect(response.status).toBe(200);
  const heard: StreamEvent[] = [];
  const ended = (async () => {
    for await (const event of eventsIn(response)) heard.push(event);
  })().catch(() => undefined);
  const changes = () =>
    heard.filter(({ event }) => event === "change").map(({ data }) => JSON.parse(data) as ChangeEvent);
  return { heard, changes, ended, kinds: () => changes().map(({ kind }) => kind) };
}

const open = (remediationId: string, target: string, group = "web") =>
  it.database.record.open({
    ...{ remediationId, target: { kind: "host", id: target }, workflowId: `heal:host:${target}`, runId: "r" },
    ...{ runbook: "disk", group, owner: "sre", severity: "info", faults: [] },
  });
const progress = (remediationId: string, doing: string) =>
  it.database.record.progress(remediationId, "confirm", doing, null);

describe("GET /v1/events", () => {
  test("tells every client what changes from now on, in order, with the remediation as it is", async () => {
    await open(ID, "web-1");
    const clients = [await listen(), await listen()];
    await progress(ID, "asking the probe");
    await open(OTHER, "web-2");
    for (const client of clients) {
      await expect.poll(client.kinds).toEqual(["progress", "opened"]);
      expect(client.changes()[0]).toMatchObject({
        remediationId: ID,
        seq: 2,
        remediation: { phase: "confirm", doing: "asking the probe", links: { webUi: expect.any(String) as string } },
      });
    }
  });

  test("goes on behind Last-Event-ID on another process: nothing is lost, nothing of long ago comes again", async () => {
    const first = await listen();
    await open(ID, "web-1");
    await expect.poll(first.kinds).toEqual(["opened"]);
    const id = first.heard[0]?.id ?? "";
    await it.database.setClock(60_000);
    try {
      await progress(ID, "one");
      await it.restart();
      await first.ended;
      const second = await listen("/v1/events", { "last-event-id": id });
      await progress(ID, "two");
      await expect.poll(() => second.changes().map(({ seq }) => seq)).toEqual([2, 3]);
    } finally {
      await it.database.setClock(null);
    }
  });

  test("is narrowed as a list is", async () => {
    const web = await listen("/v1/events?group=web&open=true");
    await open(ID, "db-1", "db");
    await open(OTHER, "web-2");
    await expect.poll(() => web.changes().map((one) => one.remediationId)).toEqual([OTHER]);
  });

  test("ends when the server stops, at once", async () => {
    await it.restart({ graceMs: 30_000 });
    const client = await listen();
    const before = performance.now();
    await it.server.close();
    await client.ended;
    // Not at the next beat, and not when its connection is cut.
    expect(performance.now() - before).toBeLessThan(BEAT_MS / 2);
  });

  test.each([
    ["is revoked", () => it.database.record.revokeApiToken("one", "root")],
    ["expires", () => it.database.sql("update api_tokens set expires_at = created_at")],
    ["loses a group", () => it.database.sql("update api_tokens set groups = '{db}'")],
  ])(
    "goes on from beat to beat, the record away or not, and ends at the next one when its token %s",
    async (_what, end) => {
      let isAway = false;
      const { record } = it.database;
      const apiTokenOf: typeof record.apiTokenOf = (given) =>
        isAway ? Promise.reject(new Error("the database is away")) : record.apiTokenOf(given);
      await it.restart({ record: { ...record, apiTokenOf } });
      await it.database.sql("delete from api_tokens");
      const wish = { name: "one", subject: "ann", roles: ["viewer" as const], groups: ["db", "web"] };
      const { secret } = await record.createApiToken({ ...wish, by: "root", ttlMs: 3_600_000 });
      vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
      try {
        const response = await it.api("/v1/events", undefined, { authorization: `Bearer ${secret}` });
        const chunks = response.body?.pipeThrough(new TextDecoderStream()).getReader();
        const next = async (): Promise<string | undefined> => (await chunks?.read())?.value;
        expect(await next()).toContain("retry:");
        for (const away of [false, true]) {
          isAway = away;
          vi.advanceTimersByTime(BEAT_MS);
          expect(await next()).toBe(": beat\n\n");
        }
        isAway = false;
        await end();
        vi.advanceTimersByTime(BEAT_MS);
        expect(await next()).toBeUndefined();
      } finally {
        vi.useRealTimers();
        await it.database.sql("delete from api_tokens");
      }
    },
  );

  test("an id that is none of ours is named", async () => {
    const headers = { "last-event-id": "yesterday" };
    expect(await problem(await it.api("/v1/events", undefined, headers))).toMatchObject({ field: "Last-Event-ID" });
  });
});

describe("POST /v1/events/tickets", () => {
  const tell = (system: string, body: unknown) => it.post(`/v1/events/tickets/${system}`, body);
  const wait = (key: string, ref: string) =>
    it.database.record.wait({ key, remediationId: ID, system: "tickets", ref, seen: "open", until: null });

  test.each([
    ["request-tracker", { ticket: 42 }],
    ["request-tracker", { ticket: "42", status: "resolved", subject: "no matter" }],
    ["jira", { webhookEvent: "jira:issue_updated", issue: { id: "10001", key: "42", fields: {} } }],
  ])("%s wakes whoever waits for the ticket, and believes nothing else", async (system, body) => {
    await open(ID, "web-1");
    await wait("k-42", "42");
    await wait("k-43", "43");
    const response = await tell(system, body);
    expect([response.status, await response.json()]).toMatchObject([202, { woken: 1 }]);
    expect(it.temporal.hints).toEqual([{ workflowId: "heal:host:web-1", about: "k-42" }]);
    expect((await it.database.record.openWaits("tickets")).map(({ seen }) => seen)).toEqual(["open", "open"]);
    expect(it.logged).toContain(`"remediationId":"${ID}"`);
  });

  test("a flood of them wakes once; what nobody waits for wakes nobody", async () => {
    await open(ID, "web-1");
    await wait("k-42", "42");
    await Promise.all(Array.from({ length: 10 }, () => tell("request-tracker", { ticket: 42 })));
    expect(it.temporal.hints).toHaveLength(1);
    expect(await (await tell("request-tracker", { ticket: 7 })).json()).toEqual({ tickets: ["7"], woken: 0 });
  });

  test.each([{}, { ticket: "4 2" }, { ticket: null }, []])("a body without a ticket (%j) is named", async (body) => {
    expect(await problem(await tell("request-tracker", body))).toMatchObject({ status: 422 });
  });

  test("while Temporal is away is 503, so that the sender tries again", async () => {
    await open(ID, "web-1");
    await wait("k-42", "42");
    it.temporal.down = "all";
    expect((await problem(await tell("request-tracker", { ticket: 42 }))).status).toBe(503);
    it.temporal.down = null;
    expect(await (await tell("request-tracker", { ticket: 42 })).json()).toMatchObject({ woken: 1 });
  });
});
