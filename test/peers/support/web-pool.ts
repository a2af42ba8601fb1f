/** Two web servers of the test's own behind a real HAProxy, whose sessions the test holds open. */
import { writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { haproxy } from "../../../src/adapters/haproxy/load-balancer.ts";
import type { PoolServer } from "../../../src/ports/ports.ts";
import { eventually, freePort, installed, outside, serve, start, temporaryFolder } from "./process.ts";

const binary = installed("haproxy", "/usr/sbin/haproxy", "/usr/local/sbin/haproxy");
export const haproxyInstalled = binary !== null;

export interface WebPool {
  /** The runtime API, `level admin`. */
  api: string;
  /** HAProxy's own exporter. */
  metrics: string;
  /** The service itself, past the balancer. */
  addresses: Record<string, string>;
  state(server: string): Promise<PoolServer>;
  /** Who answers these requests through the balancer. */
  ask(times: number): Promise<string[]>;
  /** Opens a session to this server that stays open until it is let go. */
  hold(server: string): Promise<void>;
  letGo(): void;
  close(): Promise<void>;
}

export async function startWebPool(names: readonly string[]): Promise<WebPool> {
  const folder = await temporaryFolder("web-pool");
  const held = new Map<string, ServerResponse[]>(names.map((name) => [name, []]));
  const backends = await Promise.all(
    names.map(async (name) => {
      const server = await serve((request, response) => {
        if (request.url === "/hold") held.get(name)?.push(response);
        else response.end(name);
      });
      return { name, server };
    }),
  );
  const [api, front, metrics] = [await freePort(), await freePort(), await freePort()];
  const servers = backends.map(({ name, server }) => `  server ${name} ${server.address} weight 100`);
  await writeFile(`${folder.path}/haproxy.cfg`, configuration({ api, front, metrics, servers }));
  const address = `tcp://127.0.0.1:${api}`;
  const port = haproxy({ address, outside });
  const running = await start(binary ?? "", ["-f", `${folder.path}/haproxy.cfg`, "-db"], {
    ready: () => port.servers(),
  });
  const url = `http://127.0.0.1:${front}`;
  return {
    api: address,
    metrics: `127.0.0.1:${metrics}`,
    addresses: Object.fromEntries(backends.map(({ name, server }) => [name, server.address])),
    state: async (server) => {
      const found = (await port.servers()).find((one) => one.pool === "web" && one.server === server);
      if (found === undefined) throw new Error(`HAProxy has no web/${server}`);
      return found;
    },
    ask: (times) => Promise.all(Array.from({ length: times }, async () => (await fetch(url)).text())),
    hold: (server) =>
      eventually(async () => {
        if ((held.get(server)?.length ?? 0) > 0) return;
        // The balancer takes turns: one of these reaches every server.
        for (const _ of names) void fetch(`${url}/hold`).catch(() => undefined);
        throw new Error(`no session to ${server} yet`);
      }),
    letGo: () => {
      for (const responses of held.values()) for (const response of responses.splice(0)) response.end("done");
    },
    async close() {
      await running.stop();
      for (const { server } of backends) server.close();
      await folder.remove();
    },
  };
}

function configuration(at: { api: number; front: number; metrics: number; servers: string[] }): string {
  return `
global
  stats socket ipv4@127.0.0.1:${at.api} level admin
defaults
  mode http
  timeout connect 1s
  timeout client 10m
  timeout server 10m
frontend front
  bind 127.0.0.1:${at.front}
  default_backend web
frontend metrics
  bind 127.0.0.1:${at.metrics}
  http-request use-service prometheus-exporter if { path /metrics }
backend web
  balance roundrobin
${at.servers.join("\n")}
`;
}
