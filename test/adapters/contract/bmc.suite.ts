import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BmcPort } from "../../../src/ports/ports.ts";

export interface BmcPeer {
  port: BmcPort;
  system: string;
  /** Other names of the same system: its path, its whole URL. */
  aliases: string[];
  /** null: the peer does not tell drives. */
  drives: { serial: string; slot: string; health: string }[] | null;
  /** Waits until `look` answers true. */
  until(look: () => Promise<boolean>): Promise<void>;
  close: () => Promise<void>;
}

export function bmcContract(name: string, start: () => Promise<BmcPeer>): void {
  describe(`bmc contract: ${name}`, () => {
    let peer: BmcPeer;
    beforeAll(async () => {
      peer = await start();
    });
    afterAll(() => peer?.close());

    it("switches the power off and on, and asking for what is there already does no harm", async () => {
      for (const to of ["off", "off", "on", "on"] as const) {
        await peer.port.setPower(peer.system, to);
        await peer.until(async () => (await peer.port.power(peer.system)) === to);
      }
    });

    it("knows the system by each of its names", async () => {
      for (const alias of peer.aliases) expect(await peer.port.power(alias)).toBe("on");
    });

    it("refuses a system that does not exist as permanent", async () => {
      await expect(peer.port.power("no-such-system")).rejects.toMatchObject({ failure: "permanent" });
      await expect(peer.port.setPower("no-such-system", "off")).rejects.toMatchObject({ failure: "permanent" });
    });

    it("lists the drives with slot, serial and health", async () => {
      if (peer.drives === null) return;
      const drives = await peer.port.drives(peer.system);
      const seen = drives.map(({ serial, slot, health }) => ({ serial, slot, health }));
      expect(seen.sort((a, b) => a.slot.localeCompare(b.slot))).toEqual(peer.drives);
    });
  });
}
