import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LoadBalancerPort, PoolServer } from "../../../src/ports/ports.ts";

export interface LoadBalancerPeer {
  port: LoadBalancerPort;
  pool: string;
  /** Two servers of the pool that are up, with a weight of 10 or more. */
  servers: [string, string];
  /** A server that is down, if the peer has one. */
  down: { pool: string; server: string } | null;
  close: () => Promise<void>;
}

export function loadBalancerContract(name: string, start: () => Promise<LoadBalancerPeer>): void {
  describe(`load balancer contract: ${name}`, () => {
    let peer: LoadBalancerPeer;
    beforeAll(async () => {
      peer = await start();
    });
    afterAll(() => peer?.close());

    const read = async (server: string, pool = peer.pool): Promise<PoolServer | undefined> =>
      (await peer.port.servers()).find((one) => one.pool === pool && one.server === server);

    it("lists the servers of the pool as ready and up at full weight", async () => {
      for (const server of peer.servers) {
        expect(await read(server)).toMatchObject({ admin: "ready", operational: "up", weightPercent: 100 });
      }
    });

    it("drains a server and makes it ready again, each also twice", async () => {
      const [server, other] = peer.servers;
      for (const admin of ["drain", "drain", "ready", "ready"] as const) {
        await peer.port.setAdmin(peer.pool, server, admin);
        expect((await read(server))?.admin).toBe(admin);
      }
      expect((await read(other))?.admin).toBe("ready");
    });

    it("sets weights in percent of the configured one", async () => {
      const [server] = peer.servers;
      for (const percent of [50, 10, 100]) {
        await peer.port.setWeight(peer.pool, server, percent);
        const seen = await read(server);
        expect(Math.abs((seen?.weightPercent ?? -1) - percent)).toBeLessThanOrEqual(
          (seen?.weightStepPercent ?? 0) + 0.5,
        );
      }
    });

    it("still says that a server is drained when it is down too", async () => {
      if (peer.down === null) return;
      const { pool, server } = peer.down;
      await peer.port.setAdmin(pool, server, "drain");
      expect(await read(server, pool)).toMatchObject({ admin: "drain", operational: "down" });
      await peer.port.setAdmin(pool, server, "ready");
      expect(await read(server, pool)).toMatchObject({ admin: "ready", operational: "down" });
    });

    it("refuses an unknown server, an unknown pool and a name that holds a command, as permanent", async () => {
      for (const [pool, server] of [
        [peer.pool, "nope"],
        ["nope", peer.servers[0]],
        [peer.pool, `${peer.servers[1]} state drain; set server ${peer.pool}/x`],
        [peer.pool, `${peer.servers[1]}\nset server ${peer.pool}/${peer.servers[1]} state drain`],
      ] as const) {
        await expect(peer.port.setAdmin(pool, server, "drain")).rejects.toMatchObject({ failure: "permanent" });
      }
      expect((await read(peer.servers[1]))?.admin).toBe("ready");
      await expect(peer.port.setWeight(peer.pool, peer.servers[0], 101)).rejects.toMatchObject({
        failure: "permanent",
      });
    });
  });
}
