/** A real Alertmanager in front of the webhook: its retries, groups and repetitions, not our idea of them. */
import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { eventually, freePort, installed, start, temporaryFolder, type Running } from "../peers/support/process.ts";
import { ApiUnderTest, WEBHOOK_TOKEN } from "./support/server.ts";

const binary = installed("alertmanager", "/usr/bin/prometheus-alertmanager");

describe.skipIf(binary === null)("a real Alertmanager", () => {
  let it: ApiUnderTest;
  let alertmanager: Running;
  let url: string;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let group = 0;

  beforeAll(async () => {
    it = await ApiUnderTest.create();
    await it.fresh();
    folder = await temporaryFolder("alertmanager");
    url = `http://127.0.0.1:${await freePort()}`;
    const config = `
route: { receiver: hook, group_by: [round], group_wait: 200ms, group_interval: 1s, repeat_interval: 2s }
receivers:
  - name: hook
    webhook_configs:
      - url: ${it.server.url}/v1/alerts/alertmanager
        http_config: { authorization: { credentials: ${WEBHOOK_TOKEN} } }
`;
    await writeFile(`${folder.path}/alertmanager.yml`, config);
    const flags = [`--config.file=${folder.path}/alertmanager.yml`, `--storage.path=${folder.path}/data`];
    const listen = [`--web.listen-address=${url.slice("http://".length)}`, "--cluster.listen-address="];
    const ready = async (): Promise<void> => {
      if (!(await fetch(`${url}/-/ready`)).ok) throw new Error("not ready");
    };
    alertmanager = await start(binary ?? "", [...flags, ...listen], { ready });
  });
  afterAll(async () => {
    await alertmanager.stop();
    await it.close();
    await Promise.all([it.database.drop(), folder.remove()]);
  });
  beforeEach(() => {
    group += 1;
  });

  /** Fires at Alertmanager; an `endsAt` in the past resolves. */
  async function fire(
    hosts: string[],
    change: { endsAt?: string; labels?: Record<string, string> } = {},
  ): Promise<void> {
    const alerts = hosts.map((host) => ({
      labels: { alertname: "SmartDiskFailing", severity: "critical", host, round: String(group), ...change.labels },
      annotations: { summary: `Disk failing on ${host}` },
      startsAt: "2026-11-21T02:11:03.124Z",
      ...(change.endsAt === undefined ? {} : { endsAt: change.endsAt }),
    }));
    const response = await fetch(`${url}/api/v2/alerts`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(alerts),
    });
    expect(response.status).toBe(200);
  }

  const told = (host: string, status: string): number =>
    it.temporal.signals.filter(({ message: { alert } }) => alert.labels["host"] === host && alert.status === status)
      .length;
  const until = (look: () => void): Promise<void> => eventually(async () => look(), 10_000);

  test("is told of a fault once, whatever it repeats, and of its end", async () => {
    await fire(["web-1"]);
    await until(() => expect(told("web-1", "firing")).toBe(1));
    const [row] = await it.database.record.alerts({});
    await eventually(async () => expect((await it.database.record.alerts({}))[0]?.repeats).toBeGreaterThan(0), 10_000);
    expect(told("web-1", "firing")).toBe(1);
    await fire(["web-1"], { endsAt: new Date(Date.now() - 1_000).toISOString() });
    await until(() => expect(told("web-1", "resolved")).toBe(1));
    expect(row?.startsAt).toBe("2026-11-21T02:11:03.124Z");
  });

  test("sends again after a 503, and nothing is lost or doubled", async () => {
    it.temporal.down = "all";
    await fire(["web-2", "web-3"]);
    await eventually(async () => expect(await it.database.record.undelivered(0, 10)).toHaveLength(2), 10_000);
    it.temporal.down = null;
    await until(() => expect([told("web-2", "firing"), told("web-3", "firing")]).toEqual([1, 1]));
    // Temporal has an alert before the record notes that it does.
    await eventually(async () => expect(await it.database.record.undelivered(0, 10)).toEqual([]), 10_000);
  });

  test("does not lose a group to one alert that can never be accepted", async () => {
    await fire(["web-4"], { labels: { huge: "x".repeat(20_000) } });
    await fire(["web-5"]);
    await until(() => expect(told("web-5", "firing")).toBe(1));
    const rows = await it.database.record.alerts({ limit: 100 });
    expect(rows.filter((row) => row.disposition === "ignored").map((row) => row.reason)).toEqual([
      expect.stringMatching(/alerts\[\d\]\.labels is \d+ bytes/),
    ]);
  });
});
