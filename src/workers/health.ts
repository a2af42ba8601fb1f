/** A worker has no port of its own; who asks for its health or its measures gets them here. */
import { createServer, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";

export interface HealthServer {
  port: number;
  close(): Promise<void>;
}

/**
 * `/healthz`: the process answers. `/readyz`: 200 while `ready` answers true, else 503. `/metrics`: the registry, for
 * Prometheus. `port` 0 takes a free one.
 */
export async function serveHealth(options: {
  port: number;
  host?: string;
  ready: () => boolean;
  registry: Registry;
}): Promise<HealthServer> {
  const statusOf: Record<string, () => number> = {
    "/healthz": () => 200,
    "/readyz": () => (options.ready() ? 200 : 503),
  };
  const server = createServer((request, response) => {
    if (request.url === "/metrics") return void measures(options.registry, response).catch(() => response.destroy());
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

async function measures(registry: Registry, response: ServerResponse): Promise<void> {
  const text = await registry.metrics();
  response.writeHead(200, { "content-type": registry.contentType }).end(text);
}
