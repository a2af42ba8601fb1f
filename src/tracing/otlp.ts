/**
 * Spans as OTLP/JSON (https://opentelemetry.io/docs/specs/otlp/#otlphttp). No package: what the SDK and its exporter
 * would bring is ten of them, for one POST (ADR 59).
 */
import type { EndedSpan, SpanKind } from "../ports/trace.ts";

export interface Origin {
  /** `selfheal-worker`. */
  service: string;
  version: string;
  /** Of this process among its like: `4711@host`. */
  instance: string;
}

type Value = { stringValue: string } | { boolValue: boolean } | { intValue: string } | { doubleValue: number };
interface KeyValue {
  key: string;
  value: Value;
}

/** Names and numbers of opentelemetry/proto/trace/v1/trace.proto. */
const KINDS: Record<SpanKind, number> = { internal: 1, server: 2, client: 3 };
const STATUS_ERROR = 2;

/** The body of one post. */
export function exportRequest(spans: readonly EndedSpan[], { service, version, instance }: Origin): object {
  const resource = {
    "service.name": service,
    "service.namespace": "selfheal",
    "service.version": version,
    "service.instance.id": instance,
  };
  return {
    resourceSpans: [
      {
        resource: { attributes: keyValues(resource) },
        scopeSpans: [{ scope: { name: "selfheal", version }, spans: spans.map(toOtlp) }],
      },
    ],
  };
}

/** How many spans of a post the answer says were not taken; 0 for whatever says nothing of it. */
export function rejectedIn(answer: string): number {
  const counted = /"rejectedSpans"\s*:\s*"?(\d+)/.exec(answer)?.[1];
  return counted === undefined ? 0 : Number(counted);
}

function toOtlp(span: EndedSpan): object {
  const { traceId, spanId, parentSpanId, name, kind, error } = span;
  const attributes = error === null ? span.attributes : { ...span.attributes, "error.type": error };
  return {
    traceId,
    spanId,
    ...(parentSpanId === null ? {} : { parentSpanId }),
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanoseconds(span.startMs),
    // A clock that was set back in between.
    endTimeUnixNano: nanoseconds(Math.max(span.startMs, span.endMs)),
    attributes: keyValues(attributes),
    ...(error === null ? {} : { status: { code: STATUS_ERROR } }),
  };
}

function nanoseconds(ms: number): string {
  // A time that is none must not keep its batch from leaving.
  return `${BigInt(Math.round(ms * 1_000) || 0) * 1_000n}`;
}

function keyValues(attributes: EndedSpan["attributes"]): KeyValue[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined || value === null ? [] : [{ key, value: toValue(value) }],
  );
}

function toValue(value: string | number | boolean): Value {
  if (typeof value === "string") return { stringValue: value.slice(0, LONGEST_VALUE) };
  if (typeof value === "boolean") return { boolValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

const LONGEST_VALUE = 255;
