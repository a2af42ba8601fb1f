/**
 * What listens while the API itself cannot start yet: alive, not ready, and 503 for everything else, so that a platform
 * does not restart it and a sender sends again.
 */
import { createServer } from "node:http";
import { closeServer, listen } from "./serve.ts";

export interface WaitingRoom {
  port: number;
  /** What is waited for now. */
  say(part: string, why: string): void;
  close(): Promise<void>;
}

const RETRY_AFTER_SECONDS = 5;

export async function openWaitingRoom(where: { host: string; port: number }): Promise<WaitingRoom> {
  let waits = { part: "record", why: "not asked yet" };
  const server = createServer((request, response) => {
    const [path] = (request.url ?? "").split("?");
    if (path === "/healthz") {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ alive: true }));
      return;
    }
    const { part, why } = waits;
    const body =
      path === "/readyz"
        ? { ready: false, parts: { [part]: { ready: false, detail: why } } }
        : {
            ...{
              type: `urn:selfheal:problem:unavailable-${part}`,
              title: `Cannot take this now: ${part}`,
              status: 503,
            },
            ...{ detail: why, instance: path },
          };
    const type = path === "/readyz" ? "application/json" : "application/problem+json";
    // The body of an alert is not read: the connection cannot be used again.
    const headers = { "content-type": type, "retry-after": String(RETRY_AFTER_SECONDS), connection: "close" };
    response.writeHead(503, headers).end(JSON.stringify(body));
  });
  const port = await listen(server, where.host, where.port, "--port");
  return {
    port,
    say: (part, why) => {
      waits = { part, why };
    },
    close: () => closeServer(server, 0),
  };
}
