/**
 * A secret in every place that takes one, a host healed, and then a search for them in everything that was written: logs
 * of all processes, Temporal's histories, the record, metrics, answers of the API. Payloads are encrypted meanwhile.
 */
import { randomBytes } from "node:crypto";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultPayloadConverter, type Payload, type PayloadCodec } from "@temporalio/common";
import { Client } from "@temporalio/client";
import { Worker } from "@temporalio/worker";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { projectPath } from "../../src/config/project.ts";
import { parsePayloadKeys, payloadCodec } from "../../src/config/payload-codec.ts";
import { converterOf } from "../../src/config/temporal.ts";
import { Secret } from "../../src/ports/secret.ts";
import { SIGNATURE_HEADER, signatureOf, TIMESTAMP_HEADER } from "../../src/ports/signed-body.ts";
import { slackSignature } from "../../src/starters/chat/slack-request.ts";
import { webhookPayload } from "../../src/lab/alerts.ts";
import { makeFleet } from "../../src/lab/fleet.ts";
import { currentBundle } from "../../src/workers/bundle.ts";
import { startCollector, type Collector } from "../support/collector.ts";
import { startLive, type Live } from "../support/live.ts";
import { smtpStub, type SmtpStub } from "../support/smtp.ts";

const planted = (what: string): string => `planted-${what}-${randomBytes(6).toString("hex")}`;
/** By where it is configured. */
const SECRETS: Record<string, string> = {
  tickets: planted("tickets"),
  notify: planted("notify"),
  prometheus: planted("prometheus"),
  provisioner: planted("provisioner"),
  bmc: planted("bmc"),
  webhook: planted("webhook"),
  hmac: planted("hmac"),
  smtp: planted("smtp"),
  pager: planted("pager"),
  chat: `xoxb-${planted("chat")}`,
  signing: planted("signing"),
  api: planted("api"),
  collector: planted("collector"),
  payloads: randomBytes(32).toString("base64"),
};
/** What an action writes that does not keep its secret to itself. */
const LEAK = planted("leak");
const KEYS = `k1:${SECRETS["payloads"]}`;
const HOST = "web-1";

let live: Live;
let collector: Collector;
let relay: SmtpStub;
let runbooks = "";
let logs = "";

beforeAll(async () => {
  collector = await startCollector();
  relay = await smtpStub({ AUTH: `535 no login with ${secret("smtp")}` });
  runbooks = await mkdtemp(join(tmpdir(), "selfheal-leaking-"));
  await cp(projectPath("runbooks"), runbooks, { recursive: true });
  const shipped = join(runbooks, "disk-replacement.yaml");
  const text = await readFile(shipped, "utf8");
  await writeFile(shipped, text.replace("model: ${{ collected.disk.model }}", `model: ${LEAK}`));
  live = await startLive({
    hosts: makeFleet({ count: 10, seed: 7, failing: [HOST] }),
    timeScale: 600,
    runbooks,
    lab: { tickets: { tokens: [secret("tickets")] } },
    configure,
    onLine: (_service, line) => void (logs += `${line}\n`),
    token: secret("api"),
    workerArgs: ["--health-port", "0"],
    env: {
      ...{ SELFHEAL_API_TOKEN: secret("api"), SELFHEAL_PAYLOAD_KEYS: KEYS, SELFHEAL_LOG_LEVEL: "trace" },
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${secret("collector")}`,
    },
  });
});
afterAll(async () => {
  await live.stop();
  await collector.close();
  relay.close();
  await rm(runbooks, { recursive: true, force: true });
});

function secret(name: string): string {
  const value = SECRETS[name];
  if (value === undefined) throw new Error(`no secret is planted as ${name}`);
  return value;
}

async function configure(folder: string): Promise<void> {
  const file = async (name: string, value = secret(name)): Promise<string> => {
    const path = join(folder, "secrets", name);
    await writeFile(path, value, { mode: 0o600 });
    return `file:${path}`;
  };
  const path = join(folder, "selfheal.yaml");
  const config = parseDocument(await readFile(path, "utf8"));
  const hook = (await readFile(join(folder, "secrets", "chat-url"), "utf8")).trim();
  config.setIn(["connections", "tickets", "token"], await file("tickets"));
  config.setIn(["connections", "notify", "url"], await file("notify", `${hook}/${secret("notify")}`));
  // None of them takes anything, so that each of them fails with its secret at hand; then comes `notify`.
  const lost = new URL("/nowhere", hook).href;
  const login = { user: "selfheal", password: await file("smtp"), tls: "none" };
  config.setIn(["connections", "channels"], {
    post: { uses: "smtp", host: "127.0.0.1", port: relay.port, ...login, from: "a@b.net", to: ["c@d.net"] },
    pager: { uses: "pagerduty", url: lost, routingKey: await file("pager") },
    chat: { uses: "slack-app", url: lost, token: await file("chat"), channel: "C01" },
  });
  config.setIn(["connections", "prometheus", "token"], await file("prometheus"));
  config.setIn(["connections", "provisioner", "token"], await file("provisioner"));
  config.setIn(["connections", "bmc", "user"], "selfheal");
  config.setIn(["connections", "bmc", "password"], await file("bmc"));
  const alertmanager = { token: await file("webhook"), hmac: await file("hmac") };
  config.set("sources", { alertmanager, slack: { hmac: await file("signing") } });
  await writeFile(path, config.toString());
}

const base = (): string => live.stack.urls.api;
const ask = async (path: string, init: RequestInit = {}, token = secret("api")): Promise<string> => {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", ...init.headers };
  return (await fetch(base() + path, { ...init, headers })).text();
};

async function sendAlerts(): Promise<void> {
  const body = JSON.stringify(webhookPayload(live.lab));
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = signatureOf(new Secret(secret("hmac")), timestamp, body);
  const headers = { "content-type": "application/json", [TIMESTAMP_HEADER]: timestamp, [SIGNATURE_HEADER]: signature };
  const url = `${base()}/v1/alerts/alertmanager`;
  expect((await fetch(url, { method: "POST", headers, body })).status).toBe(200);
  // The same by its token; and once wrongly, which the log speaks of.
  const bearer = { "content-type": "application/json", authorization: `Bearer ${secret("webhook")}` };
  expect((await fetch(url, { method: "POST", headers: bearer, body })).status).toBe(200);
  expect((await fetch(url, { method: "POST", headers: { ...headers, [TIMESTAMP_HEADER]: "0" }, body })).status).toBe(
    401,
  );
}

/** A command of chat, rightly and wrongly signed. */
async function sayInChat(): Promise<void> {
  const body = new URLSearchParams({ command: "/selfheal", text: "status", user_id: "UEVE", team_id: "T1" }).toString();
  const timestamp = String(Math.floor(Date.now() / 1000));
  const statuses = [secret("signing"), "wrong"].map(async (key) => {
    const headers = {
      "content-type": "application/x-www-form-urlencoded",
      ...{ "x-slack-request-timestamp": timestamp, "x-slack-signature": slackSignature(key, timestamp, body) },
    };
    return (await fetch(`${base()}/v1/chat/slack`, { method: "POST", headers, body })).status;
  });
  expect(await Promise.all(statuses)).toEqual([200, 401]);
}

/** Every text of every row. */
async function recordText(): Promise<string> {
  const client = new pg.Client({ connectionString: live.stack.databaseUrl });
  await client.connect();
  try {
    const tables = await client.query<{ name: string }>(
      "select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public'",
    );
    const texts = [];
    for (const { name } of tables.rows) {
      const rows = await client.query<{ row: string }>(`select t::text as row from ${name} t`);
      texts.push(...rows.rows.map(({ row }) => `${name}: ${row}`));
    }
    return texts.join("\n");
  } finally {
    await client.end();
  }
}

async function apiText(id: string): Promise<string> {
  const post = { method: "POST", body: "{}" };
  const texts = await Promise.all([
    ...["/v1/remediations", `/v1/remediations/${id}`, "/v1/catalogue", "/v1/modes", "/v1/tokens", "/v1/whoami"].map(
      (path) => ask(path),
    ),
    ...["/v1/queue", "/v1/holds", "/v1/windows", "/v1/approvals/standing", "/readyz", "/v1/nowhere"].map((path) =>
      ask(path),
    ),
    ask("/v1/explain", { method: "POST", body: JSON.stringify({ remediation: id }) }),
    ask("/v1/tokens", post),
    ask("/v1/queue", {}, "wrong"),
  ]);
  return texts.join("\n");
}

/** Of every workflow, the watcher's and the sweeper's too: as the server has it, and with its payloads decrypted. */
async function histories(): Promise<{ stored: string; read: string }> {
  // What is fetched comes as it is stored; only lists are decrypted for their memos.
  const { namespace } = live.stack.urls;
  const client = new Client({ connection: live.client.connection, namespace, dataConverter: converterOf(KEYS) });
  const codec = payloadCodec(parsePayloadKeys(KEYS));
  const [stored, read]: [string[], string[]] = [[], []];
  for await (const { workflowId, runId, raw } of client.workflow.list()) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    stored.push(textsOf(history).join("\n"), textsOf(raw.memo).join("\n"));
    read.push(...(await decrypted(codec, history)));
  }
  return { stored: stored.join("\n"), read: read.join("\n") };
}

/** Every string, and all bytes as text. */
function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (value instanceof Uint8Array) return [Buffer.from(value).toString("latin1")];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(textsOf);
}

async function decrypted(codec: PayloadCodec, value: unknown): Promise<string[]> {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return [];
  const { metadata } = value as Payload;
  if (metadata?.["encoding"] instanceof Uint8Array) {
    const [payload] = await codec.decode([value]);
    return payload === undefined ? [] : [JSON.stringify(defaultPayloadConverter.fromPayload(payload)) ?? ""];
  }
  return (await Promise.all(Object.values(value).map((one) => decrypted(codec, one)))).flat();
}

/** Which of them are in it, in a form in which somebody could have written them. */
function found(text: string, secrets: Record<string, string>): string[] {
  const forms = (value: string): string[] => [
    value,
    encodeURIComponent(value),
    Buffer.from(value).toString("base64").replace(/=+$/, ""),
  ];
  return Object.entries(secrets).flatMap(([name, value]) =>
    forms(value).some((form) => text.includes(form)) ? [name] : [],
  );
}

describe("a run with a secret in every place that takes one", () => {
  let all: Record<string, string> = {};
  let id = "";

  it("heals the host with them: the world asked for some", async () => {
    await sendAlerts();
    const story = (await live.closed([HOST])).get(HOST);
    expect(story?.remediation.outcome).toBe("healed");
    id = story?.remediation.remediationId ?? "";
    const handle = live.client.workflow.getHandle(story?.remediation.workflowId ?? "");
    await expect.poll(async () => (await handle.describe()).status.name).toBe("COMPLETED");
    const wish = { name: "ada", roles: ["viewer"], forMs: 60_000, by: "ada" };
    const made = await ask("/v1/tokens", { method: "POST", body: JSON.stringify(wish) });
    const { secret: own } = JSON.parse(made) as { secret: string };
    await ask("/v1/whoami", {}, own);
    await ask(`/v1/remediations/${LEAK}`);
    await sayInChat();
    const refused = story?.audit.filter(({ kind }) => kind === "channelFailed").map(({ body }) => body["channel"]);
    expect(refused).toEqual(["post", "pager", "chat"]);
    all = { ...SECRETS, database: new URL(live.stack.databaseUrl).password, own };
    expect(live.lab.world.messages.some(({ path }) => path.includes(secret("notify")))).toBe(true);
    expect(Object.values(all).every((value) => value.length >= 16)).toBe(true);
  });

  it("wrote none of them into the log of any process", () => expect(found(logs, all)).toEqual([]));

  it("wrote none of them into the record", async () => expect(found(await recordText(), all)).toEqual([]));

  it("sent none of them to Temporal, not even encrypted", async () => {
    const { stored, read } = await histories();
    expect([found(stored, all), found(read, all)]).toEqual([[], []]);
  });

  it("answers and measures none of them", async () => {
    expect(found(await apiText(id), all)).toEqual([]);
    const metrics = await ask("/metrics");
    expect(metrics).toMatch(/^selfheal_http_requests_total\{.*route="\/v1\/remediations\/:id"/m);
    const ofWorker = await (await fetch(`${live.stack.worker.detail["health"]}/metrics`)).text();
    expect(ofWorker).toMatch(/^selfheal_trace_spans_total\{result="sent"\} [1-9]/m);
    // Not even what stood in the path of a request.
    expect(found(metrics + ofWorker, { ...all, leak: LEAK })).toEqual([]);
  });

  it("put none of them into a span, nor what an action leaks", async () => {
    const traceId = id.replaceAll("-", "");
    const closed = () => collector.spans.filter((span) => span.traceId === traceId && span.name === "remediation");
    await expect.poll(() => closed().length).toBe(1);
    expect(found(collector.bodies.join("\n"), { ...all, leak: LEAK })).toEqual([]);
    expect(collector.headers[0]?.authorization).toBe(`Bearer ${secret("collector")}`);
  });

  it("would have been caught by what an action leaks: in the log, the record, the histories and the answers", async () => {
    const leak = { leak: LEAK };
    expect(found(logs, leak)).toEqual(["leak"]);
    expect(found(await recordText(), leak)).toEqual(["leak"]);
    expect(found((await histories()).read, leak)).toEqual(["leak"]);
    expect(found(await apiText(id), leak)).toEqual(["leak"]);
  });

  it("left nothing to read in Temporal but names: no plan, no fact, no word of anybody", async () => {
    const { stored, read } = await histories();
    const words = ["disk-replacement", "SmartDiskFailing", "ticketId", "planHash", LEAK];
    expect(words.filter((word) => !read.includes(word))).toEqual([]);
    // Search attributes and the workflow's id stay plain: lists are made of them.
    expect(words.filter((word) => word !== "disk-replacement" && stored.includes(word))).toEqual([]);
  });

  it("replays with the keys, and not without", async () => {
    const { remediation } = await live.api.story(id);
    const { codePath } = await currentBundle();
    const replay = async (keys: string | null): Promise<void> => {
      const handle = live.client.workflow.getHandle(remediation.workflowId, remediation.runId);
      const options = { workflowBundle: { codePath }, dataConverter: converterOf(keys) };
      await Worker.runReplayHistory(options, await handle.fetchHistory(), remediation.workflowId);
    };
    await replay(KEYS);
    await expect(replay(`k1:${randomBytes(32).toString("base64")}`)).rejects.toThrow();
  });
});
