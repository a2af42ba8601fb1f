/** The command line's side of the API: requests, and errors that say what to do. */
import { EXIT, messageOf, UserError } from "../config/user-error.ts";
import type { JsonObject } from "../contracts/json.ts";
import { spelled } from "../contracts/remediation.ts";
import type { Token } from "../starters/http/auth.ts";
import { VIA_HEADER } from "../starters/http/context.ts";
import type { Problem } from "../starters/http/problem.ts";
import type { AlertRow } from "../record/api.ts";
import type { ChangeEvent } from "../starters/http/events.ts";
import type { ListedRemediation, TellStory } from "../starters/http/remediations.ts";
import type { Story } from "../starters/story/story.ts";
import type { DecisionAnswer, DecisionKind, TokenAnswer } from "../starters/decisions.ts";
import type { RecoveryAnswer } from "../starters/recoveries.ts";
import { readEvents } from "./event-stream.ts";

/** Where `dev` and `serve` listen by default. */
export const DEFAULT_URL = "http://127.0.0.1:8080";

export interface ApiOptions {
  url: string;
  token: Token | null;
  fetch: typeof fetch;
  /** Longest time of one request; default 30,000. */
  timeoutMs?: number;
}

export type ListQuery = Partial<
  Record<"open" | "target" | "runbook" | "group" | "phase" | "outcome" | "since" | "limit", string>
>;

export interface Following {
  /** From here on nothing is missed: time to list what is there. */
  onOpen: () => Promise<void>;
  onChange: (event: ChangeEvent) => void;
  /** More has changed while the connection was away than is told afterwards. */
  onReset: () => void;
  onLost: (why: string) => void;
}

/** undefined: whose token it is. */
type By = string | undefined;

export interface RemediationApi {
  /** One page. */
  list(query: ListQuery): Promise<ListedRemediation[]>;
  /** Page after page, at most `most`. */
  listAll(query: ListQuery, most: number): Promise<ListedRemediation[]>;
  /** Resolves at `signal`; rejects when the API does not answer at once. */
  follow(query: ListQuery, following: Following, signal: AbortSignal): Promise<void>;
  /** All that the record has. */
  story(id: string): Promise<TellStory>;
  /** The same, told for people. */
  told(id: string): Promise<Story>;
  /** The newest remediation that an alert with this fingerprint belongs to; null: there is none. */
  ofAlert(fingerprint: string): Promise<string | null>;
  decide(
    kind: DecisionKind,
    id: string,
    body: { by: By; reason?: string; planHash?: string; at?: string; result?: JsonObject },
  ): Promise<DecisionAnswer>;
  token(id: string, body: { by: By; decision: string; expiresInSeconds?: number }): Promise<TokenAnswer>;
  recover(id: string, by: By): Promise<RecoveryAnswer>;
  releaseLeases(id: string, by: By, reason: string): Promise<RecoveryAnswer>;
}

export function remediationApi(options: ApiOptions): RemediationApi {
  const base = `${rootOf(options.url)}/remediations`;
  return {
    list: async (query) => (await request<Page>(options, base, queryOf(query), null)).remediations,
    listAll: (query, most) => listAll(options, base, query, most),
    follow: (query, following, signal) => follow(options, query, following, signal),
    story: (id) => request<TellStory>(options, base, `/${encodeURIComponent(id)}`, null),
    told: (id) => request<Story>(options, base, `/${encodeURIComponent(id)}/story`, null),
    ofAlert: async (fingerprint) => {
      const query = queryOf({ fingerprint, limit: "100" });
      const { alerts } = await request<{ alerts: AlertRow[] }>(options, rootOf(options.url), `/alerts${query}`, null);
      return alerts.find((alert) => alert.remediationId !== null)?.remediationId ?? null;
    },
    decide: (kind, id, body) =>
      request<DecisionAnswer>(options, base, `/${encodeURIComponent(id)}/${spelled(kind)}`, { ...body, via: "cli" }),
    token: (id, body) => request<TokenAnswer>(options, base, `/${encodeURIComponent(id)}/token`, body),
    recover: (id, by) => request<RecoveryAnswer>(options, base, `/${encodeURIComponent(id)}/recover`, { by }),
    releaseLeases: (id, by, reason) =>
      request<RecoveryAnswer>(options, base, `/${encodeURIComponent(id)}/release-leases`, { by, reason }),
  };
}

interface Page {
  remediations: ListedRemediation[];
  next?: string | null;
}

function queryOf(query: Record<string, string>): string {
  return `?${new URLSearchParams(query).toString()}`;
}

/** As many as the API answers at once. */
const PAGE = 1_000;

async function listAll(options: ApiOptions, base: string, query: ListQuery, most: number) {
  const rows: ListedRemediation[] = [];
  const size = String(Math.min(PAGE, most));
  let path: string | null = base + queryOf({ limit: size, ...query });
  while (path !== null && rows.length < most) {
    const page: Page = await request<Page>(options, "", path, null);
    rows.push(...page.remediations);
    path = page.next === null || page.next === undefined ? null : new URL(page.next, options.url).href;
  }
  return rows.slice(0, most);
}

async function follow(options: ApiOptions, query: ListQuery, following: Following, signal: AbortSignal): Promise<void> {
  const url = `${rootOf(options.url)}/events${queryOf(query)}`;
  await readEvents({
    signal,
    open: async (lastEventId, until) => {
      const headers = {
        accept: "text/event-stream",
        ...(lastEventId === null ? {} : { "last-event-id": lastEventId }),
      };
      const response = await send({ ...options, signal: until }, url, null, "GET", headers);
      if (!response.ok) throw await refused(response, options);
      return response;
    },
    onOpen: following.onOpen,
    onEvent: ({ event, data }) => {
      if (event === "reset") following.onReset();
      else if (event === "change") following.onChange(JSON.parse(data) as ChangeEvent);
    },
    onLost: (error) => following.onLost(`the stream of changes was lost, and is tried again: ${messageOf(error)}`),
  });
}

function rootOf(url: string): string {
  const parsed = URL.parse(url);
  if (parsed !== null && /^https?:$/.test(parsed.protocol)) return `${url.replace(/\/+$/, "")}/v1`;
  throw new UserError(`--url ${url}: right would be http://HOST:PORT or https://HOST`, { exitCode: EXIT.usage });
}

/** One call under `/v1`: `path` begins with a slash. A body makes it a POST. Throws a UserError that says what to do. */
export function callApi<T>(
  options: ApiOptions,
  path: string,
  body: object | null = null,
  method: Method = body === null ? "GET" : "POST",
): Promise<T> {
  return request<T>(options, rootOf(options.url), path, body, method);
}

type Method = "GET" | "POST" | "PUT";

async function request<T>(
  options: ApiOptions,
  base: string,
  path: string,
  body: object | null,
  method: Method = body === null ? "GET" : "POST",
): Promise<T> {
  const response = await send(options, base + path, body, method);
  if (!response.ok) throw await refused(response, options);
  return parsed<T>(await response.text().catch(() => ""), options);
}

async function refused(response: Response, options: ApiOptions): Promise<UserError> {
  const problem = problemOf(await response.text().catch(() => ""));
  return new UserError(explain(response.status, problem, options), {
    exitCode: response.status >= 500 ? EXIT.unavailable : EXIT.failed,
  });
}

async function send(
  options: ApiOptions & { signal?: AbortSignal },
  url: string,
  body: object | null,
  method: Method,
  headers: Record<string, string> = { accept: "application/json" },
): Promise<Response> {
  const authorization = options.token === null ? {} : { authorization: `Bearer ${options.token.reveal()}` };
  try {
    return await options.fetch(url, {
      method,
      headers: { "content-type": "application/json", [VIA_HEADER]: "cli", ...headers, ...authorization },
      ...(body === null ? {} : { body: JSON.stringify(body) }),
      signal: options.signal ?? AbortSignal.timeout(options.timeoutMs ?? 30_000),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const code =
      cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : messageOf(cause);
    throw new UserError(
      `the API at ${options.url} does not answer (${code}); start it with \`selfheal dev\` or \`selfheal serve\`, ` +
        "or say where it is with --url or SELFHEAL_URL",
      { cause: error, exitCode: EXIT.unavailable },
    );
  }
}

function parsed<T>(text: string, options: ApiOptions): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new UserError(`${options.url} answers, but not like selfheal's API; is it another service?`, {
      exitCode: EXIT.unavailable,
    });
  }
}

function problemOf(text: string): Partial<Problem> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

function explain(status: number, problem: Partial<Problem>, options: ApiOptions): string {
  if (status === 401) {
    const why = problem.detail === undefined ? "" : ` (${problem.detail.replace(/;.*$/s, "")})`;
    return `the API at ${options.url} asks for a token: set SELFHEAL_TOKEN to the right one${why}`;
  }
  if (problem.detail === undefined) {
    return `${options.url} answered ${status}, and not like selfheal's API; is it another service?`;
  }
  const id = status >= 500 && problem.requestId !== undefined ? ` (request ${problem.requestId})` : "";
  return `${problem.detail}${id}`;
}
