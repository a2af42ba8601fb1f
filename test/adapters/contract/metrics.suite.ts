import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MetricsPort } from "../../../src/ports/ports.ts";

export interface MetricsPeer {
  port: MetricsPort;
  one: { query: string; value: number };
  /** Gives several series. */
  many: string;
  /** Gives no series. */
  none: string;
  /** Not to be parsed. */
  bad: string;
  /** Gives NaN, if the peer can. */
  nan: string | null;
  close: () => Promise<void>;
}

export function metricsContract(name: string, start: () => Promise<MetricsPeer>): void {
  describe(`metrics contract: ${name}`, () => {
    let peer: MetricsPeer;
    beforeAll(async () => {
      peer = await start();
    });
    afterAll(() => peer?.close());

    it("reads the one number with the age of its sample", async () => {
      const read = await peer.port.scalar(peer.one.query, 300_000);
      expect(read).toMatchObject({ ok: true, value: peer.one.value });
      if (read.ok) expect(read.ageMs).toBeGreaterThanOrEqual(0);
    });

    it("has no number when there is none, or more than one, or none that is finite, or no expression", async () => {
      const queries = [peer.many, peer.none, peer.bad, ...(peer.nan === null ? [] : [peer.nan])];
      for (const query of queries) {
        const read = await peer.port.scalar(query, 300_000);
        expect(read).toMatchObject({ ok: false });
        if (!read.ok) expect(read.reason).toContain(query);
      }
    });

    it("has no plot of what gives no series, or of what is no expression, and says of which", async () => {
      const to = Date.now();
      for (const query of [peer.none, peer.bad]) {
        const read = await peer.port.range(query, { from: to - 60_000, to, points: 10 });
        expect(read).toMatchObject({ ok: false });
        if (!read.ok) expect(read.reason).toContain(query);
      }
    });

    it("reads the series of an expression by a label that each of them has alone", async () => {
      expect(await peer.port.series(peer.none, "host")).toEqual({ ok: true, values: {} });
      for (const [query, label] of [
        [peer.bad, "host"],
        [peer.many, "no_such_label"],
      ] as const) {
        const read = await peer.port.series(query, label);
        expect(read).toMatchObject({ ok: false });
        if (!read.ok) expect(read.reason).toContain(query);
      }
    });
  });
}
