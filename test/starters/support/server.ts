/** The API on a real socket and a real database, with a Temporal that is told what to do. */
import { PassThrough } from "node:stream";
import pino from "pino";
import { afterAll, afterEach, beforeEach, expect } from "vitest";
import { ACTIONS } from "../../../src/activities/actions.ts";
import { catalogues } from "../../../src/activities/catalogues.ts";
import { Secret } from "../../../src/ports/secret.ts";
import type { Problem } from "../../../src/starters/http/problem.ts";
import { startServer, type RunningServer, type ServerOptions } from "../../../src/starters/http/serve.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { classifyByHost, FakeRemediations } from "./fakes.ts";
import { DescribedApi } from "./openapi.ts";

const realFetch = globalThis.fetch;

export const WEBHOOK_TOKEN = "webhook-token-1";
export const API_TOKEN = "api-token-1";

export class ApiUnderTest {
  readonly database: TestDatabase;
  temporal = new FakeRemediations();
  /** Everything that was logged, as JSON lines. */
  logged = "";
  private running: RunningServer | null = null;
  private described: DescribedApi | null = null;

  private constructor(database: TestDatabase) {
    this.database = database;
  }

  static async create(): Promise<ApiUnderTest> {
    return new ApiUnderTest(await createTestDatabase());
  }

  get server(): RunningServer {
    if (this.running === null) throw new Error("the server is not running");
    return this.running;
  }

  /** Another server beside the one under test. */
  async serve(change: Partial<ServerOptions> = {}): Promise<RunningServer> {
    const stream = new PassThrough();
    stream.on("data", (chunk: Buffer) => (this.logged += chunk.toString()));
    return startServer({
      record: this.database.record,
      remediations: this.temporal,
      classify: classifyByHost,
      catalogueVersion: () => "abc123",
      active: () => catalogues(this.database.record, ACTIONS).active(),
      log: pino({ level: "debug" }, stream),
      port: 0,
      webhookToken: new Secret(WEBHOOK_TOKEN),
      apiToken: new Secret(API_TOKEN),
      webUiUrl: "http://ui/namespaces/default/",
      graceMs: 2_000,
      ...change,
    });
  }

  /** Fresh alerts, fresh Temporal, fresh server. */
  async fresh(): Promise<void> {
    await this.database.sql("truncate alerts, remediations, audit, kept_requests cascade");
    await this.database.sql("delete from audit_chains where chain <> 'control'");
    await this.database.sql("update audit_chains set seq = 0, hash = ''");
    this.temporal = new FakeRemediations();
    this.logged = "";
    await this.restart();
  }

  async restart(change: Partial<ServerOptions> = {}): Promise<void> {
    await this.close();
    this.running = await this.serve(change);
    this.described ??= new DescribedApi(await (await realFetch(`${this.server.url}/openapi.json`)).json());
    globalThis.fetch = (input, init) => this.checked(input, init);
  }

  async close(): Promise<void> {
    globalThis.fetch = realFetch;
    await this.running?.close();
    this.running = null;
  }

  /** Every answer of every test is as the API's own document describes it. */
  private async checked(...[input, init]: Parameters<typeof fetch>): Promise<Response> {
    const response = await realFetch(input, init);
    const url = input instanceof Request ? input.url : String(input);
    const isOurs = this.running !== null && url.startsWith(this.running.url);
    if (isOurs) await this.described?.check(init?.method ?? "GET", url, response);
    return response;
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.server.url + path, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${WEBHOOK_TOKEN}`, ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  }

  alerts(body: unknown, headers?: Record<string, string>): Promise<Response> {
    return this.post("/v1/alerts/alertmanager", body, headers);
  }

  api(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const authorization = `Bearer ${API_TOKEN}`;
    if (body !== undefined) return this.post(path, body, { authorization, ...headers });
    return fetch(this.server.url + path, { headers: { authorization, ...headers } });
  }
}

/** The problem in an answer; fails when it is not one. */
export async function problem(response: Response): Promise<Problem> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const body = (await response.json()) as Problem;
  expect(body.status).toBe(response.status);
  return body;
}

/** One API for the tests of a file, started anew for each; its database ends with them. Awaited at the file's top. */
export async function sharedApi(): Promise<ApiUnderTest> {
  const it = await ApiUnderTest.create();
  afterAll(() => it.database.drop());
  beforeEach(() => it.fresh());
  afterEach(() => it.close());
  return it;
}
