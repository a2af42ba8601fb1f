import pino from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readEnv } from "../../src/config/env.ts";
import type { EndedSpan } from "../../src/ports/trace.ts";
import { startExporter, type Exporter } from "../../src/tracing/exporter.ts";
import { traceSettings } from "../../src/tracing/settings.ts";
import { startTracing } from "../../src/tracing/start.ts";
import { startCollector, type Collector } from "../support/collector.ts";

const NEVER_MS = 3_600_000;
let collector: Collector;
let lines: string[];
const log = pino({ level: "info" }, { write: (line: string) => void lines.push(line) });
beforeEach(async () => {
  collector = await startCollector();
  lines = [];
});
afterEach(() => collector.close());

function start(everyMs = NEVER_MS): Exporter {
  const origin = { service: "selfheal-test", version: "1.2.3", instance: "1@here" };
  const settings = traceSettings(
    readEnv({
      OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20hunter2,x-scope-orgid=ops",
    }),
  );
  if (settings === null) throw new Error("it is off");
  return startExporter({ ...settings, origin, fetch, log, everyMs });
}

function span(change: Partial<EndedSpan> = {}): EndedSpan {
  return {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    parentSpanId: "00f067aa0ba902b7",
    name: "ironic set power",
    kind: "client",
    startMs: 1_700_000_000_000.25,
    endMs: 1_700_000_000_001.5,
    attributes: { system: "ironic", status: 202, share: 0.5, ok: true, none: null, left: undefined },
    error: null,
    ...change,
  };
}

describe("spans on their way", () => {
  it("are OTLP/JSON: ids in hexadecimal, times in nanoseconds, with the headers of the setting", async () => {
    const exporter = start();
    exporter.end(span());
    await exporter.close();
    expect(collector.spans).toEqual([
      {
        traceId: "0af7651916cd43dd8448eb211c80319c",
        spanId: "b7ad6b7169203331",
        parentSpanId: "00f067aa0ba902b7",
        name: "ironic set power",
        kind: 3,
        startTimeUnixNano: "1700000000000250000",
        endTimeUnixNano: "1700000000001500000",
        attributes: { system: "ironic", status: 202, share: 0.5, ok: true },
        failed: false,
        service: "selfheal-test",
      },
    ]);
    expect(collector.headers[0]).toMatchObject({ authorization: "Bearer hunter2", "x-scope-orgid": "ops" });
  });

  it("say what kind of error they ended with, and are never shorter than nothing", async () => {
    const exporter = start();
    exporter.end(span({ error: "ambiguous", endMs: 0 }));
    await exporter.close();
    const [seen] = collector.spans;
    expect(seen).toMatchObject({ failed: true, attributes: { "error.type": "ambiguous" } });
    expect(seen?.endTimeUnixNano).toBe(seen?.startTimeUnixNano);
  });

  it("go out by themselves, in batches", async () => {
    const exporter = start(20);
    for (let i = 0; i < 1_300; i += 1) exporter.end(span());
    await expect.poll(() => collector.spans.length).toBe(1_300);
    expect(collector.bodies.length).toBeLessThanOrEqual(5);
    await exporter.close();
  });

  it("are kept while the collector says «later», and said once to be waiting", async () => {
    collector.status = 503;
    const exporter = start(10);
    exporter.end(span());
    await expect.poll(() => collector.bodies.length).toBeGreaterThan(3);
    collector.status = 200;
    await expect.poll(() => collector.spans.length).toBe(1);
    await exporter.close();
    expect(collector.spans).toHaveLength(1);
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      "spans are not taken: up to 4096 are kept",
      "spans are taken again",
    ]);
    expect(lines.join()).not.toContain("hunter2");
  });

  it("are lost, and said to be, when the collector refuses them for good", async () => {
    collector.status = 401;
    const exporter = start();
    exporter.end(span());
    await exporter.close();
    expect(collector.bodies).toHaveLength(1);
    expect(lines).toEqual([expect.stringContaining("spans are not taken: they are lost")]);
  });

  it("are bounded in memory while nobody listens, and what was lost is counted", async () => {
    await collector.close();
    const exporter = start();
    for (let i = 0; i < 5_000; i += 1) exporter.end(span());
    await exporter.close();
    const again = await startCollector(Number(new URL(collector.url).port));
    await exporter.close();
    expect(again.spans).toHaveLength(4_096);
    expect(JSON.parse(lines.at(-1) ?? "{}")).toMatchObject({ msg: "spans are taken again", lost: 904 });
    collector = again;
  });
});

describe("the settings", () => {
  it("without an endpoint there is no tracer", () => {
    expect(startTracing("worker", readEnv({ OTEL_EXPORTER_OTLP_HEADERS: "a=b" }), log)).toBeNull();
  });

  it.each(["collector:4318", "ftp://collector", "https://user:hunter2@collector"])(
    "an endpoint %s is refused without being shown",
    (value) => {
      expect(() => readEnv({ OTEL_EXPORTER_OTLP_ENDPOINT: value })).toThrow(
        /^environment variable OTEL_EXPORTER_OTLP_ENDPOINT: must be http:(?!.*hunter2)/,
      );
    },
  );

  it.each(["a=b,hunter2", "bad name=hunter2", "a=%zz-hunter2", "a=b%0d%0ahunter2: x"])(
    "headers %j are refused by their place, without their value",
    (value) => {
      const env = readEnv({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318", OTEL_EXPORTER_OTLP_HEADERS: value });
      expect(() => traceSettings(env)).toThrow(/OTEL_EXPORTER_OTLP_HEADERS: entry [12] is not NAME=VALUE(?!.*hunter2)/);
    },
  );

  it("an address of traces needs the place of the id", () => {
    expect(() => readEnv({ SELFHEAL_TRACE_URL: "https://tempo/trace" })).toThrow(/SELFHEAL_TRACE_URL: .*\{traceId\}/);
  });
});
