import { request } from "node:http";
import { describe, expect, test } from "vitest";
import { Secret } from "../../src/ports/secret.ts";
import { slackSignature } from "../../src/starters/chat/slack-request.ts";
import { catalogueOf, CONFIG, edited } from "../catalogue/support.ts";
import { problem, sharedApi } from "./support/server.ts";

const it = await sharedApi();

const PAUSE = { scope: "global", reason: "incident 7", by: "ann" };
const pause = (key: string, body: object = PAUSE, url = it.server.url) =>
  fetch(`${url}/v1/pauses`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer api-token-1", "idempotency-key": key },
    body: JSON.stringify(body),
  });
const pauses = async () => (await it.database.record.pauses()).map(({ reason }) => reason);

describe("Idempotency-Key", () => {
  test("does a write once, whichever process it reaches, and answers it alike", async () => {
    const other = await it.serve();
    try {
      const first = await pause("k-1");
      const again = await pause("k-1", PAUSE, other.url);
      expect(again.headers.get("idempotency-replayed")).toBe("true");
      expect([again.status, await again.json()]).toEqual([200, await first.json()]);
      expect(await pauses()).toEqual(["incident 7"]);
    } finally {
      await other.close();
    }
  });

  test("twenty at once are one write; who comes meanwhile is told to come again", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => pause("k-1")));
    expect(new Set(answers.map(({ status }) => status))).toSatisfy((all: Set<number>) =>
      [...all].every((status) => status === 200 || status === 409),
    );
    expect(await pauses()).toEqual(["incident 7"]);
  });

  test("the key of another request is refused, and nothing is done", async () => {
    await pause("k-1");
    const other = await problem(await pause("k-1", { ...PAUSE, reason: "incident 8" }));
    expect(other).toMatchObject({ status: 422, field: "Idempotency-Key" });
    expect(await pauses()).toEqual(["incident 7"]);
  });

  test("what was refused or failed is tried again under the same key", async () => {
    expect((await pause("k-1", { ...PAUSE, scope: "planet:mars" })).status).toBe(422);
    expect((await pause("k-1")).status).toBe(200);
  });

  test("is forgotten after a day; one whose worker died is free after a minute", async () => {
    try {
      await pause("k-1");
      await it.database.sql("update kept_requests set status = null, body = null");
      expect((await problem(await pause("k-1"))).type).toBe("urn:selfheal:problem:in-progress");
      await it.database.setClock(61_000);
      expect((await pause("k-1")).status).toBe(200);
      await it.database.setClock(2 * 24 * 3_600_000);
      expect((await pause("k-1", { ...PAUSE, reason: "incident 8" })).status).toBe(200);
      expect(await it.database.sql("select count(*)::int as rows from kept_requests")).toEqual([{ rows: 1 }]);
    } finally {
      await it.database.setClock(null);
    }
  });

  test("never keeps an answer that holds a secret, and takes no key that is none", async () => {
    const token = await it.api(
      "/v1/remediations/x/token",
      { by: "ann", decision: "approve" },
      { "idempotency-key": "k" },
    );
    expect(await problem(token)).toMatchObject({ status: 422, field: "Idempotency-Key" });
    expect(await problem(await pause("k y"))).toMatchObject({ status: 422, field: "Idempotency-Key" });
  });
});

const WITH_ANNA = edited(
  "  - { name: anna, roles: [dc-ops] }",
  "  - { name: anna, roles: [dc-ops], slack: { id: UANNA, roles: [approver] } }",
  CONFIG,
);
let said = 0;
/** A slash command of anna's. */
function say(text: string): Promise<Response> {
  const fields = { command: "/selfheal", text, user_id: "UANNA", team_id: "T1", trigger_id: String(++said) };
  const body = new URLSearchParams(fields).toString();
  const timestamp = String(Math.floor(Date.now() / 1000));
  const headers = {
    "content-type": "application/x-www-form-urlencoded",
    "x-slack-request-timestamp": timestamp,
    "x-slack-signature": slackSignature("signing-secret", timestamp, body),
  };
  return fetch(`${it.server.url}/v1/chat/slack`, { method: "POST", headers, body });
}

describe("too much", () => {
  test("at once is 503 with Retry-After, while /healthz and alerts go on", async () => {
    let open: () => void = () => undefined;
    const shut = new Promise<void>((resolve) => (open = resolve));
    let inside = 0;
    const list = () => {
      inside++;
      return shut.then(() => []);
    };
    await it.restart({ limits: { requestsInFlight: 2 }, record: { ...it.database.record, list } });
    const held = [it.api("/v1/remediations"), it.api("/v1/remediations")];
    await expect.poll(() => inside).toBe(2);
    expect((await it.api("/v1/remediations?limit=1")).status).toBe(503);
    const shed = await it.api("/v1/pauses");
    expect((await pause("k-1")).status).toBe(200);
    expect(shed.headers.get("retry-after")).toBe("1");
    expect(await problem(shed)).toMatchObject({ type: "urn:selfheal:problem:unavailable-capacity" });
    expect((await fetch(`${it.server.url}/healthz`)).status).toBe(200);
    expect((await it.alerts({ version: "4", alerts: [] })).status).toBe(200);
    open();
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200]);
  });

  test("to do for the process is 503 before it is done, while people decide and look at what they decide", async () => {
    let lateMs = 501;
    await it.restart({ loopDelayMs: () => lateMs });
    const statuses = async () => [
      ...[(await it.api("/v1/remediations")).status, (await it.alerts({ version: "4", alerts: [] })).status],
      ...[(await it.api("/v1/remediations/host/web-1")).status, (await pause("k-1")).status],
      (await fetch(`${it.server.url}/metrics`)).status,
    ];
    const shed = await it.api("/v1/remediations");
    expect([shed.status, shed.headers.get("retry-after")]).toEqual([503, "2"]);
    expect((await problem(shed)).detail).toContain("late by 501 ms");
    expect(it.logged).toContain('"problem":"unavailable-capacity"');
    expect(it.logged, "no stack for each").not.toContain("stack");
    expect(await statuses()).toEqual([503, 503, 404, 200, 200]);
    lateMs = 500;
    expect(await statuses()).toEqual([200, 200, 404, 200, 200]);
  });

  test("to say in chat at once is 503, and what goes on after its answer counts, while people decide", async () => {
    const asked: (() => void)[] = [];
    const find = () => new Promise<null>((resolve) => asked.push(() => resolve(null)));
    const sourceSecrets = () => ({ slack: { hmac: new Secret("signing-secret") } });
    const active = () => Promise.resolve(catalogueOf({ config: WITH_ANNA }));
    await it.restart({
      limits: { requestsInFlight: 1 },
      sourceSecrets,
      active,
      record: { ...it.database.record, find },
    });
    const first = say("status web-1");
    await expect.poll(() => asked.length).toBe(1);
    const shed = await say("status web-2");
    expect([shed.status, shed.headers.get("retry-after")]).toEqual([503, "1"]);
    expect((await pause("k-1")).status).toBe(200);
    // It is answered after two seconds, and still at work.
    expect(await (await first).json()).toMatchObject({ text: expect.stringContaining("the answer follows") as string });
    expect((await say("status web-3")).status).toBe(503);
    asked[0]?.();
    await expect.poll(async () => (await say("nonsense")).status).toBe(200);
  });

  test("for the process leaves chat alone: people decide there", async () => {
    const sourceSecrets = () => ({ slack: { hmac: new Secret("signing-secret") } });
    const active = () => Promise.resolve(catalogueOf({ config: WITH_ANNA }));
    await it.restart({ loopDelayMs: () => 5_000, sourceSecrets, active });
    expect((await say("status")).status).toBe(200);
  });

  test("in the headers is a problem too", async () => {
    const answered = await new Promise<{ status: number; type: string; body: string }>((resolve, reject) => {
      const asked = request(`${it.server.url}/healthz`, { headers: { "x-much": "y".repeat(20_000) } }, (response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => (body += chunk.toString()));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, type: response.headers["content-type"] ?? "", body }),
        );
      });
      asked.on("error", reject).end();
    });
    expect(answered).toMatchObject({ status: 431, type: "application/problem+json" });
    expect(answered.body).toContain("larger than 16384 bytes");
  });

  test("in a body of a person's word is 413", async () => {
    const large = await problem(await it.api("/v1/pauses", { ...PAUSE, reason: "x".repeat(20_000) }));
    expect(large).toMatchObject({ status: 413, detail: "the body is larger than 16384 bytes" });
  });
});

describe("pages", () => {
  const ids = Array.from({ length: 7 }, (_, index) => `0190000${index}-0000-7000-8000-000000000000`);
  async function open(): Promise<void> {
    for (const [index, remediationId] of ids.entries()) {
      await it.database.record.open({
        ...{ remediationId, target: { kind: "host", id: `web-${index}` }, workflowId: `heal:host:web-${index}` },
        ...{
          runId: "r",
          runbook: "disk",
          group: index % 2 === 0 ? "web" : "db",
          owner: "sre",
          severity: "info",
          faults: [],
        },
      });
    }
  }
  interface Page {
    remediations: { remediationId: string }[];
    next: string | null;
  }
  const page = async (path: string) => (await (await it.api(path)).json()) as Page;

  test("go on behind the last row, whatever is opened meanwhile; the Link header says where", async () => {
    await open();
    // All of one moment: their ids tell them apart.
    await it.database.sql("update remediations set opened_at = '2026-11-21T10:00:00Z'");
    const seen: string[] = [];
    let path: string | null = "/v1/remediations?limit=3";
    while (path !== null) {
      const response = await it.api(path);
      const { remediations, next } = (await response.json()) as Page;
      seen.push(...remediations.map(({ remediationId }) => remediationId));
      expect(response.headers.get("link")).toBe(next === null ? null : `<${next}>; rel="next"`);
      path = next;
      await it.database.sql("update remediations set opened_at = now() where remediation_id = $1", [seen[0]]);
    }
    expect(seen).toEqual(ids.toReversed());
  });

  test("keep their filters, and are cut by group, since and state", async () => {
    await open();
    const first = await page("/v1/remediations?group=web&limit=2");
    expect(first.next).toContain("group=web&limit=2&cursor=");
    expect((await page(first.next ?? "")).remediations).toHaveLength(2);
    expect((await page("/v1/remediations?since=2100-01-01T00:00:00Z")).remediations).toEqual([]);
    const farEast = encodeURIComponent("2100-01-01T00:00:00+20:13");
    expect((await page(`/v1/remediations?since=${farEast}`)).remediations).toEqual([]);
    const early = await it.api("/v1/remediations?since=0000-01-01T00:00:00Z");
    expect(await problem(early)).toMatchObject({
      status: 422,
      field: "since",
      wouldBeRight: "a time such as 2026-11-21T22:00:00Z, from 1970 to 8999",
    });
    expect((await page("/v1/remediations?open=false")).remediations).toEqual([]);
  });

  test("of alerts too", async () => {
    await it.alerts({
      version: "4",
      alerts: ["a", "b", "c"].map((fingerprint) => ({
        ...{ status: "firing", labels: { alertname: "Mystery" }, startsAt: "2026-11-21T10:00:00Z", fingerprint },
      })),
    });
    const first = (await (await it.api("/v1/alerts?disposition=unmatched&limit=2")).json()) as {
      alerts: { fingerprint: string }[];
      next: string;
    };
    const rest = (await (await it.api(first.next)).json()) as typeof first;
    expect([...first.alerts, ...rest.alerts].map(({ fingerprint }) => fingerprint).sort()).toEqual(["a", "b", "c"]);
    expect(rest.next).toBeNull();
  });

  test("of the chain control too: who did what, and which way it came, the newest first", async () => {
    for (const reason of ["one", "two", "three"]) await pause(`k-${reason}`, { ...PAUSE, reason });
    interface Audit {
      entries: { seq: number; body: { reason: string } }[];
      next: string | null;
    }
    const first = (await (await it.api("/v1/audit?limit=2")).json()) as Audit;
    expect(first.entries).toMatchObject([
      { seq: 3, kind: "paused", body: { reason: "three", by: "ann", via: "api" } },
      { seq: 2, body: { reason: "two" } },
    ]);
    const rest = (await (await it.api(first.next ?? "")).json()) as Audit;
    expect(rest).toMatchObject({ entries: [{ seq: 1, body: { reason: "one" } }], next: null });
  });

  test.each(["x", "e30", Buffer.from('["yesterday","x"]').toString("base64url")])(
    "a cursor that is none of ours (%s) is named",
    async (cursor) => {
      const wrong = await problem(await it.api(`/v1/remediations?cursor=${cursor}`));
      expect(wrong).toMatchObject({ status: 422, field: "cursor" });
    },
  );
});
