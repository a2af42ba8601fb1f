import type { Outside } from "../ports/ports.ts";
import type { Attempt } from "./guarded.ts";

export type Endpoint = { host: string; port: number } | { path: string };

/** `tcp://host:port`, `tcp://[::1]:port` or `unix:///path`. Throws with what would be right. */
export function parseEndpoint(address: string): Endpoint {
  const unix = /^unix:\/\/(\/.+)$/.exec(address);
  if (unix?.[1]) return { path: unix[1] };
  const tcp = /^tcp:\/\/(?:\[([^\]]+)\]|([^:/]+)):(\d{1,5})\/?$/.exec(address);
  const host = tcp?.[1] ?? tcp?.[2];
  const port = Number(tcp?.[3]);
  if (host && port > 0 && port < 65_536) return { host, port };
  throw new Error(`"${address}" is not an address: write tcp://host:port or unix:///path/to/socket`);
}

const LARGEST_ANSWER = 8 * 1024 * 1024;

/** Sends one request over a fresh connection and reads until the other side closes. */
export function exchange(
  connect: Outside["connect"],
  endpoint: Endpoint,
  request: string,
  attempt: Attempt,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(endpoint);
    const chunks: Buffer[] = [];
    let size = 0;
    const end = (error: Error | null): void => {
      attempt.signal.removeEventListener("abort", abort);
      socket.destroy();
      if (error) reject(error);
      else resolve(Buffer.concat(chunks).toString("utf8"));
    };
    const abort = (): void => end(attempt.signal.reason as Error);
    attempt.signal.addEventListener("abort", abort, { once: true });
    socket.on("connect", () => {
      attempt.sending();
      socket.write(request);
    });
    socket.on("data", (chunk: Buffer | string) => {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      size += bytes.length;
      if (size > LARGEST_ANSWER) end(new Error(`the answer is larger than ${LARGEST_ANSWER} bytes`));
      chunks.push(bytes);
    });
    socket.on("error", (error) => end(error));
    socket.on("end", () => end(null));
    socket.on("close", () => end(new Error("the connection closed before an answer came")));
  });
}
