/** Alerts that break what reads them carelessly: what a rule's author, or somebody worse, can put into an alert. */
import type { WebhookAlert, WebhookPayload } from "../../src/lab/alerts.ts";

/** Each as its sender would have it in JSON. */
export const POISON: Record<string, (alert: WebhookAlert) => object> = {
  "NUL in labels and annotations": (alert) => withLabels(alert, { rack: "r\0", "a\0b": "c" }, { summary: "s\0" }),
  "half surrogate pairs": (alert) => withLabels(alert, { rack: "\ud800", "\udfff": "x" }, { summary: "\ud83d" }),
  "a label of a megabyte": (alert) => withLabels(alert, { rack: "r".repeat(1_000_000) }),
  "annotations of a megabyte": (alert) => withLabels(alert, {}, { summary: "s".repeat(1_000_000) }),
  "ten thousand labels": (alert) =>
    withLabels(alert, Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`label${index}`, "x"]))),
  // Through JSON: in a literal it would be the prototype.
  "names of Object's own properties": (alert) =>
    withLabels(alert, JSON.parse('{"__proto__":"x","constructor":"y","hasOwnProperty":"z","toString":"t"}') as object),
  "numbers where texts belong": (alert) => ({ ...withLabels(alert, { rack: 7 }), fingerprint: 12_345 }),
  "JSON a hundred thousand deep": (alert) => ({ ...alert, annotations: { summary: DEEP } }),
  "a start beyond the end of time": (alert) => ({ ...alert, startsAt: "+275760-09-13T00:00:01Z" }),
  "a start that is no date": (alert) => ({ ...alert, startsAt: "9999-99-99T99:99:99Z" }),
  "a start in the year 0": (alert) => ({ ...alert, startsAt: "0000-01-01T00:00:00Z" }),
  "expressions and markup": (alert) =>
    withLabels(alert, { rack: "${{ target.id }}", note: "`**[x](javascript:0)**`\n# y" }, { summary: "${{ config }}" }),
  "a host that climbs out of its folder": (alert) =>
    withLabels(alert, { host: "../../etc/passwd", instance: "%2e%2e:1" }),
  "a host of many kilobytes": (alert) => withLabels(alert, { host: "h".repeat(8_000), instance: "i".repeat(4_000) }),
  "nothing but a name": ({ labels: { alertname }, ...alert }) => ({ ...alert, labels: { alertname } }),
};

/** No object could be written that deep. */
const DEEP = "as deep as can be";
const LEVELS = 100_000;

/** The body with this alert alone, as text. Each poison has a fingerprint of its own, as another label set would have. */
export function poisonBody(name: string, payload: WebhookPayload): string {
  const [alert] = payload.alerts;
  if (alert === undefined) throw new Error("the payload has no alert to poison");
  const poisoned = POISON[name]?.({ ...alert, fingerprint: fingerprintOf(name) });
  const text = JSON.stringify({ ...payload, alerts: [poisoned] });
  return text.replace(JSON.stringify(DEEP), () => `${"[".repeat(LEVELS)}1${"]".repeat(LEVELS)}`);
}

export function fingerprintOf(name: string): string {
  return name.replaceAll(/\W+/g, "-");
}

function withLabels(alert: WebhookAlert, labels: object, annotations: object = {}): object {
  return { ...alert, labels: { ...alert.labels, ...labels }, annotations: { ...alert.annotations, ...annotations } };
}
