/** An OTLP/HTTP receiver that keeps what it is sent, and refuses what OpenTelemetry does not define. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { decodeOtlp, type SeenSpan } from "./otlp.ts";

export interface Collector {
  url: string;
  spans: SeenSpan[];
  /** As they came. */
  bodies: string[];
  headers: IncomingHttpHeaders[];
  /** Why it did not take a body. */
  refused: string[];
  /** What it answers from now on; default 200. */
  status: number | "silent";
  /** The body of its answers; default `{}`. */
  answer: object;
  close(): Promise<void>;
}

/** `port` 0 takes a free one. */
export async function startCollector(port = 0): Promise<Collector> {
  const seen: Omit<Collector, "url" | "close"> = {
    spans: [],
    bodies: [],
    headers: [],
    refused: [],
    status: 200,
    answer: {},
  };
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      seen.bodies.push(body);
      seen.headers.push(request.headers);
      const { status } = seen;
      if (status === "silent") return;
      const known = request.method === "POST" && request.url === "/v1/traces";
      const refused = known && status === 200 ? take(seen, body) : null;
      const answered = refused === null ? (known ? status : 404) : 400;
      response.writeHead(answered, { "content-type": "application/json" });
      response.end(JSON.stringify(refused === null ? seen.answer : { code: 3, message: refused }));
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

/** Answers why it is not taken. */
function take(seen: Pick<Collector, "spans" | "refused">, body: string): string | null {
  try {
    seen.spans.push(...decodeOtlp(body));
    return null;
  } catch (error) {
    const { message } = error as Error;
    seen.refused.push(message);
    return message;
  }
}
