/**
 * What came as an alert's signal, made fit to keep. Starters bound and clean what they send; but whoever reaches Temporal
 * can signal anything, and what throws in a handler or is refused by the record holds the workflow up for ever (law 12).
 */
import { MAX_ALERT_BYTES, type Alert } from "../contracts/alert.ts";
import type { AlertMessage } from "../contracts/messages.ts";
import { cleanRecord, cleanText, isClean } from "../contracts/text.ts";

export type Received =
  | { kind: "alert"; message: AlertMessage }
  /** It does not say which fault it is about, or which remediation would be its own: nothing can be opened for it. */
  | { kind: "nameless"; fault: string };

const MAX_NAME_LENGTH = 255;

/**
 * A fault that can be named but not kept as it came (too large, labels that are none) stands for itself with its name
 * alone: no runbook matches it, so a person is told.
 */
export function received(given: unknown): Received {
  const { alert: raw, remediationId, joinKey } = objectOf(given);
  const alert = objectOf(raw);
  const { fingerprint, status, startsAt } = alert;
  const fault =
    faultOfName("remediationId", remediationId) ??
    faultOfName("joinKey", joinKey) ??
    (isFingerprint(fingerprint) ? null : "alert.fingerprint: expected 1 to 128 printable ASCII characters") ??
    (isTime(startsAt) ? null : "alert.startsAt: expected an ISO time") ??
    (status === "firing" || status === "resolved" ? null : 'alert.status: expected "firing" or "resolved"');
  if (fault !== null) return { kind: "nameless", fault };
  const kept = contentOf(alert);
  return {
    kind: "alert",
    message: { alert: kept, remediationId: remediationId as string, joinKey: joinKey as string },
  };
}

/** Characters of it, as it goes from activity to activity. */
export function sizeOf(alert: Alert): number {
  return JSON.stringify(alert).length;
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function faultOfName(field: string, value: unknown): string | null {
  const right = typeof value === "string" && value !== "" && value.length <= MAX_NAME_LENGTH && isClean(value);
  return right ? null : `${field}: expected a text of 1 to ${MAX_NAME_LENGTH} characters`;
}

function isFingerprint(value: unknown): value is string {
  return typeof value === "string" && /^[\x21-\x7e]{1,128}$/.test(value);
}

function isTime(value: unknown): value is string {
  return typeof value === "string" && value.length <= 40 && Number.isFinite(Date.parse(value));
}

/** What was looked at before is taken as it is; what an alert does not have is left out. */
function contentOf(alert: Record<string, unknown>): Alert {
  // Looked at above, field by field.
  const known = alert as unknown as Alert;
  const { labels, annotations, source, receivedAt, endsAt } = alert;
  if (!isTexts(labels)) return stubOf(known, "its labels are no object of names and texts");
  if (!isTexts(annotations)) return stubOf(known, "its annotations are no object of names and texts");
  if (typeof source !== "string" || !isTime(receivedAt))
    return stubOf(known, "it does not say where it came from, and when");
  if (endsAt !== null && !isTime(endsAt)) return stubOf(known, "its end is no time");
  const kept = cleaned(known);
  // Characters, which are never more than its bytes: what a starter let in fits.
  const size = sizeOf(kept);
  return size <= MAX_ALERT_BYTES
    ? kept
    : stubOf(known, `it has ${size} characters; at most ${MAX_ALERT_BYTES} are let in`);
}

function isTexts(value: unknown): value is Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((text) => typeof text === "string");
}

function cleaned(alert: Alert): Alert {
  const { fingerprint, status, labels, annotations, startsAt, endsAt, source, receivedAt } = alert;
  const fields = { fingerprint, status, startsAt, endsAt, receivedAt };
  return { ...fields, labels: cleanRecord(labels), annotations: cleanRecord(annotations), source: clean(source) };
}

function stubOf({ fingerprint, status, labels, startsAt }: Alert, why: string): Alert {
  const { alertname, severity } = objectOf(labels);
  const named = Object.entries({ alertname, severity }).flatMap(([name, value]) =>
    typeof value === "string" ? [[name, clean(value)] as const] : [],
  );
  return {
    fingerprint,
    status,
    labels: Object.fromEntries(named),
    annotations: { selfheal_refused: why },
    startsAt,
    endsAt: null,
    source: "signal",
    receivedAt: startsAt,
  };
}

function clean(text: string): string {
  return cleanText(text.slice(0, MAX_NAME_LENGTH));
}
