/** An OTLP/HTTP receiver that keeps what it is sent. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

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

export interface Collector {
  url: string;
  spans: SeenSpan[];
  /** As they came. */
  bodies: string[];
  headers: IncomingHttpHeaders[];
  /** What it answers from now on; default 200. */
  status: number | "silent";
  /** The body of its answers; default `{}`. */
  answer: object;
  close(): Promise<void>;
}

type Value = { stringValue?: string; boolValue?: boolean; intValue?: string; doubleValue?: number };
type KeyValues = { key: string; value: Value }[];
interface Body {
  resourceSpans: {
    resource: { attributes: KeyValues };
    scopeSpans: {
      spans: (Omit<SeenSpan, "attributes" | "failed" | "service"> & {
        attributes: KeyValues;
        status?: { code: number };
      })[];
    }[];
  }[];
}

/** `port` 0 takes a free one. */
export async function startCollector(port = 0): Promise<Collector> {
  const seen: Omit<Collector, "url" | "close"> = { spans: [], bodies: [], headers: [], status: 200, answer: {} };
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      seen.bodies.push(body);
      seen.headers.push(request.headers);
      const known = request.method === "POST" && request.url === "/v1/traces";
      if (known && seen.status === 200) seen.spans.push(...spansOf(JSON.parse(body) as Body));
      if (seen.status === "silent") return;
      response.writeHead(known ? seen.status : 404, { "content-type": "application/json" });
      response.end(JSON.stringify(seen.answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = (): Promise<void> => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return Object.assign(seen, { url, close });
}

function spansOf({ resourceSpans }: Body): SeenSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ attributes, status, ...span }) => ({
        ...span,
        attributes: plain(attributes),
        failed: status?.code === 2,
        service: String(plain(resource.attributes)["service.name"]),
      })),
    ),
  );
}

function plain(attributes: KeyValues): Record<string, string | number | boolean> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const number = value.intValue === undefined ? value.doubleValue : Number(value.intValue);
      return [key, value.stringValue ?? value.boolValue ?? number ?? ""];
    }),
  );
}
