import { createServer } from "node:http";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { UserError } from "../../src/config/user-error.ts";
import { Secret } from "../../src/ports/secret.ts";
import { openDatabase } from "../../src/record/pool.ts";
import { bodyFor, captured } from "./support/bodies.ts";
import { API_TOKEN, problem, sharedApi, WEBHOOK_TOKEN } from "./support/server.ts";

const it = await sharedApi();

describe("POST /v1/alerts/alertmanager", () => {
  test("takes a captured body: 200, and Temporal has it", async () => {
    const response = await it.alerts(captured("03-firing"));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ accepted: 2, duplicates: 0, truncatedAlerts: 0, warnings: [] });
    expect(it.temporal.starts).toHaveLength(2);
  });

  test("answers alert by alert: delivered, unknown host, no runbook, poison", async () => {
    const body = bodyFor(["web-1", "unknown-1", "web-3", "web-4"]);
    body.alerts[2]!.labels["alertname"] = "Mystery";
    body.alerts[3]!.labels["severity"] = 3;
    const answer = (await (await it.alerts(body)).json()) as { results: { disposition: string; faults?: unknown }[] };
    expect(answer.results.map((result) => result.disposition)).toEqual([
      "delivered",
      "delivered",
      "unmatched",
      "ignored",
    ]);
    expect(answer.results[3]?.faults).toEqual([
      { field: "alerts[3].labels.severity", value: "3", wouldBeRight: "a string" },
    ]);
    expect(await it.database.record.alerts({ limit: 10 })).toHaveLength(4);
  });

  test("says when the sender left alerts out: in the answer, the log and a metric", async () => {
    const answer = await (await it.alerts({ ...captured("03-firing"), truncatedAlerts: 7 })).json();
    expect(answer).toMatchObject({ truncatedAlerts: 7, warnings: [expect.stringContaining("7 alerts were left out")] });
    const metrics = await (await fetch(`${it.server.url}/metrics`)).text();
    expect(metrics).toContain('selfheal_alerts_truncated_total{source="alertmanager"} 7');
    expect(it.logged).toContain('"truncated":7');
  });

  test("a wrong version is a 4xx that names the field, the value and the cure", async () => {
    const body = await problem(await it.alerts({ ...captured("03-firing"), version: "3" }));
    expect(body).toMatchObject({ status: 422, field: "version", value: '"3"', instance: "/v1/alerts/alertmanager" });
    expect(body.wouldBeRight).toContain('"4"');
    expect(body.type).toBe("urn:selfheal:problem:bad-field");
  });

  test("a body in which no alert can ever be accepted is a 4xx, and recorded", async () => {
    const response = await it.alerts(bodyFor(["web-1"], { startsAt: "yesterday" }));
    expect(await problem(response)).toMatchObject({ status: 422, field: "alerts[0].startsAt" });
    expect((await it.database.record.alerts({}))[0]).toMatchObject({ disposition: "ignored" });
  });

  test.each([
    ["no token", { authorization: "" }],
    ["a wrong token", { authorization: "Bearer webhook-token-2" }],
    ["the token of the API", { authorization: `Bearer ${API_TOKEN}` }],
    ["another scheme", { authorization: `Basic ${WEBHOOK_TOKEN}` }],
  ])("%s is 401, and nothing is recorded", async (_what, headers) => {
    const response = await it.alerts(captured("03-firing"), headers);
    expect(await problem(response)).toMatchObject({ status: 401 });
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(await it.database.record.alerts({})).toEqual([]);
  });

  test.each([
    ["not JSON", "{oops", {}, 400],
    ["nothing", "", {}, 400],
    ["not declared as JSON", "{}", { "content-type": "text/plain" }, 415],
    ["larger than the limit", `"${"x".repeat(5 * 1024 * 1024)}"`, {}, 413],
  ])("a body that is %s is refused", async (_what, body, headers, status) => {
    expect((await problem(await it.alerts(body, headers))).status).toBe(status);
  });

  test("a body that does not say its length is cut off at the limit", async () => {
    const endless = new ReadableStream<Uint8Array>({
      pull: (stream) => stream.enqueue(new Uint8Array(65_536).fill(32)),
    });
    const response = await fetch(`${it.server.url}/v1/alerts/alertmanager`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${WEBHOOK_TOKEN}` },
      body: endless,
      duplex: "half",
    });
    expect((await problem(response)).status).toBe(413);
  });

  test("too many alerts are 413, naming limit and cure", async () => {
    await it.restart({ limits: { alerts: 3 } });
    const body = await problem(await it.alerts(bodyFor(["a", "b", "c", "d"])));
    expect(body).toMatchObject({ status: 413, field: "alerts", value: "4 alerts", wouldBeRight: "at most 3 alerts" });
  });

  test("while Temporal is away: 503 with Retry-After; the next try is taken", async () => {
    it.temporal.down = "all";
    const response = await it.alerts(captured("03-firing"));
    expect(await problem(response)).toMatchObject({ status: 503, type: "urn:selfheal:problem:unavailable-temporal" });
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    it.temporal.down = null;
    expect(await (await it.alerts(captured("03-firing"))).json()).toMatchObject({ accepted: 2 });
  });

  test("while the record is away: 503, and no stack or address in the answer", async () => {
    await it.server.close();
    const away = openDatabase("postgres://selfheal:secret@127.0.0.1:9/records");
    const ask = async () => void (await away.selectFrom("alerts").selectAll().execute());
    const receive = () => ask().then(() => []);
    await it.restart({ record: { ...it.database.record, receive, ping: ask } });
    const body = await problem(await it.alerts(captured("03-firing")));
    expect(body).toMatchObject({ status: 503, detail: expect.stringContaining("nothing listens there") as string });
    const texts = [JSON.stringify(body), await (await fetch(`${it.server.url}/readyz`)).text()];
    for (const text of texts) expect(text).not.toMatch(/at \w|127\.0\.0\.1|records|secret/);
    expect(texts[1]).toContain("the record's database cannot be used");
    await away.destroy();
  });

  test("while the database's disk is full: 503 that says so, and when there is room the next try is taken", async () => {
    await it.database.sql(`create function disk_full() returns trigger language plpgsql as
      $$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
      create trigger disk_full before insert on alerts for each row execute function disk_full()`);
    const response = await it.alerts(captured("03-firing"));
    const body = await problem(response);
    expect(body).toMatchObject({ status: 503, type: "urn:selfheal:problem:unavailable-record" });
    expect(body.detail).toContain("its disk is full: nothing is written, and no action begins");
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(it.temporal.starts).toEqual([]);
    await it.database.sql("drop trigger disk_full on alerts");
    expect(await (await it.alerts(captured("03-firing"))).json()).toMatchObject({ accepted: 2 });
  });

  test("overload is 503, never 4xx", async () => {
    await it.restart({ limits: { bodiesInFlight: 2 } });
    it.temporal.delayMs = 200;
    const answers = await Promise.all(["a", "b", "c", "d"].map((host) => it.alerts(bodyFor([host]))));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 200, 503, 503]);
  });

  test("100 concurrent posts of one alert start one workflow", async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => it.alerts(bodyFor(["web-1"]))));
    expect(answers.every((answer) => answer.status === 200)).toBe(true);
    expect(it.temporal.signals.length).toBeLessThanOrEqual(5);
  });
});

describe("every answer", () => {
  test("carries the caller's request id, or one of ours when it is not sane", async () => {
    const sane = await fetch(`${it.server.url}/healthz`, { headers: { "x-request-id": "abc-1" } });
    const insane = await fetch(`${it.server.url}/healthz`, { headers: { "x-request-id": "a b{}" } });
    expect(sane.headers.get("x-request-id")).toBe("abc-1");
    expect(insane.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("an unknown path is 404, a wrong method 405 with what is allowed", async () => {
    expect(await problem(await fetch(`${it.server.url}/nowhere`))).toMatchObject({ status: 404 });
    const wrong = await fetch(`${it.server.url}/v1/alerts/alertmanager`);
    expect(wrong.headers.get("allow")).toBe("POST");
    expect(await problem(wrong)).toMatchObject({ status: 405 });
  });

  test("a bug is 500 without its message; the log has it, without the token", async () => {
    await it.restart({
      record: { ...it.database.record, find: () => Promise.resolve({} as never), story: () => Promise.resolve(null) },
    });
    const body = await problem(await it.api("/v1/remediations/x"));
    expect(body).toMatchObject({ status: 500, detail: "see the log for this requestId" });
    expect(it.logged).toContain("has no story");
    expect(it.logged).not.toContain(API_TOKEN);
  });

  test("is counted by route, not by path", async () => {
    await it.api("/v1/remediations/one");
    await it.api("/v1/remediations/host/two");
    const metrics = await (await fetch(`${it.server.url}/metrics`)).text();
    expect(metrics).toContain('selfheal_http_requests_total{method="GET",route="/v1/remediations/:id",status="404"} 2');
  });
});

describe("health", () => {
  test("is alive and ready when record, Temporal and catalogue are there", async () => {
    expect((await fetch(`${it.server.url}/healthz`)).status).toBe(200);
    const ready = await fetch(`${it.server.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, expect.objectContaining({ ready: true })]);
  });

  test("names every part that is not ready, and stays alive", async () => {
    it.temporal.down = "all";
    const ping = () => Promise.reject(new Error("the database is away"));
    await it.restart({ record: { ...it.database.record, ping }, catalogueVersion: () => null });
    const ready = await fetch(`${it.server.url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toEqual({
      ready: false,
      parts: {
        record: { ready: false, detail: "the database is away" },
        temporal: { ready: false, detail: "Temporal is away" },
        catalogue: { ready: false, detail: "no catalogue is loaded" },
      },
    });
    expect((await fetch(`${it.server.url}/healthz`)).status).toBe(200);
  });
});

describe("the server", () => {
  test("a port in use is an error that names port and option", async () => {
    await expect(it.serve({ port: it.server.port, portOption: "--api-port" })).rejects.toThrow(
      new RegExp(`port ${it.server.port} .* in use .* --api-port`),
    );
  });

  test("does not listen beyond loopback without both tokens", async () => {
    await expect(it.serve({ host: "0.0.0.0", apiToken: null })).rejects.toThrow(UserError);
    await expect(it.serve({ host: "0.0.0.0", webhookToken: null })).rejects.toThrow(/senders of alerts prove nothing/);
  });

  test("beyond loopback lets no sender in that nobody gave a token", async () => {
    const token = new Secret("alertmanager-token-1");
    const wide = await it.serve({
      host: "0.0.0.0",
      webhookToken: null,
      sourceSecrets: () => ({ alertmanager: { token } }),
    });
    const post = (path: string, bearer: string) =>
      fetch(`http://127.0.0.1:${wide.port}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${bearer}` },
        body: JSON.stringify({ ...captured("03-firing") }),
      });
    expect((await post("/v1/alerts/alertmanager", token.reveal())).status).toBe(200);
    for (const path of ["/v1/alerts", "/v1/events/tickets/jira"]) {
      expect([path, (await post(path, token.reveal())).status]).toEqual([path, 401]);
    }
    await wide.close();
  });

  test("lets a request in flight finish when it is closed, and takes no new one", async () => {
    it.temporal.delayMs = 300;
    const inFlight = it.alerts(bodyFor(["web-1"]));
    await sleep(100);
    const closed = it.server.close();
    await expect(fetch(`${it.server.url}/healthz`)).rejects.toThrow();
    expect((await inFlight).status).toBe(200);
    await closed;
    expect(it.temporal.starts).toHaveLength(1);
  });

  test("cuts off who holds a connection longer than the grace time", async () => {
    const held = connect(it.server.port, "127.0.0.1");
    held.on("error", () => undefined);
    held.write("POST /v1/alerts/alertmanager HTTP/1.1\r\nhost: x\r\n");
    await sleep(50);
    const before = performance.now();
    await it.server.close();
    expect(performance.now() - before).toBeLessThan(10_000);
    held.destroy();
  });

  test("another service on the port is left alone", async () => {
    const other = createServer((_request, response) => response.end("other"));
    const port = await new Promise<number>((resolve) => {
      other.listen(0, "127.0.0.1", () => resolve((other.address() as { port: number }).port));
    });
    await expect(it.serve({ port })).rejects.toThrow(/in use/);
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe("other");
    other.close();
  });
});
