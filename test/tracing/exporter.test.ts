import pino from "pino";
import { Registry } from "prom-client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readEnv } from "../../src/config/env.ts";
import type { EndedSpan } from "../../src/ports/trace.ts";
import { startExporter, type Exporter } from "../../src/tracing/exporter.ts";
import { spanCounter } from "../../src/tracing/metrics.ts";
import { traceSettings } from "../../src/tracing/settings.ts";
import { startTracing } from "../../src/tracing/start.ts";
import { startCollector, type Collector } from "../support/collector.ts";

const NEVER_MS = 3_600_000;
let collector: Collector;
let lines: string[];
let registry: Registry;
const log = pino({ level: "info" }, { write: (line: string) => void lines.push(line) });
beforeEach(async () => {
  collector = await startCollector();
  lines = [];
  registry = new Registry();
});
afterEach(() => collector.close());

/** Sent and lost, as `/metrics` has them. */
async function counted(): Promise<number[]> {
  const values = (await registry.getSingleMetric("selfheal_trace_spans_total")?.get())?.values ?? [];
  return values.map(({ value }) => value);
}

function start({ everyMs = NEVER_MS, closeMs = 10_000 } = {}): Exporter {
  const origin = { service: "selfheal-test", version: "1.2.3", instance: "1@here" };
  const settings = traceSettings(
    readEnv({
      OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20hunter2,x-scope-orgid=ops",
    }),
  );
  if (settings === null) throw new Error("it is off");
  return startExporter({ ...settings, origin, fetch, log, counter: spanCounter(registry), everyMs, closeMs });
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
    const exporter = start({ everyMs: 20 });
    for (let i = 0; i < 1_300; i += 1) exporter.end(span());
    await expect.poll(() => collector.spans.length).toBe(1_300);
    expect(collector.bodies.length).toBeLessThanOrEqual(5);
    await exporter.close();
  });

  it("are kept while the collector says «later», and said once to be waiting", async () => {
    collector.status = 503;
    const exporter = start({ everyMs: 10 });
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
    expect(await counted()).toEqual([0, 1]);
  });

  it("that a collector takes only in part are counted, and not sent again", async () => {
    collector.answer = { partialSuccess: { rejectedSpans: "2", errorMessage: "too old" } };
    const exporter = start();
    for (let i = 0; i < 5; i += 1) exporter.end(span());
    await exporter.close();
    expect(collector.bodies).toHaveLength(1);
    expect(lines).toEqual([expect.stringContaining("it rejected 2 of a batch")]);
    expect(await counted()).toEqual([3, 2]);
  });

  it("leave with the rest of their batch, whatever their times are", async () => {
    const exporter = start();
    exporter.end(span({ startMs: Number.NaN }));
    exporter.end(span());
    await exporter.close();
    expect(collector.spans.map(({ startTimeUnixNano }) => startTimeUnixNano)).toEqual(["0", "1700000000000250000"]);
  });

  it("hold up the end of their process only so long, and are then said to be lost", async () => {
    collector.status = "silent";
    const exporter = start({ closeMs: 50 });
    for (let i = 0; i < 600; i += 1) exporter.end(span());
    const startedAt = performance.now();
    await exporter.close();
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    expect(lines.at(-1)).toContain("spans are lost: nobody took them in time");
    expect(await counted()).toEqual([0, 600]);
  });

  it("are bounded in memory while nobody listens, and what was lost is counted", async () => {
    await collector.close();
    const exporter = start({ everyMs: 10 });
    for (let i = 0; i < 5_000; i += 1) exporter.end(span());
    collector = await startCollector(Number(new URL(collector.url).port));
    await expect.poll(() => collector.spans.length).toBe(4_096);
    await exporter.close();
    expect(await counted()).toEqual([4_096, 904]);
  });
});

describe("the settings", () => {
  it("without an endpoint there is no tracer", () => {
    const env = readEnv({ OTEL_EXPORTER_OTLP_HEADERS: "a=b" });
    expect(startTracing(env, { kind: "worker", log, registry, defer: () => expect.unreachable() })).toBeNull();
  });

  it.each(["collector:4318", "ftp://collector", "https://user:hunter2@collector", "http://collector?key=hunter2"])(
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
