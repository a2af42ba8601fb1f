import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { haproxy } from "../../src/adapters/haproxy/load-balancer.ts";
import { loadBalancerContract, type LoadBalancerPeer } from "../adapters/contract/load-balancer.suite.ts";
import { eventually, freePort, installed, outside, start, temporaryFolder } from "./support/process.ts";

const binary = installed("haproxy", "/usr/sbin/haproxy", "/usr/local/sbin/haproxy");

interface HaproxyPeer extends LoadBalancerPeer {
  /** Where the balancer itself listens. */
  front: string;
  readOnlySocket: string;
}

async function startHaproxy(socket: "tcp" | "unix"): Promise<HaproxyPeer> {
  const folder = await temporaryFolder("haproxy");
  const slow = createServer((request, response) => {
    setTimeout(() => response.end("ok"), request.url === "/slow" ? 1_500 : 0);
  });
  await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
  const backend = (slow.address() as AddressInfo).port;
  const [api, front, nobody] = [await freePort(), await freePort(), await freePort()];
  const socketPath = `${folder.path}/admin.sock`;
  const readOnlySocket = `unix://${folder.path}/user.sock`;
  const config = `
global
  stats socket ipv4@127.0.0.1:${api} level admin
  stats socket ${socketPath} level admin
  stats socket ${folder.path}/user.sock level user
defaults
  mode http
  timeout connect 1s
  timeout client 10s
  timeout server 10s
frontend front
  bind 127.0.0.1:${front}
  default_backend web
backend web
  balance roundrobin
  server web-1 127.0.0.1:${backend} weight 50
  server web-2 127.0.0.1:${backend} weight 50
backend spare
  server gone 127.0.0.1:${nobody} weight 1 check inter 100ms fall 1
`;
  await writeFile(`${folder.path}/haproxy.cfg`, config);
  const port = haproxy({ address: socket === "tcp" ? `tcp://127.0.0.1:${api}` : `unix://${socketPath}`, outside });
  const ready = async (): Promise<void> => {
    const gone = (await port.servers()).find((one) => one.server === "gone");
    if (gone?.operational !== "down") throw new Error("the check has not run yet");
  };
  const running = await start(binary ?? "", ["-f", `${folder.path}/haproxy.cfg`, "-db"], { ready });
  return {
    port,
    pool: "web",
    servers: ["web-1", "web-2"],
    down: { pool: "spare", server: "gone" },
    front: `http://127.0.0.1:${front}`,
    readOnlySocket,
    async close() {
      await running.stop();
      slow.closeAllConnections();
      slow.close();
      await folder.remove();
    },
  };
}

describe.skipIf(binary === null)("haproxy", () => {
  loadBalancerContract("HAProxy over TCP", () => startHaproxy("tcp"));
  loadBalancerContract("HAProxy over a UNIX socket", () => startHaproxy("unix"));

  describe("with traffic", () => {
    let peer: HaproxyPeer;
    beforeAll(async () => {
      peer = await startHaproxy("tcp");
    });
    afterAll(() => peer?.close());

    it("counts the sessions of a drained server until they are over", async () => {
      await peer.port.setAdmin("web", "web-2", "drain");
      const request = fetch(`${peer.front}/slow`);
      const sessions = async (): Promise<number> =>
        (await peer.port.servers()).find((one) => one.server === "web-1")?.sessions ?? -1;
      await eventually(async () => expect(await sessions()).toBe(1));
      await peer.port.setAdmin("web", "web-1", "drain");
      expect(await sessions()).toBe(1);
      await (await request).text();
      await eventually(async () => expect(await sessions()).toBe(0));
    });

    it("says that a socket without the admin level may not write, as permanent", async () => {
      const port = haproxy({ address: peer.readOnlySocket, outside });
      await expect(port.setAdmin("web", "web-1", "ready")).rejects.toThrow(/permission denied/i);
      await expect(port.setAdmin("web", "web-1", "ready")).rejects.toMatchObject({ failure: "permanent" });
    });
  });
});
