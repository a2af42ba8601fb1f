/**
 * What a body of OTLP/JSON says, by OpenTelemetry's own definitions (`test/fixtures/opentelemetry-proto`, release 1.11.0
 * of opentelemetry-proto, as it is). Whatever they do not know is refused, as a receiver may do:
 * https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
import protobuf from "protobufjs";
import protojson from "protobufjs/ext/protojson.js";
import { projectPath } from "../../src/config/project.ts";

export interface SeenSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Record<string, string | number | boolean>;
  failed: boolean;
  /** `selfheal-worker`. */
  service: string;
}

type KeyValues = {
  key: string;
  value: { stringValue?: string; boolValue?: boolean; intValue?: string; doubleValue?: number };
}[];
interface Request {
  resourceSpans: {
    resource: { attributes: KeyValues };
    scopeSpans: {
      spans: (Pick<SeenSpan, "name" | "kind" | "startTimeUnixNano" | "endTimeUnixNano"> & {
        traceId: Uint8Array;
        spanId: Uint8Array;
        parentSpanId: Uint8Array;
        attributes: KeyValues;
        status: { code: number } | null;
      })[];
    }[];
  }[];
}

const FOLDER = projectPath("test/fixtures/opentelemetry-proto");
const root = new protobuf.Root();
root.resolvePath = (_origin, target) => `${FOLDER}/${target}`;
root.loadSync("opentelemetry/proto/collector/trace/v1/trace_service.proto");
const REQUEST = root.lookupType("opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest");

/** @throws Error for whatever the definitions do not know, and for ids of another length than theirs. */
export function decodeOtlp(body: string): SeenSpan[] {
  const message = protojson.fromJson(REQUEST, JSON.parse(body, idsAsProtoJson));
  const { resourceSpans } = REQUEST.toObject(message, { longs: String, enums: Number, defaults: true }) as Request;
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ name, kind, startTimeUnixNano, endTimeUnixNano, ...span }) => ({
        ...{ name, kind, startTimeUnixNano, endTimeUnixNano },
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        ...(span.parentSpanId.length === 0 ? {} : { parentSpanId: hex(span.parentSpanId) }),
        attributes: plain(span.attributes),
        failed: span.status?.code === 2,
        service: String(plain(resource.attributes)["service.name"]),
      })),
    ),
  );
}

/** Where OTLP departs from protobuf's JSON: ids are hexadecimal, not base64. An empty one is none. */
const ID_DIGITS: Record<string, number> = { traceId: 32, spanId: 16, parentSpanId: 16 };

function idsAsProtoJson(key: string, value: unknown): unknown {
  const digits = ID_DIGITS[key];
  if (digits === undefined) return value;
  const isId = typeof value === "string" && value.length === digits && /^[0-9a-f]*[1-9a-f][0-9a-f]*$/i.test(value);
  if (!isId)
    throw new Error(`${key} is ${JSON.stringify(value)}; right would be ${digits} hexadecimal digits, not all 0`);
  return Buffer.from(value, "hex").toString("base64");
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function plain(attributes: KeyValues): Record<string, string | number | boolean> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const number = value.intValue === undefined ? value.doubleValue : Number(value.intValue);
      return [key, value.stringValue ?? value.boolValue ?? number ?? ""];
    }),
  );
}
