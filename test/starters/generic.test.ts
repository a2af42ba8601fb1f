import { describe, expect, test } from "vitest";
import type { Alert } from "../../src/contracts/alert.ts";
import { ProblemError } from "../../src/starters/problems.ts";
import { generic } from "../../src/starters/sources/generic.ts";
import type { Batch } from "../../src/starters/sources/source.ts";
import { RECEIVED_AT } from "./support/bodies.ts";

const STARTS = "2026-11-21T02:11:03.124Z";
const ALERT = { labels: { alertname: "DiskFull", host: "web-1" }, startsAt: STARTS };
const EVENT = {
  specversion: "1.0",
  id: "e-1",
  source: "/zabbix",
  type: "com.example.alert",
  time: STARTS,
  data: { labels: ALERT.labels },
};

function normalise(body: unknown, headers: Record<string, string> = {}): Batch {
  const all: Record<string, string> = { "content-type": "application/json", ...headers };
  return generic.normalise(body, { receivedAt: RECEIVED_AT, maxAlerts: 3, header: (name) => all[name] });
}
function alerts(batch: Batch): Alert[] {
  return batch.items.flatMap((item) => (item.kind === "alert" ? [item.alert] : []));
}
const faults = (batch: Batch) => batch.items.flatMap((item) => (item.kind === "refused" ? item.faults : []));

test("an alert in our own words: status, fingerprint and end have defaults", () => {
  const [alert] = alerts(normalise({ alerts: [ALERT] }));
  expect(alert).toEqual({
    fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
    status: "firing",
    labels: ALERT.labels,
    annotations: {},
    startsAt: STARTS,
    endsAt: null,
    source: "generic",
    receivedAt: RECEIVED_AT,
  });
  const [ended] = alerts(
    normalise({ alerts: [{ ...ALERT, status: "resolved", endsAt: "2026-11-21T03:00:00+01:00" }] }),
  );
  expect(ended).toMatchObject({
    status: "resolved",
    endsAt: "2026-11-21T02:00:00.000Z",
    fingerprint: alert?.fingerprint,
  });
});

describe("a CloudEvent", () => {
  const structured = { "content-type": "application/cloudevents+json; charset=utf-8" };
  const expected = {
    labels: ALERT.labels,
    startsAt: STARTS,
    annotations: { cloudEventSource: "/zabbix", cloudEventType: "com.example.alert", cloudEventId: "e-1" },
  };
  test("structured", () => expect(alerts(normalise(EVENT, structured))).toMatchObject([expected]));

  test("binary: its attributes are headers", () => {
    const { data, ...attributes } = EVENT;
    const headers = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]));
    expect(alerts(normalise(data, headers))).toMatchObject([expected]);
  });

  test("in a batch: one that is wrong does not take the others with it", () => {
    const batch = normalise([EVENT, { ...EVENT, specversion: "0.3" }], {
      "content-type": "application/cloudevents-batch+json",
    });
    expect(alerts(batch)).toMatchObject([expected]);
    expect(faults(batch)).toEqual([
      { field: "[1].specversion", value: '"0.3"', wouldBeRight: '"1.0", of CloudEvents' },
    ]);
  });

  test("its data says when it started, or its time does; without either it is refused", () => {
    const own = { ...EVENT, data: { ...EVENT.data, startsAt: "2026-11-20T00:00:00Z" } };
    expect(alerts(normalise(own, structured))[0]?.startsAt).toBe("2026-11-20T00:00:00.000Z");
    const { time: _, ...timeless } = EVENT;
    expect(faults(normalise(timeless, structured))).toMatchObject([{ field: "data.startsAt", value: "nothing" }]);
  });
});

describe("what can never be accepted", () => {
  test.each([
    [{ labels: {}, startsAt: STARTS }, "alerts[0].labels"],
    [{ labels: { a: 1 }, startsAt: STARTS }, "alerts[0].labels.a"],
    [{ labels: ALERT.labels }, "alerts[0].startsAt"],
    [{ ...ALERT, startsAt: "yesterday" }, "alerts[0].startsAt"],
    [{ ...ALERT, status: "open" }, "alerts[0].status"],
    [{ ...ALERT, fingerprint: "a b" }, "alerts[0].fingerprint"],
    ["text", "alerts[0]"],
    [{ ...ALERT, labels: { a: "x".repeat(20_000) } }, "alerts[0].labels"],
  ])("%j is refused at %s, and the next alert is taken", (wrong, field) => {
    const batch = normalise({ alerts: [wrong, ALERT] });
    expect(faults(batch)[0]?.field).toBe(field);
    expect(alerts(batch)).toHaveLength(1);
  });

  test.each([
    [{}, {}],
    [[ALERT], {}],
    [{ alerts: ALERT }, {}],
    [{}, { "content-type": "application/cloudevents-batch+json" }],
    [{ alerts: [ALERT, ALERT, ALERT, ALERT] }, {}],
  ])("the body %j is refused whole", (body, headers) => {
    expect(() => normalise(body, headers)).toThrow(ProblemError);
  });
});
