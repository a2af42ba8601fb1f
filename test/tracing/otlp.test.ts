/** What we send is OTLP by OpenTelemetry's own definitions; `decodeOtlp` stands behind every collector of our tests. */
import { describe, expect, it } from "vitest";
import { exportRequest } from "../../src/tracing/otlp.ts";
import type { EndedSpan } from "../../src/ports/trace.ts";
import { decodeOtlp } from "../support/otlp.ts";

const ORIGIN = { service: "selfheal-test", version: "1.2.3", instance: "1@here" };
const SPAN: EndedSpan = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  parentSpanId: null,
  name: "remediation",
  kind: "internal",
  startMs: 1_700_000_000_000,
  endMs: 1_700_000_000_001.5,
  attributes: {},
  error: null,
};
const sent = (...spans: Partial<EndedSpan>[]): string =>
  JSON.stringify(
    exportRequest(
      spans.map((change) => ({ ...SPAN, ...change })),
      ORIGIN,
    ),
  );

describe("what is sent", () => {
  it("is known to OpenTelemetry's definitions, every kind of value and every kind of span", () => {
    const attributes = { text: "ü", empty: "", whole: -7, large: 2 ** 53 - 1, share: 0.5, huge: 1e300, no: false };
    const spans = decodeOtlp(
      sent(
        { attributes },
        { kind: "server", parentSpanId: "00f067aa0ba902b7", error: "TypeError" },
        { kind: "client", startMs: 10, endMs: 5 },
        { startMs: Number.NaN, endMs: Number.NaN },
      ),
    );
    expect(spans.map(({ kind, failed }) => [kind, failed])).toEqual([
      [1, false],
      [2, true],
      [3, false],
      [1, false],
    ]);
    expect(spans[0]).toMatchObject({
      traceId: SPAN.traceId,
      spanId: SPAN.spanId,
      attributes,
      service: "selfheal-test",
    });
    expect(spans[0]).not.toHaveProperty("parentSpanId");
    expect(spans[0]).toMatchObject({
      startTimeUnixNano: "1700000000000000000",
      endTimeUnixNano: "1700000000001500000",
    });
    expect(spans[1]).toMatchObject({ parentSpanId: "00f067aa0ba902b7", attributes: { "error.type": "TypeError" } });
  });

  it("of a number that is none is taken as well: it must not keep its batch from leaving", () => {
    const attributes = { none: Number.NaN, endless: Number.POSITIVE_INFINITY };
    expect(decodeOtlp(sent({ attributes }))).toHaveLength(1);
  });
});

describe("the definitions refuse", () => {
  const edited = (from: string, to: string): string => {
    const text = sent({ attributes: { n: 1 } });
    expect(text).toContain(from);
    return text.replace(from, to);
  };
  it.each([
    [
      "a field that is not theirs",
      '"name":"remediation"',
      '"name":"remediation","colour":"red"',
      'unknown field: "colour"',
    ],
    ["snake case for ids", '"spanId"', '"id"', 'unknown field: "id"'],
    ["a kind by another name", '"kind":1', '"kind":"INTERNAL"', "unknown enum value"],
    ["a time with a fraction", "1700000000000000000", "17000000000.5", "not an integer"],
    ["a trace id that is too short", SPAN.traceId, "0af765", "right would be 32 hexadecimal digits"],
    ["a span id of nothing", SPAN.spanId, "0000000000000000", "not all 0"],
    ["a value of two kinds", '{"intValue":"1"}', '{"intValue":"1","boolValue":true}', "multiple values for oneof"],
    ["a number where a text belongs", '"name":"remediation"', '"name":5', "expected string"],
  ])("%s", (_what, from, to, why) => {
    expect(() => decodeOtlp(edited(from, to))).toThrow(why);
  });
});
