/**
 * Alertmanager's webhook, version "4" (platform.md, Alertmanager). Each alert is decided alone: a group stays `firing`
 * while single alerts in it are resolved. An alert that can never be accepted does not take the others with it,
 * because Alertmanager does not send a body again that was answered 4xx (ADR 0010).
 */
import { z } from "zod";
import type { Alert } from "../../contracts/alert.ts";
import { cleanRecord } from "../../contracts/text.ts";
import { clipValue, fieldPath, ProblemError, type FieldFault } from "../problems.ts";
import { bounded, isFingerprint, isoTime, stubOf } from "./bounds.ts";
import type { Batch, Item, NormaliseOptions, Source } from "./source.ts";

const NAME = "alertmanager";
/** Faults that are named for one body or one alert; the rest are only counted. */
const MAX_FAULTS = 5;

// Each message is the answer to "what would be right".
const text = z.string({ error: "a string" });
const time = text.refine((value) => isoTime(value) !== null, {
  error: "an RFC 3339 time, like 2026-11-21T02:11:03.124Z",
});
const labels = z.record(z.string(), text, { error: "an object of names and strings" });

const ENVELOPE = z.looseObject(
  {
    version: z.literal("4", { error: '"4", the webhook version of Alertmanager 0.16 and later' }),
    alerts: z.array(z.unknown(), { error: "a list of alerts" }),
    truncatedAlerts: z
      .number({ error: "a whole number, 0 or more" })
      .int("a whole number")
      .min(0, "0 or more")
      .optional(),
    groupKey: text.optional(),
  },
  { error: "an object, Alertmanager's webhook body" },
);

const ALERT = z.looseObject(
  {
    status: z.enum(["firing", "resolved"], { error: '"firing" or "resolved"' }),
    labels,
    annotations: labels.nullish(),
    startsAt: time,
    endsAt: text.nullish(),
    fingerprint: z.custom<string>(isFingerprint, { error: "1 to 128 printable ASCII characters without spaces" }),
  },
  { error: "an object with status, labels, startsAt and fingerprint" },
);

export const alertmanager: Source = { name: NAME, normalise };

function normalise(body: unknown, options: NormaliseOptions): Batch {
  const envelope = ENVELOPE.safeParse(body);
  if (!envelope.success) throw refusedBody(faultsOf(envelope.error, body, []));
  const { alerts, truncatedAlerts = 0, groupKey = "" } = envelope.data;
  if (alerts.length > options.maxAlerts) throw tooMany(alerts.length, options.maxAlerts);
  const items = alerts.map((raw, index) => toItem(raw, index, options.receivedAt));
  return { source: NAME, items, truncated: truncatedAlerts, group: groupKey.slice(0, 255) };
}

function toItem(raw: unknown, index: number, receivedAt: string): Item {
  const parsed = ALERT.safeParse(raw);
  if (!parsed.success) return refusedItem(raw, faultsOf(parsed.error, raw, ["alerts", index]), receivedAt);
  const fits = bounded(toAlert(parsed.data, receivedAt));
  if (fits !== null) return { kind: "alert", ...fits };
  const bytes = Buffer.byteLength(JSON.stringify(parsed.data.labels));
  const fault: FieldFault = {
    field: fieldPath(["alerts", index, "labels"]),
    value: `${bytes} bytes`,
    wouldBeRight: "labels that fit, with times and source, into 16 kB",
  };
  return refusedItem(raw, [fault], receivedAt);
}

function toAlert(raw: z.infer<typeof ALERT>, receivedAt: string): Alert {
  const firing = raw.status === "firing";
  return {
    fingerprint: raw.fingerprint,
    status: raw.status,
    labels: cleanRecord(raw.labels),
    annotations: cleanRecord(raw.annotations ?? {}),
    startsAt: isoTime(raw.startsAt) ?? receivedAt,
    // While it fires, endsAt is year 1 or a guess of when it would time out; neither is a fact.
    endsAt: firing ? null : (afterYearOne(raw.endsAt) ?? receivedAt),
    source: NAME,
    receivedAt,
  };
}

function afterYearOne(value: string | null | undefined): string | null {
  const iso = isoTime(value);
  return iso === null || iso.startsWith("0001-") ? null : iso;
}

function refusedItem(raw: unknown, faults: FieldFault[], receivedAt: string): Item {
  return { kind: "refused", faults, stub: stubOf(raw, faults, NAME, receivedAt) };
}

function faultsOf(error: z.ZodError, root: unknown, prefix: PropertyKey[]): FieldFault[] {
  return error.issues.slice(0, MAX_FAULTS).map((issue) => ({
    field: fieldPath([...prefix, ...issue.path]),
    value: clipValue(valueAt(root, issue.path)),
    wouldBeRight: issue.message,
  }));
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

function refusedBody(faults: FieldFault[]): ProblemError {
  const first = faults[0];
  const detail = first === undefined ? "" : `${first.field} is ${first.value}; right would be ${first.wouldBeRight}`;
  return new ProblemError({
    status: 422,
    slug: "bad-field",
    title: "Not an Alertmanager webhook body",
    detail,
    faults,
  });
}

function tooMany(count: number, max: number): ProblemError {
  const detail = `alerts has ${count} entries, the limit is ${max}; set max_alerts of Alertmanager's webhook_config or group finer`;
  const fault: FieldFault = { field: "alerts", value: `${count} alerts`, wouldBeRight: `at most ${max} alerts` };
  return new ProblemError({ status: 413, slug: "too-many-alerts", title: "Too many alerts", detail, faults: [fault] });
}
