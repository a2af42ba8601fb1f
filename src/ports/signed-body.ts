/**
 * A signed body, as selfheal sends it and takes it:
 *
 *     selfheal-timestamp: 1795300000                       seconds since 1970
 *     selfheal-signature: v1=<hex HMAC-SHA256 of "<timestamp>.<body>">
 */
import { createHmac } from "node:crypto";

export const TIMESTAMP_HEADER = "selfheal-timestamp";
export const SIGNATURE_HEADER = "selfheal-signature";

/** The headers to send with `body`, signed at `nowMs`. */
export function signedHeaders(key: { reveal(): string }, body: string, nowMs: number): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000));
  return { [TIMESTAMP_HEADER]: timestamp, [SIGNATURE_HEADER]: signatureOf(key, timestamp, body) };
}

export function signatureOf(key: { reveal(): string }, timestamp: string, body: string): string {
  return `v1=${createHmac("sha256", key.reveal()).update(`${timestamp}.${body}`).digest("hex")}`;
}

/** Seconds between a time stamp (seconds since 1970) and `now` (ISO); NaN: it is none. */
export function secondsOff(timestamp: string, now: string): number {
  const at = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) * 1000 : NaN;
  return Math.abs(Date.parse(now) - at) / 1000;
}
