/**
 * Alerts of anybody who can send JSON: `{"alerts": [...]}` in our own words, or CloudEvents 1.0 (structured, binary, or
 * a batch) whose `data` is one alert. As with Alertmanager, an alert that can never be accepted does not take the others
 * with it.
 */
import { z } from "zod";
import type { Alert } from "../../contracts/alert.ts";
import { cleanRecord } from "../../contracts/text.ts";
import { fieldPath } from "../problems.ts";
import { bounded, fingerprintOf, isSentFingerprint, isoTime, SENT_FINGERPRINT } from "./bounds.ts";
import { faultsOf, refusedBody, refusedItem, tooLarge, tooMany } from "./refusals.ts";
import type { Batch, Item, NormaliseOptions, Source } from "./source.ts";

const NAME = "generic";
const CURE = "send fewer at once";
const STRUCTURED = "application/cloudevents+json";
const BATCH = "application/cloudevents-batch+json";

// Each message is the answer to "what would be right".
const text = z.string({ error: "a string" });
const time = text.refine((value) => isoTime(value) !== null, {
  error: "an RFC 3339 time, like 2026-11-21T02:11:03.124Z",
});
const record = z.record(z.string(), text, { error: "an object of names and strings" });
const labels = record.refine((all) => Object.keys(all).length > 0, { error: "at least one label" });

const FIELDS = {
  status: z.enum(["firing", "resolved"], { error: '"firing" or "resolved"' }).default("firing"),
  labels,
  annotations: record.nullish(),
  endsAt: time.nullish(),
  fingerprint: z
    .custom<string>(isSentFingerprint, { error: SENT_FINGERPRINT })
    .meta({ type: "string", description: "Default: a hash of the labels" })
    .optional(),
};
const ALERT = z.strictObject(
  { ...FIELDS, startsAt: time.describe("With the fingerprint it says which fault it is: the same at each repeat") },
  { error: "an object with labels and startsAt, and status, annotations, endsAt, fingerprint where they are needed" },
);
const DATA = z.strictObject(
  { ...FIELDS, startsAt: time.optional() },
  { error: "an object with labels, and status, annotations, startsAt, endsAt, fingerprint where they are needed" },
);
const ENVELOPE = z.strictObject(
  { alerts: z.array(z.unknown(), { error: "a list of alerts" }) },
  { error: "an object with alerts" },
);
const EVENT = z.looseObject(
  {
    specversion: z.literal("1.0", { error: '"1.0", of CloudEvents' }),
    id: text.min(1, "a text that is not empty"),
    source: text.min(1, "a text that is not empty"),
    type: text.min(1, "a text that is not empty"),
    time: time.optional().describe("When data has no startsAt, this is it"),
    datacontenttype: text.regex(/json/, "application/json").optional(),
    data: DATA,
  },
  { error: "a CloudEvent: an object with specversion, id, source, type and data" },
);

export const generic: Source = {
  name: NAME,
  summary: "Alerts as JSON, or as CloudEvents 1.0 whose data is one alert (structured, binary, batch)",
  bodyTypes: ["application/json", STRUCTURED, BATCH],
  body: z.union([ENVELOPE.extend({ alerts: z.array(ALERT) }), EVENT, z.array(EVENT), DATA]),
  normalise,
};

interface Raw {
  value: unknown;
  /** Where it stands in the body. */
  path: PropertyKey[];
}

function normalise(body: unknown, options: NormaliseOptions): Batch {
  const { header = () => undefined, maxAlerts } = options;
  const type = (header("content-type") ?? "").toLowerCase();
  const isEvent = type.startsWith(STRUCTURED) || header("ce-specversion") !== undefined;
  let items: Item[];
  if (type.startsWith(BATCH)) {
    items = within(body, [], maxAlerts).map((raw) => ofEvent(raw, options));
  } else if (isEvent) {
    const event = type.startsWith(STRUCTURED) ? body : binary(body, header);
    items = [ofEvent({ value: event, path: [] }, options)];
  } else {
    const envelope = ENVELOPE.safeParse(body);
    if (!envelope.success) throw refusedBody("Not a list of alerts", faultsOf(envelope.error, body, []));
    items = within(envelope.data.alerts, ["alerts"], maxAlerts).map((raw) => ofAlert(raw, options));
  }
  return { source: NAME, items, truncated: 0, group: "" };
}

function within(list: unknown, path: PropertyKey[], max: number): Raw[] {
  if (!Array.isArray(list)) {
    const wrong = { field: fieldPath(path), value: typeof list, wouldBeRight: "a list of CloudEvents" };
    throw refusedBody("Not a batch of CloudEvents", [wrong]);
  }
  if (list.length > max) throw tooMany(fieldPath(path), list.length, max, CURE);
  return list.map((value: unknown, index) => ({ value, path: [...path, index] }));
}

const ATTRIBUTES = ["specversion", "id", "source", "type", "time"] as const;

/** In binary mode the attributes are headers, and the body is the data. */
function binary(data: unknown, header: (name: string) => string | undefined): unknown {
  const given = ATTRIBUTES.flatMap((name) => {
    const value = header(`ce-${name}`);
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(given), data };
}

function ofAlert({ value, path }: Raw, { receivedAt }: NormaliseOptions): Item {
  const parsed = ALERT.safeParse(value);
  if (!parsed.success) return refusedItem(value, faultsOf(parsed.error, value, path), NAME, receivedAt);
  return toItem(value, { ...parsed.data, about: {} }, [...path, "labels"], receivedAt);
}

function ofEvent({ value, path }: Raw, { receivedAt }: NormaliseOptions): Item {
  const parsed = EVENT.safeParse(value);
  if (!parsed.success) return refusedItem(dataOf(value), faultsOf(parsed.error, value, path), NAME, receivedAt);
  const { data, time: at, source, id, type } = parsed.data;
  const startsAt = data.startsAt ?? at;
  if (startsAt === undefined) {
    const field = fieldPath([...path, "data", "startsAt"]);
    const fault = { field, value: "nothing", wouldBeRight: "a time, here or as the event's time" };
    return refusedItem(data, [fault], NAME, receivedAt);
  }
  const about = { cloudEventSource: source, cloudEventType: type, cloudEventId: id };
  return toItem(data, { ...data, startsAt, about }, [...path, "data", "labels"], receivedAt);
}

/** What of a refused event can be recorded. */
function dataOf(event: unknown): unknown {
  return typeof event === "object" && event !== null && "data" in event ? event.data : event;
}

type Read = z.output<typeof ALERT> & { about: Record<string, string> };

function toItem(raw: unknown, read: Read, labelsPath: PropertyKey[], receivedAt: string): Item {
  const fits = bounded(toAlert(read, receivedAt));
  if (fits !== null) return { kind: "alert", ...fits };
  return refusedItem(raw, [tooLarge(read.labels, fieldPath(labelsPath))], NAME, receivedAt);
}

function toAlert(read: Read, receivedAt: string): Alert {
  const clean = cleanRecord(read.labels);
  return {
    fingerprint: read.fingerprint ?? fingerprintOf(clean),
    status: read.status,
    labels: clean,
    annotations: cleanRecord({ ...read.annotations, ...read.about }),
    startsAt: isoTime(read.startsAt) ?? receivedAt,
    endsAt: read.status === "firing" ? null : (isoTime(read.endsAt) ?? receivedAt),
    source: NAME,
    receivedAt,
  };
}
