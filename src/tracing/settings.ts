/** How traces leave the process: OpenTelemetry's own variables, of which these two are known. */
import type { Env } from "../config/env.ts";
import { EXIT, UserError } from "../config/user-error.ts";

export interface TraceSettings {
  /** Where spans are posted to. */
  url: string;
  /** Sent with each post; secret. */
  headers: Record<string, string>;
}

/** Null: nothing is traced. A UserError names the variable and what would be right, never a header's value. */
export function traceSettings(env: Env): TraceSettings | null {
  const endpoint = env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined) return null;
  return { url: `${endpoint.replace(/\/+$/, "")}/v1/traces`, headers: headersOf(env.OTEL_EXPORTER_OTLP_HEADERS ?? "") };
}

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** `name=value,name=value`, values percent-encoded, as OpenTelemetry writes it. */
function headersOf(text: string): Record<string, string> {
  const pairs = text.split(",").filter((pair) => pair.trim() !== "");
  return Object.fromEntries(pairs.map((pair, index) => header(pair, index + 1)));
}

function header(pair: string, place: number): [string, string] {
  const at = pair.indexOf("=");
  const name = pair.slice(0, Math.max(at, 0)).trim();
  const value = decoded(pair.slice(at + 1).trim());
  if (HEADER_NAME.test(name) && value !== null && /^[\t\x20-\x7e]*$/.test(value)) return [name.toLowerCase(), value];
  throw new UserError(
    `environment variable OTEL_EXPORTER_OTLP_HEADERS: entry ${place} is not NAME=VALUE with the value percent-encoded; ` +
      "right would be authorization=Bearer%20…,x-scope-orgid=ops",
    { exitCode: EXIT.usage },
  );
}

function decoded(value: string): string | null {
  try {
    return decodeURIComponent(value);
  } catch {
    return null;
  }
}
