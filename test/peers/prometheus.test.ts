import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { alertmanager } from "../../src/adapters/alertmanager/silences.ts";
import { prometheus } from "../../src/adapters/prometheus/metrics.ts";
import { metricsContract, type MetricsPeer } from "../adapters/contract/metrics.suite.ts";
import { silenceContract, type SilencePeer } from "../adapters/contract/silences.suite.ts";
import { answers, eventually, freePort, installed, outside, start, temporaryFolder } from "./support/process.ts";

const prometheusBinary = installed("prometheus", "/usr/bin/prometheus");
const alertmanagerBinary = installed("alertmanager", "/usr/bin/prometheus-alertmanager");

interface PrometheusPeer extends MetricsPeer {
  /** Stops the scraped process. */
  stopTarget(): void;
}

async function startPrometheus(): Promise<PrometheusPeer> {
  const folder = await temporaryFolder("prometheus");
  // An old time on one sample: Prometheus keeps it as the sample's own.
  const old = Date.now() - 120_000;
  const metrics = `smart_failing{host="web-1"} 1\nsmart_failing{host="web-2"} 0\nbroken NaN\nendless +Inf\naged 7 ${old}\n`;
  const target = createServer((_, response) => response.end(metrics));
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  const address = `127.0.0.1:${(target.address() as AddressInfo).port}`;
  const config = `
global: { scrape_interval: 500ms, scrape_timeout: 400ms }
scrape_configs: [{ job_name: hosts, static_configs: [{ targets: ["${address}"] }] }]
`;
  await writeFile(`${folder.path}/prometheus.yml`, config);
  const url = `http://127.0.0.1:${await freePort()}`;
  const args = [
    `--config.file=${folder.path}/prometheus.yml`,
    `--storage.tsdb.path=${folder.path}/data`,
    `--web.listen-address=${url.slice("http://".length)}`,
  ];
  const port = prometheus({ url, outside });
  const ready = async (): Promise<void> => {
    const read = await port.scalar('smart_failing{host="web-1"}', 60_000);
    if (!read.ok) throw new Error(read.reason);
  };
  const running = await start(prometheusBinary ?? "", args, { ready });
  const stopTarget = (): void => {
    target.closeAllConnections();
    target.close();
  };
  return {
    port,
    one: { query: 'smart_failing{host="web-1"}', value: 1 },
    many: "smart_failing",
    none: 'smart_failing{host="nobody"}',
    bad: "smart_failing{",
    nan: "broken",
    stopTarget,
    async close() {
      await running.stop();
      stopTarget();
      await folder.remove();
    },
  };
}

async function startAlertmanager(): Promise<SilencePeer> {
  const folder = await temporaryFolder("alertmanager");
  await writeFile(`${folder.path}/alertmanager.yml`, "route: { receiver: none }\nreceivers: [{ name: none }]\n");
  const url = `http://127.0.0.1:${await freePort()}`;
  const args = [
    `--config.file=${folder.path}/alertmanager.yml`,
    `--storage.path=${folder.path}/data`,
    `--web.listen-address=${url.slice("http://".length)}`,
    "--cluster.listen-address=",
  ];
  const running = await start(alertmanagerBinary ?? "", args, { ready: () => answers(`${url}/-/ready`) });
  return {
    port: alertmanager({ url, outside }),
    now: () => Date.now(),
    async close() {
      await running.stop();
      await folder.remove();
    },
  };
}

describe.skipIf(prometheusBinary === null)("prometheus", () => {
  metricsContract("Prometheus", startPrometheus);

  describe("ages", () => {
    let peer: PrometheusPeer;
    beforeAll(async () => {
      peer = await startPrometheus();
    });
    afterAll(() => peer?.close());

    it("takes the sample's own time for a bare selector, and evaluation time for another expression", async () => {
      const aged = await peer.port.scalar("aged", 200_000);
      expect(aged).toMatchObject({ ok: true, value: 7 });
      if (aged.ok) expect(aged.ageMs).toBeGreaterThan(115_000);
      expect(await peer.port.scalar("aged", 60_000)).toMatchObject({ ok: false });
      expect(await peer.port.scalar("aged + 0", 60_000)).toMatchObject({ ok: true, value: 7 });
      expect(await peer.port.scalar("scalar(aged)", 60_000)).toMatchObject({ ok: true, value: 7 });
    });

    it("reads a series over time, with the points that it has", async () => {
      const to = Date.now();
      const read = await eventually(async () => {
        const now = await peer.port.range('smart_failing{host="web-1"}', {
          from: to - 60_000,
          to: Date.now(),
          points: 61,
        });
        if (!now.ok || now.points.length === 0) throw new Error(JSON.stringify(now));
        return now;
      });
      expect(read.points.every(({ at, value }) => value === 1 && at > to - 60_000)).toBe(true);
      expect(read.points.length).toBeLessThanOrEqual(62);
      expect(await peer.port.range("smart_failing", { from: to - 60_000, to, points: 10 })).toMatchObject({
        ok: false,
      });
    });

    it("has no number that is infinite, and none of a range or a text", async () => {
      for (const query of ["endless", "aged[1m]", '"text"']) {
        expect(await peer.port.scalar(query, 60_000)).toMatchObject({ ok: false });
      }
    });

    it("has no number once the scraped target is gone", async () => {
      peer.stopTarget();
      await eventually(async () => {
        expect(await peer.port.scalar('smart_failing{host="web-1"}', 60_000)).toMatchObject({ ok: false });
      });
    });
  });
});

describe.skipIf(alertmanagerBinary === null)("alertmanager", () => {
  silenceContract("Alertmanager", startAlertmanager);
});
