/** Keeps an alert within MAX_ALERT_BYTES (design §3 law 13) and free of text that no database or JSON parser takes. */
import { createHash } from "node:crypto";
import { MAX_ALERT_BYTES, type Alert } from "../../contracts/alert.ts";
import { cleanText } from "../../contracts/text.ts";
import { clipValue, type FieldFault } from "../problems.ts";

/** Lengths that annotations are clipped to, the first that makes the alert fit. */
const CLIP_LENGTHS = [4096, 2048, 1024, 512, 256, 128, 64] as const;
/** Stands in the place of annotations that did not fit at all. */
const CLIPPED_ANNOTATION = "selfheal_clipped";

export function alertBytes(alert: Alert): number {
  return Buffer.byteLength(JSON.stringify(alert));
}

/** The alert as it fits, or null when its labels alone are too large: labels are identity and are never cut. */
export function bounded(alert: Alert): { alert: Alert; clipped: boolean } | null {
  if (alertBytes(alert) <= MAX_ALERT_BYTES) return { alert, clipped: false };
  for (const length of CLIP_LENGTHS) {
    const annotations = mapValues(alert.annotations, (text) => clipText(text, length));
    const smaller = { ...alert, annotations };
    if (alertBytes(smaller) <= MAX_ALERT_BYTES) return { alert: smaller, clipped: true };
  }
  const count = Object.keys(alert.annotations).length;
  const none = { ...alert, annotations: { [CLIPPED_ANNOTATION]: `all ${count} annotations left out: too large` } };
  return alertBytes(none) <= MAX_ALERT_BYTES ? { alert: none, clipped: true } : null;
}

function clipText(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${text.slice(0, length).toWellFormed()}… [clipped by selfheal, was ${text.length} characters]`;
}

export function mapValues(record: Record<string, string>, change: (text: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

/**
 * What can be recorded of an alert that can never be accepted. Equal for equal input, so that its repetitions count
 * up one row; without a usable fingerprint it gets one from its content.
 */
export function stubOf(raw: unknown, faults: FieldFault[], source: string, receivedAt: string): Alert {
  const given = typeof raw === "object" && raw !== null ? (raw as Record<string, unknown>) : {};
  const labels = given["labels"];
  const name = typeof labels === "object" && labels !== null ? (labels as Record<string, unknown>)["alertname"] : null;
  const why = faults
    .map((fault) => `${fault.field} is ${fault.value}, right would be ${fault.wouldBeRight}`)
    .join("; ");
  return {
    fingerprint: isSentFingerprint(given["fingerprint"]) ? given["fingerprint"] : `refused-${digest(raw)}`,
    status: given["status"] === "resolved" ? "resolved" : "firing",
    labels: typeof name === "string" ? { alertname: cleanText(name.slice(0, 255)) } : {},
    annotations: { selfheal_refused: cleanText(why.slice(0, 2000)) },
    startsAt: isoTime(given["startsAt"]) ?? new Date(0).toISOString(),
    endsAt: null,
    source,
    receivedAt,
  };
}

function digest(raw: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(raw) ?? "";
  } catch {
    text = clipValue(raw);
  }
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** For an alert whose source gave it none: equal for equal labels. */
export function fingerprintOf(labels: Record<string, string>): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex").slice(0, 16);
}

/** An alert that is only labels, as somebody may write one down. `at`: ISO. */
export function alertOfLabels(labels: Record<string, string>, at = new Date(0).toISOString()): Alert {
  return {
    fingerprint: fingerprintOf(labels),
    status: "firing",
    labels,
    annotations: {},
    source: "alertmanager",
    startsAt: at,
    endsAt: null,
    receivedAt: at,
  };
}

/** Printable ASCII: it becomes part of keys and ids. */
export function isFingerprint(value: unknown): value is string {
  return typeof value === "string" && /^[\x21-\x7e]{1,128}$/.test(value);
}

/** Of what people ask for by name (requests.ts). A sender who could use it would take off who asked, or put it on. */
export const MANUAL_PREFIX = "manual-";
export const SENT_FINGERPRINT = `1 to 128 printable ASCII characters without spaces, that do not begin with ${MANUAL_PREFIX}`;

/** One that a sender may give. */
export function isSentFingerprint(value: unknown): value is string {
  return isFingerprint(value) && !value.startsWith(MANUAL_PREFIX);
}

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** As isoTime writes it, on a day that each month has. */
const WRITTEN = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/** An RFC 3339 time as ISO in UTC with milliseconds; null when it is none. */
export function isoTime(value: unknown): string | null {
  if (typeof value !== "string") return null;
  // Most of a recording: it is what it would become.
  if (WRITTEN.test(value)) return value;
  if (!RFC3339.test(value)) return null;
  const ms = Date.parse(value);
  return Number.isFinite(ms) ? new Date(ms).toISOString() : null;
}
