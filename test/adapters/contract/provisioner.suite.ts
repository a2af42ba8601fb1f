import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProvisionedNode, ProvisionerPort } from "../../../src/ports/ports.ts";

export interface ProvisionerPeer {
  port: ProvisionerPort;
  /** An active node that may be rebuilt, and another active one. */
  nodes: [string, string];
  image: string;
  /** A node whose state allows no rebuild, if the peer has one. */
  unfit: string | null;
  /** Waits until a rebuild under way is over, at most so long as the peer needs. */
  settled(look: () => Promise<ProvisionedNode>): Promise<ProvisionedNode>;
  close: () => Promise<void>;
}

const newKey = (): string => `${crypto.randomUUID()}/replace/rebuild`;

export function provisionerContract(name: string, start: () => Promise<ProvisionerPeer>): void {
  describe(`provisioner contract: ${name}`, () => {
    let peer: ProvisionerPeer;
    beforeAll(async () => {
      peer = await start();
    });
    afterAll(() => peer?.close());

    const read = async (node: string): Promise<ProvisionedNode> => {
      const found = await peer.port.node(node);
      if (found === null) throw new Error(`no node ${node}`);
      return found;
    };

    it("reads a node, and null for one that does not exist", async () => {
      expect(await read(peer.nodes[0])).toMatchObject({ node: peer.nodes[0], state: "active" });
      expect(await peer.port.node("no-such-node")).toBeNull();
    });

    it("reads few and many nodes in bulk, without those that do not exist", async () => {
      const few = await peer.port.nodes([...peer.nodes, "no-such-node"]);
      expect(few.map((one) => one.node).sort()).toEqual([...peer.nodes].sort());
      const many = await peer.port.nodes([...peer.nodes, "a", "b", "c", "d", "e"]);
      expect(many.map((one) => one.node).sort()).toEqual([...peer.nodes].sort());
    });

    it("notes the key, rebuilds, and shows by a later change of state that it is done", async () => {
      const [node] = peer.nodes;
      const before = await read(node);
      const key = newKey();
      await peer.port.rebuild(node, key, peer.image);
      expect((await read(node)).noted).toEqual({ key, changedAtBefore: before.changedAt });
      const after = await peer.settled(() => read(node));
      expect(after).toMatchObject({ state: "active", noted: { key, changedAtBefore: before.changedAt } });
      expect(Date.parse(after.changedAt ?? "")).toBeGreaterThan(Date.parse(before.changedAt ?? ""));
      expect((await read(peer.nodes[1])).noted).toBeNull();
    });

    it("refuses a second rebuild while one is under way", async () => {
      const [node] = peer.nodes;
      const key = newKey();
      await peer.port.rebuild(node, key, peer.image);
      const busy = await read(node);
      if (busy.state === "busy") {
        await expect(peer.port.rebuild(node, newKey(), peer.image)).rejects.toMatchObject({ name: "AdapterError" });
        expect((await read(node)).noted?.key).toBe(key);
      }
      await peer.settled(() => read(node));
    });

    it("refuses a node that does not exist, and one whose state does not allow it", async () => {
      const image = peer.image;
      await expect(peer.port.rebuild("no-such-node", newKey(), image)).rejects.toMatchObject({ failure: "permanent" });
      if (peer.unfit === null) return;
      await expect(peer.port.rebuild(peer.unfit, newKey(), image)).rejects.toMatchObject({ failure: "permanent" });
    });
  });
}
