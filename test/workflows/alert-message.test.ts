import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_ALERT_BYTES, type Alert } from "../../src/contracts/alert.ts";
import { received } from "../../src/workflows/alert-message.ts";

const ALERT: Alert = {
  fingerprint: "f1",
  status: "firing",
  labels: { alertname: "SmartDiskFailing", severity: "critical", host: "web-1" },
  annotations: { summary: "a disk fails" },
  startsAt: "2026-11-21T02:11:03.124Z",
  endsAt: null,
  source: "alertmanager",
  receivedAt: "2026-11-21T02:11:04.000Z",
};
const MESSAGE = { alert: ALERT, remediationId: "r-1", joinKey: "disk-replacement" };
const change = (alert: object, rest: object = {}): unknown => ({ ...MESSAGE, ...rest, alert: { ...ALERT, ...alert } });

describe("an alert's signal", () => {
  it("of a starter is kept as it came", () => {
    expect(received(MESSAGE)).toEqual({ kind: "alert", message: MESSAGE });
  });

  it.each<[string, unknown, RegExp]>([
    ["is nothing", null, /^remediationId: expected a text/],
    ["is a number", 7, /^remediationId/],
    ["has no alert", { ...MESSAGE, alert: undefined }, /^alert\.fingerprint/],
    ["names no remediation", change({}, { remediationId: "" }), /^remediationId/],
    ["names one that no database takes", change({}, { remediationId: "r\0" }), /^remediationId/],
    ["has an endless join key", change({}, { joinKey: "x".repeat(256) }), /^joinKey/],
    ["has a fingerprint with a space", change({ fingerprint: "a b" }), /^alert\.fingerprint/],
    ["began at no time", change({ startsAt: "9999-99-99" }), /^alert\.startsAt/],
    ["is neither firing nor resolved", change({ status: "maybe" }), /^alert\.status/],
  ])("that %s names no fault, and says what is missing", (_, given, fault) => {
    expect(received(given)).toEqual({ kind: "nameless", fault: expect.stringMatching(fault) as string });
  });

  it.each<[string, object, RegExp]>([
    ["labels of a megabyte", { labels: { ...ALERT.labels, x: "x".repeat(1_000_000) } }, /characters; at most 16384/],
    ["annotations of a megabyte", { annotations: { x: "x".repeat(1_000_000) } }, /characters; at most 16384/],
    ["a list for labels", { labels: ["host"] }, /labels are no object/],
    ["a number for a label", { labels: { ...ALERT.labels, rack: 7 } }, /labels are no object/],
    ["no annotations", { annotations: undefined }, /annotations are no object/],
    ["no source", { source: 1 }, /where it came from/],
    ["an end that is no time", { endsAt: "soon" }, /end is no time/],
  ])("with %s stands for its fault by name alone: no runbook matches it", (_, alert, why) => {
    const came = received(change(alert));
    if (came.kind !== "alert") throw new Error(came.fault);
    const { labels, annotations, ...rest } = came.message.alert;
    expect(rest).toMatchObject({ fingerprint: "f1", startsAt: ALERT.startsAt, status: "firing" });
    expect(Object.keys(labels).every((name) => ["alertname", "severity"].includes(name))).toBe(true);
    expect(annotations["selfheal_refused"]).toMatch(why);
    expect(came.message).toMatchObject({ remediationId: "r-1", joinKey: "disk-replacement" });
  });

  it("is cleaned of what the record cannot keep", () => {
    const came = received(change({ labels: { "a\0": "b\ud800" }, annotations: { c: "\0" }, source: "s\0" }));
    const alert = { labels: { "a\uFFFD": "b\uFFFD" }, annotations: { c: "\uFFFD" }, source: "s\uFFFD" };
    expect(came).toMatchObject({ kind: "alert", message: { alert } });
  });

  it("is kept without what no alert has, however deep that is", () => {
    let extra: unknown = "bottom";
    for (let level = 0; level < 50_000; level++) extra = [extra];
    expect(received(change({ extra }))).toEqual({ kind: "alert", message: MESSAGE });
  });

  it("of any shape never throws, and what is kept is bounded and clean", () => {
    const text = fc.string({ unit: "binary", maxLength: 40 });
    const fields = fc.record(
      {
        fingerprint: fc.oneof(fc.constant("f1"), fc.anything()),
        status: fc.oneof(fc.constant("firing"), fc.anything()),
        startsAt: fc.oneof(fc.constant(ALERT.startsAt), fc.anything()),
        labels: fc.oneof(fc.dictionary(text, text), fc.anything()),
        annotations: fc.oneof(fc.dictionary(text, fc.oneof(text, fc.constant("x".repeat(20_000)))), fc.anything()),
        source: fc.oneof(text, fc.anything()),
        receivedAt: fc.constant(ALERT.receivedAt),
        endsAt: fc.oneof(fc.constant(null), fc.anything()),
      },
      { requiredKeys: [] },
    );
    const any = fc.oneof(
      fc.anything(),
      fields.map((alert) => ({ ...MESSAGE, alert })),
    );
    fc.assert(
      fc.property(any, (given) => {
        const came = received(given);
        if (came.kind === "nameless") return;
        const kept = JSON.stringify(came.message.alert);
        expect(kept.length).toBeLessThanOrEqual(MAX_ALERT_BYTES + 1_000);
        expect(kept).not.toMatch(/\\u0000|\\ud[89a-f]/i);
      }),
    );
  });
});
