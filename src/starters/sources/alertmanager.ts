/**
 * Alertmanager's webhook, version "4" (platform.md, Alertmanager). Each alert is decided alone: a group stays `firing`
 * while single alerts in it are resolved. An alert that can never be accepted does not take the others with it,
 * because Alertmanager does not send a body again that was answered 4xx (ADR 0010).
 */
import { z } from "zod";
import type { Alert } from "../../contracts/alert.ts";
import { cleanRecord } from "../../contracts/text.ts";
import { fieldPath } from "../problems.ts";
import { bounded, isSentFingerprint, isoTime, SENT_FINGERPRINT } from "./bounds.ts";
import { faultsOf, refusedBody, refusedItem, tooLarge, tooMany } from "./refusals.ts";
import type { Batch, Item, NormaliseOptions, Source } from "./source.ts";

const NAME = "alertmanager";
const CURE = "set max_alerts of Alertmanager's webhook_config or group finer";

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
    fingerprint: z.custom<string>(isSentFingerprint, { error: SENT_FINGERPRINT }),
  },
  { error: "an object with status, labels, startsAt and fingerprint" },
);

export const alertmanager: Source = {
  name: NAME,
  summary: "Alertmanager's webhook, version 4",
  bodyTypes: ["application/json"],
  body: ENVELOPE.extend({ alerts: z.array(ALERT) }),
  normalise,
};

function normalise(body: unknown, options: NormaliseOptions): Batch {
  const envelope = ENVELOPE.safeParse(body);
  if (!envelope.success) throw refusedBody("Not an Alertmanager webhook body", faultsOf(envelope.error, body, []));
  const { alerts, truncatedAlerts = 0, groupKey = "" } = envelope.data;
  if (alerts.length > options.maxAlerts) throw tooMany("alerts", alerts.length, options.maxAlerts, CURE);
  const items = alerts.map((raw, index) => toItem(raw, index, options.receivedAt));
  return { source: NAME, items, truncated: truncatedAlerts, group: groupKey.slice(0, 255) };
}

function toItem(raw: unknown, index: number, receivedAt: string): Item {
  const parsed = ALERT.safeParse(raw);
  if (!parsed.success) return refusedItem(raw, faultsOf(parsed.error, raw, ["alerts", index]), NAME, receivedAt);
  const fits = bounded(toAlert(parsed.data, receivedAt));
  if (fits !== null) return { kind: "alert", ...fits };
  const fault = tooLarge(parsed.data.labels, fieldPath(["alerts", index, "labels"]));
  return refusedItem(raw, [fault], NAME, receivedAt);
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
