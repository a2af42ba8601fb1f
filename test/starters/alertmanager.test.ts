import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_ALERT_BYTES } from "../../src/contracts/alert.ts";
import { faultKey } from "../../src/contracts/ids.ts";
import { ProblemError } from "../../src/starters/problems.ts";
import { alertmanager } from "../../src/starters/sources/alertmanager.ts";
import { alertBytes } from "../../src/starters/sources/bounds.ts";
import type { Batch, Item } from "../../src/starters/sources/source.ts";
import { bodyFor, captured, RECEIVED_AT } from "./support/bodies.ts";

const options = { receivedAt: RECEIVED_AT, maxAlerts: 100 };
const normalise = (body: unknown): Batch => alertmanager.normalise(body, options);

function alertsOf(batch: Batch) {
  return batch.items.map((item) => {
    if (item.kind !== "alert") throw new Error(`refused: ${JSON.stringify(item.faults)}`);
    return item.alert;
  });
}

function refusedAt(batch: Batch, index: number): Extract<Item, { kind: "refused" }> {
  const item = batch.items[index];
  if (item?.kind !== "refused") throw new Error(`item ${index} was not refused`);
  return item;
}

function problemOf(body: unknown): ProblemError {
  try {
    normalise(body);
  } catch (error) {
    if (error instanceof ProblemError) return error;
    throw error;
  }
  throw new Error("the body was accepted");
}

describe("a captured body", () => {
  test("becomes one alert each, without the end of year 1", () => {
    const alerts = alertsOf(normalise(captured("03-firing")));
    expect(alerts.map(({ status, labels, startsAt, endsAt }) => [status, labels["host"], startsAt, endsAt])).toEqual([
      ["firing", "web-1", "2026-11-21T02:11:03.124Z", null],
      ["firing", "web-2", "2026-11-21T02:11:03.124Z", null],
    ]);
    expect(alerts[0]).toMatchObject({
      source: "alertmanager",
      receivedAt: RECEIVED_AT,
      fingerprint: "9270d50ff1e9fea7",
    });
  });

  test("is decided alert by alert: one resolved in a group that still fires", () => {
    const alerts = alertsOf(normalise(captured("04-firing")));
    expect(alerts.map(({ status, endsAt }) => [status, endsAt])).toEqual([
      ["resolved", "2026-11-21T02:11:10.124Z"],
      ["firing", null],
    ]);
  });

  test("keeps a fault the same from firing to resolved", () => {
    const firing = alertsOf(normalise(captured("03-firing")));
    const resolved = alertsOf(normalise(captured("05-resolved")));
    expect(faultKey(resolved[0]!)).toBe(faultKey(firing[1]!));
  });
});

describe("times", () => {
  test.each([
    ["2026-11-21T02:11:03Z", "2026-11-21T02:11:03.000Z"],
    ["2026-11-21T02:11:03.124567891Z", "2026-11-21T02:11:03.124Z"],
    ["2026-11-21T04:11:03.124+02:00", "2026-11-21T02:11:03.124Z"],
  ])("startsAt %s is %s", (given, expected) => {
    expect(alertsOf(normalise(bodyFor(["web-1"], { startsAt: given })))[0]?.startsAt).toBe(expected);
  });

  test("a resolved alert without an end ended when it was received", () => {
    const body = bodyFor(["web-1"], { status: "resolved" });
    expect(alertsOf(normalise(body))[0]?.endsAt).toBe(RECEIVED_AT);
  });
});

describe("an envelope that can never be accepted", () => {
  test.each([
    ["version", { version: "3" }, '"3"'],
    ["version", { version: undefined }, "nothing"],
    ["version", { version: 4 }, "4"],
    ["alerts", { alerts: undefined }, "nothing"],
    ["alerts", { alerts: {} }, "{}"],
    ["truncatedAlerts", { truncatedAlerts: -1 }, "-1"],
  ])("names %s", (field, change, value) => {
    const problem = problemOf({ ...captured("03-firing"), ...change });
    expect(problem.status).toBe(422);
    expect(problem.faults[0]).toMatchObject({ field, value });
    expect(problem.message).toContain(field);
  });

  test.each([null, [], "text", 7])("is no object: %j", (body) => {
    expect(problemOf(body).faults[0]?.field).toBe("(the body)");
  });

  test("too many alerts: says the limit and the cure", () => {
    const problem = problemOf(bodyFor(Array.from({ length: 101 }, (_, index) => `web-${index}`)));
    expect(problem.status).toBe(413);
    expect(problem.message).toMatch(/101 .* 100; set max_alerts/);
  });
});

describe("an alert that can never be accepted", () => {
  test.each([
    ["alerts[1].labels.severity", { labels: { alertname: "A", severity: 3 } }, "3"],
    ["alerts[1].annotations.summary", { annotations: { summary: null } }, "null"],
    ["alerts[1].labels", { labels: undefined }, "nothing"],
    ["alerts[1].status", { status: "pending" }, '"pending"'],
    ["alerts[1].startsAt", { startsAt: "yesterday" }, '"yesterday"'],
    ["alerts[1].fingerprint", { fingerprint: "" }, '""'],
  ])("is refused alone, naming %s", (field, change, value) => {
    const body = bodyFor(["web-1", "web-2", "web-3"]);
    body.alerts[1] = { ...body.alerts[1]!, ...(change as object) };
    const batch = normalise(body);
    expect(batch.items.map((item) => item.kind)).toEqual(["alert", "refused", "alert"]);
    expect(refusedAt(batch, 1).faults[0]).toMatchObject({ field, value });
  });

  test("leaves the same stub at every repetition, so that it is one row in the record", () => {
    const body = bodyFor(["web-1"], { labels: { alertname: "A", severity: 3 }, fingerprint: "" });
    const [first, second] = [refusedAt(normalise(body), 0).stub, refusedAt(normalise(body), 0).stub];
    expect(faultKey(first)).toBe(faultKey(second));
    expect(first).toMatchObject({ labels: { alertname: "A" }, status: "firing" });
  });
});

describe("an alert of more than 16 kB", () => {
  test("loses text of annotations, marked, and never of labels", () => {
    const body = bodyFor(["web-1"], { annotations: { summary: "short", log: "x".repeat(40_000) } });
    const [item] = normalise(body).items;
    if (item?.kind !== "alert") throw new Error("refused");
    expect(item.clipped).toBe(true);
    expect(alertBytes(item.alert)).toBeLessThanOrEqual(MAX_ALERT_BYTES);
    expect(item.alert.annotations["log"]).toContain("[clipped by selfheal, was 40000 characters]");
    expect(item.alert.annotations["summary"]).toBe("short");
    expect(item.alert.labels["host"]).toBe("web-1");
  });

  test("loses all annotations when there are too many", () => {
    const annotations = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`name-${index}`, "value"]));
    const [alert] = alertsOf(normalise(bodyFor(["web-1"], { annotations })));
    expect(alert?.annotations).toEqual({ selfheal_clipped: "all 2000 annotations left out: too large" });
  });

  test("is refused when its labels alone do not fit, and does not take the others with it", () => {
    const body = bodyFor(["web-1", "web-2"]);
    body.alerts[0]!.labels["huge"] = "x".repeat(20_000);
    const batch = normalise(body);
    expect(refusedAt(batch, 0).faults[0]).toMatchObject({ field: "alerts[0].labels" });
    expect(alertBytes(refusedAt(batch, 0).stub)).toBeLessThan(MAX_ALERT_BYTES);
    expect(batch.items[1]?.kind).toBe("alert");
  });
});

describe("hostile text", () => {
  test("NUL and half surrogate pairs do not get through", () => {
    const [alert] = alertsOf(normalise(bodyFor(["web-1"], { labels: { alertname: "a\0b", ["k\ud800"]: "\udfff" } })));
    expect(JSON.stringify(alert)).not.toMatch(/\\u0000|\\ud800|\\udfff/);
    expect(alert?.labels["alertname"]).toBe("a\uFFFDb");
  });

  test("a label called __proto__ is a label", () => {
    const body = JSON.stringify(bodyFor(["web-1"])).replace('"labels":{', '"labels":{"__proto__":"x",');
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
    expect(normalise(JSON.parse(body)).items).toHaveLength(1);
  });

  test("a very deep alert is refused, not a crash", () => {
    const deep = JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`) as unknown;
    const batch = normalise({ ...captured("03-firing"), alerts: [deep] });
    expect(refusedAt(batch, 0).faults[0]?.field).toBe("alerts[0]");
  });
});

describe("whatever comes", () => {
  const bounded = (batch: Batch): boolean =>
    batch.items.every((item) => alertBytes(item.kind === "alert" ? item.alert : item.stub) <= MAX_ALERT_BYTES);

  test("garbage is a typed problem or a batch within bounds, never another error", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        try {
          return bounded(normalise(body));
        } catch (error) {
          return error instanceof ProblemError;
        }
      }),
    );
  });

  test("garbage in place of any part of an alert never takes the other alerts along", () => {
    const part = fc.constantFrom(
      "status",
      "labels",
      "annotations",
      "startsAt",
      "endsAt",
      "fingerprint",
      "labels.severity",
    );
    fc.assert(
      fc.property(part, fc.jsonValue(), (field, value) => {
        const body = bodyFor(["web-1", "web-2"]);
        const [alert] = body.alerts;
        if (field === "labels.severity") alert!.labels["severity"] = value;
        else Object.assign(alert!, { [field]: value });
        const batch = normalise(body);
        return batch.items[1]?.kind === "alert" && bounded(batch);
      }),
    );
  });

  test("text of any length and kind in labels and annotations stays within bounds", () => {
    const record = fc.dictionary(
      fc.string({ unit: "binary", maxLength: 50 }),
      fc.string({ unit: "binary", maxLength: 30_000 }),
    );
    fc.assert(
      fc.property(record, record, (labels, annotations) => bounded(normalise(bodyFor(["w"], { labels, annotations })))),
      { numRuns: 50 },
    );
  });
});
