/** A worker has no port of its own; a platform that asks for health gets `GET /healthz` and `GET /readyz` here. */
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

export interface HealthServer {
  port: number;
  close(): Promise<void>;
}

/** `/healthz`: the process answers. `/readyz`: 200 while `ready` answers true, else 503. `port` 0 takes a free one. */
export async function serveHealth(options: {
  port: number;
  host?: string;
  ready: () => boolean;
}): Promise<HealthServer> {
  const statusOf: Record<string, () => number> = {
    "/healthz": () => 200,
    "/readyz": () => (options.ready() ? 200 : 503),
  };
  const server = createServer((request, response) => {
    const status = statusOf[request.url ?? ""]?.() ?? 404;
    response.writeHead(status, { "content-type": "text/plain" }).end(`${status === 200 ? "ok" : "not ok"}\n`);
  });
  server.listen(options.port, options.host ?? "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
