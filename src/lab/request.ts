/** A call as the lab's vendors see it, whatever brought it here: a socket, or a `fetch` in the same process. */
import type { SystemName } from "./types.ts";

export interface LabRequest {
  method: string;
  /** Below the vendor's prefix, percent-decoded by segment where needed; begins with `/` or is empty. */
  path: string;
  query: URLSearchParams;
  /** Lower-case names. */
  headers: Record<string, string>;
  body: string;
  /** `http://host:port` as the client wrote it, for links. */
  origin: string;
}

export interface LabReply {
  status: number;
  headers?: Record<string, string>;
  body?: string;
  /** Instead of all that: the connection is closed without a word. */
  cut?: boolean;
}

/** A simulated system behind HTTP. `handle` is synchronous: a call is one moment of lab time. */
export interface Vendor {
  system: SystemName;
  /** Without a slash at the end. */
  prefix: string;
  handle(request: LabRequest): LabReply;
  /** The host that a call is about, for faults that aim at one. */
  hostOf?(request: LabRequest): string | null;
  /** Default: every method but GET and HEAD. */
  changes?(request: LabRequest): boolean;
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): LabReply {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}

export function text(status: number, body: string, headers: Record<string, string> = {}): LabReply {
  return { status, headers: { "content-type": "text/plain; charset=utf-8", ...headers }, body };
}

/** The path's segments, decoded. */
export function segments(path: string): string[] {
  return path.split("/").filter(Boolean).map(decodeURIComponent);
}

/** Undefined when it is not JSON. */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** A field of a client's JSON as text; numbers too, since clients write ids either way. */
export function textOf(value: unknown, fallback = ""): string {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : fallback;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Query parameters of the URL and of a form body together, as Prometheus and RT take them. */
export function parameters(request: LabRequest): URLSearchParams {
  if (request.method !== "POST" || request.headers["content-type"]?.includes("json")) return request.query;
  const all = new URLSearchParams(request.query);
  for (const [name, value] of new URLSearchParams(request.body)) all.append(name, value);
  return all;
}
