import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AdapterError } from "../../../src/ports/failure.ts";
import type { TicketPort } from "../../../src/ports/ports.ts";

export interface TicketPeer {
  port: TicketPort;
  queue: string;
  /** As a person does it in the vendor's own interface. */
  personSets(id: string, status: "resolved" | "rejected"): Promise<void>;
  close: () => Promise<void>;
}

let count = 0;
/** Keys as the product makes them, never the same twice. */
const newKey = (): string => `${crypto.randomUUID()}/replace/dc-${(count += 1)}`;

export function ticketContract(name: string, start: () => Promise<TicketPeer>): void {
  describe(`tickets contract: ${name}`, () => {
    let peer: TicketPeer;
    beforeAll(async () => {
      peer = await start();
    });
    afterAll(() => peer?.close());
    const open = (key: string, subject = "Replace a disk") =>
      peer.port.open({ key, queue: peer.queue, subject, body: "Please replace it.\nThank you" });

    it("finds an opened ticket by its key and by its id, and no other by that key", async () => {
      const [key, other] = [newKey(), newKey()];
      const opened = await open(key, `O'Brien's "disk" 50% \\ [x] häß`);
      await open(other);
      expect(opened.status).toBe("open");
      const found = await peer.port.findByKey(key);
      expect(found.map((one) => one.id)).toEqual([opened.id]);
      expect(found[0]?.subject).toContain(`O'Brien's "disk" 50% \\ [x] häß`);
      expect(await peer.port.get(opened.id)).toMatchObject({ id: opened.id, status: "open" });
      expect(opened.url).toMatch(/^http/);
    });

    it("finds nothing for a key that was never used", async () => {
      expect(await peer.port.findByKey(newKey())).toEqual([]);
    });

    it("shows doubles: two tickets opened with one key are both found", async () => {
      const key = newKey();
      const ids = [(await open(key)).id, (await open(key)).id];
      expect((await peer.port.findByKey(key)).map((one) => one.id).sort()).toEqual(ids.sort());
    });

    it("says null for a ticket that does not exist, and refuses what is no ticket id", async () => {
      expect(await peer.port.get("999999")).toBeNull();
      await expect(peer.port.get("1 OR 1=1")).rejects.toMatchObject({ failure: "permanent" });
    });

    it("reads many tickets in one go, without those that do not exist", async () => {
      const ids = [(await open(newKey())).id, (await open(newKey())).id];
      const many = await peer.port.getMany([...ids, "999999"]);
      expect(many.map((one) => one.id).sort()).toEqual(ids.sort());
      expect(await peer.port.getMany([])).toEqual([]);
    });

    it("comments once for each key", async () => {
      const { id } = await open(newKey());
      const key = newKey();
      expect(await peer.port.hasComment(id, key)).toBe(false);
      await peer.port.comment(id, key, "first");
      await peer.port.comment(id, key, "first");
      expect(await peer.port.hasComment(id, key)).toBe(true);
      expect(await peer.port.hasComment(id, newKey())).toBe(false);
    });

    it("sees what a person did: resolved and rejected", async () => {
      const [a, b] = [await open(newKey()), await open(newKey())];
      await peer.personSets(a.id, "resolved");
      await peer.personSets(b.id, "rejected");
      expect((await peer.port.get(a.id))?.status).toBe("resolved");
      expect((await peer.port.get(b.id))?.status).toBe("rejected");
    });

    it("sets the status with a comment, and doing it again changes nothing", async () => {
      const { id } = await open(newKey());
      const key = newKey();
      await peer.port.setStatus(id, "rejected", key, "withdrawn");
      await peer.port.setStatus(id, "rejected", key, "withdrawn");
      expect((await peer.port.get(id))?.status).toBe("rejected");
      expect(await peer.port.hasComment(id, key)).toBe(true);
    });

    it("refuses a queue that does not exist as permanent", async () => {
      const wrong = peer.port.open({ key: newKey(), queue: "no-such-queue", subject: "x", body: "y" });
      await expect(wrong).rejects.toBeInstanceOf(AdapterError);
      await expect(wrong).rejects.toMatchObject({ failure: "permanent" });
    });
  });
}
