/**
 * `fetch` and `connect` into a lab of the same process, without a socket: what simulated runs give the adapters.
 * Delays are lab time, so that they run on the virtual clock.
 */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { LabClock } from "./clock.ts";
import type { Delivery, Gateway } from "./gateway.ts";
import type { LabReply } from "./request.ts";

/** The same shape as the adapters' `Outside` (src/ports). */
export interface Outside {
  fetch: typeof fetch;
  connect: (options: { host: string; port: number } | { path: string }) => Socket;
  clock: { now(): number };
}

export function inProcessFetch(gateway: Gateway, clock: LabClock): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    // The caller's own signal: a Request only follows it weakly, and a waiting call must not lose it.
    const signal = init?.signal ?? request.signal;
    signal.throwIfAborted();
    const headers = Object.fromEntries([...request.headers].map(([name, value]) => [name.toLowerCase(), value]));
    const body = await request.text();
    const delivery = gateway.http({ method: request.method, url: new URL(request.url), headers, body });
    return new Promise<Response>((resolve, reject) => {
      signal.addEventListener(
        "abort",
        () => {
          reject(signal.reason as Error);
        },
        { once: true },
      );
      deliver(
        delivery,
        clock,
        (reply) => resolve(responseOf(reply)),
        () => reject(connectionLost()),
      );
    });
  };
}

export function inProcessConnect(gateway: Gateway, clock: LabClock): Outside["connect"] {
  return () => {
    let received = "";
    let taken = false;
    const take = (line: string): void => {
      if (taken) return;
      taken = true;
      deliver(
        gateway.haproxy(line),
        clock,
        (answer) => (stream.push(answer), stream.push(null)),
        () => stream.destroy(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })),
      );
    };
    const stream = new Duplex({
      read: () => {},
      write: (chunk: Buffer, _encoding, done) => {
        received += chunk.toString();
        const end = received.indexOf("\n");
        if (end >= 0) take(received.slice(0, end).replace(/\r$/, ""));
        done();
      },
      final: (done) => {
        take(received);
        done();
      },
    });
    queueMicrotask(() => stream.emit("connect"));
    // Only what a stream can do; a Socket's time-out is real time, which a simulated run does not have.
    return Object.assign(stream, {
      setTimeout: () => stream,
      setNoDelay: () => stream,
      setKeepAlive: () => stream,
    }) as unknown as Socket;
  };
}

function deliver<T>(delivery: Delivery<T>, clock: LabClock, answered: (answer: T) => void, cut: () => void): void {
  if (delivery.kind === "cut") cut();
  if (delivery.kind !== "answered") return;
  if (delivery.delayMs === 0) answered(delivery.answer);
  else clock.after(delivery.delayMs, () => answered(delivery.answer));
}

function responseOf(reply: LabReply): Response {
  const empty = reply.status === 204 || reply.status === 304;
  return new Response(empty ? null : (reply.body ?? ""), { status: reply.status, headers: reply.headers ?? {} });
}

/** As undici says it when the other side closes. */
function connectionLost(): Error {
  return new TypeError("fetch failed", {
    cause: Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" }),
  });
}
