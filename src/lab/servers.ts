/** The lab's two sockets: HTTP for everything that speaks it, plain TCP for HAProxy's runtime API. */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { text as readAll } from "node:stream/consumers";
import type { Gateway } from "./gateway.ts";

export interface Listening {
  port: number;
  close(): Promise<void>;
}

export function serveHttp(gateway: Gateway, host: string, port: number): Promise<Listening> {
  const server = createHttpServer((request, response) => {
    answerHttp(gateway, request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  // Connections that are kept open must not keep a stopped lab alive, nor may Node cut those that a fault lets hang.
  server.requestTimeout = 0;
  return listen(server, host, port);
}

async function answerHttp(gateway: Gateway, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readAll(request);
  const url = new URL(request.url ?? "/", `http://${request.headers.host ?? "127.0.0.1"}`);
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const delivery = gateway.http({ method: request.method ?? "GET", url, headers, body });
  if (delivery.kind === "hangs") return;
  if (delivery.kind === "cut") {
    request.socket.destroy();
    return;
  }
  const { answer, delayMs } = delivery;
  later(delayMs, () => {
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  });
}

export function serveHaproxy(gateway: Gateway, host: string, port: number): Promise<Listening> {
  // Half-open: a client may end its side right after the line and still gets the answer.
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    let received = "";
    let done = false;
    const take = (line: string): void => {
      done = true;
      const delivery = gateway.haproxy(line);
      if (delivery.kind === "cut") socket.destroy();
      if (delivery.kind === "answered") later(delivery.delayMs, () => socket.end(delivery.answer));
    };
    socket.setEncoding("utf8");
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: string) => {
      received += chunk;
      const end = received.indexOf("\n");
      if (!done && end >= 0) take(received.slice(0, end).replace(/\r$/, ""));
    });
    socket.on("end", () => {
      if (!done) take(received);
    });
  });
  return listen(server, host, port);
}

/** The client's time, whatever the lab's clock. */
function later(delayMs: number, run: () => void): void {
  if (delayMs === 0) run();
  else setTimeout(run, delayMs).unref();
}

async function listen(server: Server, host: string, port: number): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
