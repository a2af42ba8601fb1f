/** The command line's side of the API: requests, and errors that say what to do. */
import { EXIT, messageOf, UserError } from "../config/user-error.ts";
import type { JsonObject } from "../contracts/json.ts";
import { spelled } from "../contracts/remediation.ts";
import type { Token } from "../starters/http/auth.ts";
import { VIA_HEADER } from "../starters/http/context.ts";
import type { Problem } from "../starters/http/problem.ts";
import type { ListedRemediation, TellStory } from "../starters/http/remediations.ts";
import type { DecisionAnswer, DecisionKind, TokenAnswer } from "../starters/decisions.ts";
import type { RecoveryAnswer } from "../starters/recoveries.ts";

/** Where `dev` and `serve` listen by default. */
export const DEFAULT_URL = "http://127.0.0.1:8080";

export interface ApiOptions {
  url: string;
  token: Token | null;
  fetch: typeof fetch;
  /** Longest time of one request; default 30,000. */
  timeoutMs?: number;
}

export type ListQuery = Partial<Record<"open" | "target" | "runbook" | "phase" | "outcome" | "limit", string>>;

/** undefined: whose token it is. */
type By = string | undefined;

export interface RemediationApi {
  list(query: ListQuery): Promise<ListedRemediation[]>;
  story(id: string): Promise<TellStory>;
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
    list: async (query) => {
      const given = new URLSearchParams(query as Record<string, string>).toString();
      const answer = await request<{ remediations: ListedRemediation[] }>(options, base, `?${given}`, null);
      return answer.remediations;
    },
    story: (id) => request<TellStory>(options, base, `/${encodeURIComponent(id)}`, null),
    decide: (kind, id, body) =>
      request<DecisionAnswer>(options, base, `/${encodeURIComponent(id)}/${spelled(kind)}`, { ...body, via: "cli" }),
    token: (id, body) => request<TokenAnswer>(options, base, `/${encodeURIComponent(id)}/token`, body),
    recover: (id, by) => request<RecoveryAnswer>(options, base, `/${encodeURIComponent(id)}/recover`, { by }),
    releaseLeases: (id, by, reason) =>
      request<RecoveryAnswer>(options, base, `/${encodeURIComponent(id)}/release-leases`, { by, reason }),
  };
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
  const text = await response.text().catch(() => "");
  if (response.ok) return parsed<T>(text, options);
  const problem = problemOf(text);
  throw new UserError(explain(response.status, problem, options), {
    exitCode: response.status >= 500 ? EXIT.unavailable : EXIT.failed,
  });
}

async function send(options: ApiOptions, url: string, body: object | null, method: Method): Promise<Response> {
  const authorization = options.token === null ? {} : { authorization: `Bearer ${options.token.reveal()}` };
  try {
    return await options.fetch(url, {
      method,
      headers: {
        accept: "application/json",
        "content-type": "application/json",
        [VIA_HEADER]: "cli",
        ...authorization,
      },
      ...(body === null ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(options.timeoutMs ?? 30_000),
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
