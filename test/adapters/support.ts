/** Small servers that misbehave on purpose. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";
import { AdapterError } from "../../src/ports/failure.ts";
import type { Outside } from "../../src/ports/ports.ts";

/** By what ends the wait, how long it is. */
const timers = new Map<() => void, number>();
/** No time-out passes by itself, however slow the machine is: a server that stays silent lets them pass. */
export const outside: Outside = {
  fetch,
  connect: (options) => connect(options),
  clock: {
    now: () => Date.now(),
    after: (ms, fire) => {
      timers.set(fire, ms);
      return () => void timers.delete(fire);
    },
  },
};

/** As if the shortest time-out of the calls that are under way were over. */
function timeOut(): void {
  const shortest = Math.min(...timers.values());
  for (const [fire, ms] of timers) if (ms === shortest && timers.delete(fire)) fire();
}

/** `reset`: cut before any answer; `cut`: in the middle of one; `silent`: never answers. */
export type Reply = "reset" | "cut" | "silent" | { status?: number; headers?: Record<string, string>; body?: unknown };

export interface Seen {
  method: string;
  url: string;
  headers: Record<string, string | string[] | undefined>;
  body: unknown;
}

export interface Stub {
  url: string;
  seen: Seen[];
  close(): void;
}

export async function httpStub(reply: (request: Seen) => Reply): Promise<Stub> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    void text(request).then((raw) => {
      const { method = "", url = "", headers } = request;
      const asked: Seen = { method, url, headers, body: raw === "" ? null : JSON.parse(raw) };
      seen.push(asked);
      play(reply(asked), response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    seen,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function play(reply: Reply, response: ServerResponse): void {
  if (reply === "silent") return void timeOut();
  if (reply === "reset") return void response.socket?.resetAndDestroy();
  if (reply === "cut") {
    response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
    response.write('{"half":');
    setTimeout(() => response.socket?.resetAndDestroy(), 20);
    return;
  }
  const body = typeof reply.body === "string" ? reply.body : reply.body === undefined ? "" : JSON.stringify(reply.body);
  response.writeHead(reply.status ?? 200, reply.headers);
  response.end(body);
}

async function text(request: IncomingMessage): Promise<string> {
  let all = "";
  for await (const chunk of request) all += String(chunk);
  return all;
}

/** A line server: `answer` null never answers, an empty text closes without a word. */
export async function lineStub(
  answer: (line: string) => string | null,
): Promise<{ address: string; lines: string[]; close(): void }> {
  const lines: string[] = [];
  const open = new Set<Socket>();
  const server = createTcpServer((socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      const line = chunk.toString().trim();
      lines.push(line);
      const said = answer(line);
      if (said === "") socket.destroy();
      else if (said === null) timeOut();
      else socket.end(said);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): void => {
    for (const socket of open) socket.destroy();
    server.close();
  };
  return { address: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, lines, close };
}

/** A port on which nobody listens. */
export async function deadPort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The AdapterError that a call rejects with. */
export async function failureOf(call: Promise<unknown>): Promise<AdapterError> {
  const answer = await call.then(
    (value) => ({ value }),
    (error: unknown) => error,
  );
  if (answer instanceof AdapterError) return answer;
  throw new Error(`expected an AdapterError, got ${JSON.stringify(answer) ?? String(answer)}`, { cause: answer });
}
