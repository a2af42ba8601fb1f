/** The one HTTP-and-JSON client of all adapters. */
import type { z } from "zod";
import type { FailureClass } from "../contracts/failures.ts";
import type { AdapterError } from "../ports/failure.ts";
import type { Outside } from "../ports/ports.ts";
import { traceHeaders } from "../ports/trace.ts";
import { bodyText } from "./body.ts";
import type { CallKind, Guarded } from "./guarded.ts";

export interface HttpOptions {
  guarded: Guarded;
  fetch: Outside["fetch"];
  /** With or without a path; a slash at the end does not matter. */
  url: string;
  /** Sent with every request (authorization, API version). */
  headers?: () => Record<string, string>;
}

export interface Call<T> {
  operation: string;
  kind: CallKind;
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the base URL; its parts are already percent-encoded. */
  path: string;
  query?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  /** The answer's body, parsed as JSON; an empty body is null. */
  accept: z.ZodType<T>;
  /** The body is plain text, not JSON. */
  plain?: boolean;
  /** For statuses that mean something of their own here: answers, or throws what `answer.fail` makes. */
  on?: Record<number, (answer: Answer) => T>;
}

export interface Answer {
  status: number;
  text: string;
  /** Without a message: what the vendor says went wrong, in one line. */
  fail(failure: FailureClass, message?: string): AdapterError;
}

export type HttpJson = <T>(call: Call<T>) => Promise<T>;

const LARGEST_BODY_BYTES = 8 * 1024 * 1024;
const LONGEST_RETRY_AFTER_MS = 60 * 60 * 1000;

/** Every status and every body is mapped to an answer or to an AdapterError (the table is in `failureOf`). */
export function httpJson(options: HttpOptions): HttpJson {
  const { guarded } = options;
  const base = options.url.replace(/\/+$/, "");
  return <T>(call: Call<T>) =>
    guarded.run(call.operation, call.kind, async ({ signal, sending, note }) => {
      const url = `${base}${call.path}${call.query ? `?${new URLSearchParams(call.query).toString()}` : ""}`;
      const init = request(call, options.headers?.() ?? {}, signal);
      note({ "http.request.method": call.method });
      sending();
      const response = await options.fetch(url, init);
      note({ "http.response.status_code": response.status });
      const text = await bodyText(response, LARGEST_BODY_BYTES);
      if (text === null) throw new Error(`the answer is larger than ${LARGEST_BODY_BYTES} bytes`);
      const shown: Shown = (said) => oneLine(guarded.redact(said));
      const says = (): string => `answered ${response.status}${explain(text, shown)}`;
      const retryAfterMs = retryAfter(response.headers.get("retry-after"), guarded.clock.now());
      const fail = (failure: FailureClass, message?: string): AdapterError =>
        guarded.fail(failure, call.operation, message ?? says(), retryAfterMs);
      const special = call.on?.[response.status];
      if (special) return special({ status: response.status, text, fail });
      if (!response.ok) throw fail(failureOf(response.status, call.kind, retryAfterMs !== undefined));
      return accepted(call, text, { fail, shown });
    });
}

function request<T>(call: Call<T>, headers: Record<string, string>, signal: AbortSignal): RequestInit {
  const json: Record<string, string> = call.body === undefined ? {} : { "content-type": "application/json" };
  return {
    method: call.method,
    headers: { accept: "application/json", ...traceHeaders(), ...json, ...headers, ...call.headers },
    // A redirected write would silently become a GET, and a redirected read could carry the token elsewhere.
    redirect: "manual",
    signal,
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
  };
}

/** Reads: 5xx, 429 and 408 may pass by waiting. Writes: only what says that nothing was done is safe to repeat. */
export function failureOf(status: number, kind: CallKind, saysWhen: boolean): FailureClass {
  if (status === 429) return "transient";
  if (kind === "read") return status >= 500 || status === 408 || status === 425 ? "transient" : "permanent";
  if (status === 503 && saysWhen) return "transient";
  return status >= 500 || status === 408 ? "ambiguous" : "permanent";
}

/** What a vendor said as it may be shown: without secrets, and only then cut, so that no part of one is left. */
type Shown = (text: string) => string;

interface Failing {
  fail: (failure: FailureClass, message: string) => AdapterError;
  shown: Shown;
}

function accepted<T>(call: Call<T>, text: string, { fail, shown }: Failing): T {
  // A write whose answer cannot be read was accepted by somebody: it may well have happened.
  let body: unknown = null;
  try {
    if (call.plain) body = text;
    else if (text.trim() !== "") body = JSON.parse(text);
  } catch {
    throw fail(call.kind === "read" ? "transient" : "ambiguous", `the answer is not JSON: ${shown(text)}`);
  }
  const checked = call.accept.safeParse(body);
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  const where = issue ? `${issue.path.join(".") || "it"}: ${issue.message}` : "";
  throw fail(call.kind === "read" ? "permanent" : "ambiguous", `the answer is not of the expected shape (${where})`);
}

/** Retry-After in milliseconds, from seconds or an HTTP date; undefined when absent or not readable. */
export function retryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null || header.trim() === "") return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - nowMs;
  if (Number.isNaN(ms)) return undefined;
  return Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS);
}

const MESSAGE_KEYS = ["message", "error", "error_message", "faultstring", "detail"];

/** `: <what the vendor says>`, or nothing. */
function explain(text: string, shown: Shown): string {
  const found = shown(messageIn(parsed(text), 0) ?? text);
  return found === "" ? "" : `: ${found}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function messageIn(value: unknown, depth: number): string | null {
  if (typeof value === "string") {
    // Ironic puts JSON into a string inside JSON.
    const inner = value.startsWith("{") && depth < 4 ? messageIn(parsed(value), depth + 1) : null;
    return inner ?? (value === "" ? null : value);
  }
  if (typeof value !== "object" || value === null || depth > 3) return null;
  for (const key of MESSAGE_KEYS) {
    const found = messageIn((value as Record<string, unknown>)[key], depth + 1);
    if (found !== null) return found;
  }
  return null;
}

function oneLine(text: string): string {
  const clean = text
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  return clean.length > 200 ? `${clean.slice(0, 200)}…` : clean;
}
