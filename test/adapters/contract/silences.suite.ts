import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SilencePort } from "../../../src/ports/ports.ts";

export interface SilencePeer {
  port: SilencePort;
  /** Milliseconds of the peer's own clock. */
  now(): number;
  close: () => Promise<void>;
}

const newKey = (): string => `${crypto.randomUUID()}/replace/silence`;

export function silenceContract(name: string, start: () => Promise<SilencePeer>): void {
  describe(`silences contract: ${name}`, () => {
    let peer: SilencePeer;
    beforeAll(async () => {
      peer = await start();
    });
    afterAll(() => peer?.close());

    const create = (key: string, host: string): Promise<string> =>
      peer.port.create({
        matchers: { host },
        startsAt: new Date(peer.now()).toISOString(),
        endsAt: new Date(peer.now() + 3_600_000).toISOString(),
        key,
        comment: "selfheal works on it",
      });

    it("creates a silence for exactly the given labels and finds it by its key", async () => {
      const key = newKey();
      const id = await create(key, "web-1");
      await create(newKey(), "web-2");
      const found = await peer.port.findByKey(key);
      expect(found.map((one) => one.id)).toEqual([id]);
      expect(found[0]).toMatchObject({
        state: "active",
        createdBy: "selfheal",
        matchers: [{ name: "host", value: "web-1", isRegex: false, isEqual: true }],
      });
      expect((await peer.port.active()).map((one) => one.id)).toContain(id);
    });

    it("does not take the key of one step for that of another that begins with it", async () => {
      const key = newKey();
      await create(`${key}-2`, "web-3");
      await create(`${key}/undo`, "web-3");
      expect(await peer.port.findByKey(key)).toEqual([]);
    });

    it("expires a silence, also twice, and one that never was", async () => {
      const key = newKey();
      const id = await create(key, "web-4");
      await peer.port.expire(id);
      await peer.port.expire(id);
      await peer.port.expire("7b0c1a3e-0000-4000-8000-000000000000");
      expect(await peer.port.findByKey(key)).toEqual([]);
      expect((await peer.port.active()).map((one) => one.id)).not.toContain(id);
    });
  });
}
