/**
 * What runs for one remediation knows it: its log lines carry the id, and with a tracer each piece of work is a span of
 * one trace. Where nothing is traced, `inSpan` only calls the work. Spans are kept short (a webhook, an activity, a
 * request), because a span that is open for days is lost with its process (ADR 59).
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { createHash, randomBytes } from "node:crypto";
import { AdapterError } from "./failure.ts";

export type SpanKind = "internal" | "server" | "client";
/** Undefined is left out. Never a secret, never a body. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** What OpenTelemetry calls a span, when it has ended. */
export interface EndedSpan {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 hexadecimal digits. */
  spanId: string;
  parentSpanId: string | null;
  name: string;
  kind: SpanKind;
  /** Milliseconds since 1970, with fractions. */
  startMs: number;
  endMs: number;
  attributes: SpanAttributes;
  /** What kind of error it ended with; null: none. */
  error: string | null;
}

export interface Tracer {
  /** Milliseconds since 1970, with fractions. */
  now(): number;
  /** Never throws and never waits. */
  end(span: EndedSpan): void;
}

export interface SpanStart {
  name: string;
  kind: SpanKind;
  attributes?: SpanAttributes;
  /** Default: now. */
  startMs?: number;
}

/** Adds what is only known while the work runs. */
export type Note = (attributes: SpanAttributes) => void;

interface Scope {
  remediationId: string;
  /** The span that is open here; null: nothing is traced. */
  span: { tracer: Tracer; traceId: string; spanId: string } | null;
}

const scopes = new AsyncLocalStorage<Scope>();
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The trace of a remediation: its id without the dashes, so that one id finds everything. Null for what is no UUID in
 * small letters: only starters make ids, and they make these.
 */
export function traceIdOf(remediationId: string): string | null {
  return UUID.test(remediationId) ? remediationId.replaceAll("-", "") : null;
}

/** Of the span of the whole remediation: known from the beginning, sent when it closes. */
function rootSpanIdOf(traceId: string): string {
  return traceId.slice(16);
}

/** Runs what belongs to one remediation, as a span below the whole one's; without a tracer it only makes the id known. */
export function inRemediation<T>(
  remediationId: string,
  tracer: Tracer | null,
  start: SpanStart,
  work: (note: Note) => Promise<T>,
): Promise<T> {
  const traceId = tracer === null ? null : traceIdOf(remediationId);
  if (tracer === null || traceId === null) {
    return scopes.run({ remediationId, span: null }, () => work(ignore));
  }
  const parent = { tracer, traceId, spanId: rootSpanIdOf(traceId) };
  return traced({ remediationId, span: parent }, parent, start, work);
}

/** A span below the one that is open here; where none is, only the work. */
export function inSpan<T>(start: SpanStart, work: (note: Note) => Promise<T>): Promise<T> {
  const scope = scopes.getStore();
  return scope === undefined || scope.span === null ? work(ignore) : traced(scope, scope.span, start, work);
}

/** A time that has passed. */
export type Stretch = Pick<EndedSpan, "name" | "startMs" | "endMs" | "attributes">;

/** The whole remediation with what it waited for, once it has closed. Sent twice, they are the same spans again. */
export function endRemediation(
  remediationId: string,
  tracer: Tracer,
  whole: Stretch & Pick<EndedSpan, "error">,
  waits: readonly Stretch[],
): void {
  const traceId = traceIdOf(remediationId);
  if (traceId === null) return;
  const root = rootSpanIdOf(traceId);
  tracer.end({ ...whole, traceId, spanId: root, parentSpanId: null, kind: "internal" });
  for (const wait of waits) {
    const spanId = createHash("sha256").update(`${traceId} ${wait.name} ${wait.startMs}`).digest("hex").slice(0, 16);
    tracer.end({ ...wait, traceId, spanId, parentSpanId: root, kind: "internal", error: null });
  }
}

/**
 * W3C Trace Context for a request to another system, so that what that one traces hangs below the span that is open here.
 * Empty where nothing is traced.
 */
export function traceHeaders(): { traceparent?: string } {
  const span = scopes.getStore()?.span ?? null;
  return span === null ? {} : { traceparent: `00-${span.traceId}-${span.spanId}-01` };
}

/** For every log line: what it is about. */
export function logFields(): Record<string, string> {
  const scope = scopes.getStore();
  if (scope === undefined) return {};
  const { remediationId, span } = scope;
  return span === null ? { remediationId } : { remediationId, trace_id: span.traceId, span_id: span.spanId };
}

const ignore: Note = () => undefined;

async function traced<T>(
  scope: Scope,
  parent: NonNullable<Scope["span"]>,
  start: SpanStart,
  work: (note: Note) => Promise<T>,
): Promise<T> {
  const { tracer, traceId } = parent;
  const spanId = randomBytes(8).toString("hex");
  const startMs = start.startMs ?? tracer.now();
  const attributes = { ...start.attributes };
  let error: string | null = null;
  try {
    return await scopes.run({ ...scope, span: { tracer, traceId, spanId } }, () =>
      work((more) => void Object.assign(attributes, more)),
    );
  } catch (thrown) {
    error = kindOf(thrown);
    throw thrown;
  } finally {
    const { name, kind } = start;
    const { spanId: parentSpanId } = parent;
    tracer.end({ traceId, spanId, parentSpanId, name, kind, startMs, endMs: tracer.now(), attributes, error });
  }
}

/** Not its message: that may quote what another system said. */
function kindOf(error: unknown): string {
  if (error instanceof AdapterError) return error.failure;
  return error instanceof Error ? error.name : "unknown";
}
