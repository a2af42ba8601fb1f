import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { fingerprint, type WebhookPayload, webhookPayload } from "../../src/lab/alerts.ts";
import { call, dig, HOUR, lab, listAt, MINUTE, textAt } from "./support.ts";
import type { Lab } from "../../src/lab/lab.ts";

const silences = (dc: Lab, query = ""): ReturnType<typeof call> =>
  call(`${dc.url}/alertmanager/api/v2/silences${query}`);
const silence = (dc: Lab, host: string, hours: number, comment = "key k1"): ReturnType<typeof call> => {
  const at = (ms: number): string => new Date(dc.clock.now() + ms).toISOString();
  const matchers = [{ name: "host", value: host, isRegex: false, isEqual: true }];
  const json = { matchers, startsAt: at(0), endsAt: at(hours * HOUR), createdBy: "selfheal", comment };
  return call(`${dc.url}/alertmanager/api/v2/silences`, { method: "POST", json });
};

describe("Alertmanager's silences", () => {
  it("are created, found by their matchers, and run out by time", async () => {
    const dc = await lab();
    const { body } = await silence(dc, "web-1", 30);
    expect(textAt(body, "silenceID")).toMatch(/^[0-9a-f-]{36}$/);
    expect((await silences(dc, `?filter=${encodeURIComponent('host="web-1"')}`)).body).toEqual([
      {
        ...{ id: dig(body, "silenceID"), status: { state: "active" }, comment: "key k1", createdBy: "selfheal" },
        ...{
          startsAt: "2027-01-04T08:00:00.000Z",
          endsAt: "2027-01-05T14:00:00.000Z",
          updatedAt: "2027-01-04T08:00:00.000Z",
        },
        matchers: [{ name: "host", value: "web-1", isRegex: false, isEqual: true }],
      },
    ]);
    expect((await silences(dc, `?filter=${encodeURIComponent('host="web-2"')}`)).body).toEqual([]);
    dc.advance(30 * HOUR);
    expect(dig((await silences(dc)).body, 0, "status", "state")).toBe("expired");
  });

  it("are expired by DELETE, twice without harm", async () => {
    const dc = await lab();
    const silenceID = textAt((await silence(dc, "web-1", 30)).body, "silenceID");
    const url = `${dc.url}/alertmanager/api/v2/silence/${silenceID}`;
    expect((await call(url, { method: "DELETE" })).status).toBe(200);
    expect((await call(url, { method: "DELETE" })).status).toBe(200);
    expect(dig((await call(url)).body, "status", "state")).toBe("expired");
  });

  it("answers wrong requests as Alertmanager does", async () => {
    const dc = await lab();
    const base = `${dc.url}/alertmanager/api/v2`;
    expect((await call(`${base}/silence/8c0d71c0-1111-4b11-8111-000000000000`)).status).toBe(404);
    expect(await call(`${base}/silence/nope`)).toMatchObject({ status: 422, body: { code: 601 } });
    expect(await call(`${base}/silences`, { method: "POST", json: {} })).toMatchObject({
      status: 422,
      body: { code: 602, message: "comment in body is required" },
    });
    expect(await silence(dc, "web-1", -1)).toMatchObject({
      status: 400,
      body: "Failed to create silence: end time can't be in the past",
    });
    expect((await call(`${base}/status`)).body).toMatchObject({
      cluster: { status: "disabled" },
      versionInfo: { version: "0.25.0" },
    });
  });

  it("mute the alerts that they match", async () => {
    const dc = await lab({ failing: ["web-1", "web-2"] });
    const silenceID = textAt((await silence(dc, "web-1", 1)).body, "silenceID");
    const { body } = await call(`${dc.url}/alertmanager/api/v2/alerts`);
    expect(listAt(body).map((alert) => dig(alert, "status"))).toEqual([
      { inhibitedBy: [], silencedBy: [silenceID], state: "suppressed" },
      { inhibitedBy: [], silencedBy: [], state: "active" },
    ]);
  });
});

describe("webhook payloads", () => {
  it("have the fingerprints that a real Alertmanager computed", () => {
    // From a captured payload (alertmanager-webhook-03-firing.json).
    const labels = {
      alertname: "NodeMetricDown",
      cluster: "lab-1",
      device: "/dev/sda",
      host: "web-1",
      instance: "127.0.0.1:19100",
      job: "demo",
      severity: "critical",
      team: "baremetal",
    };
    expect(fingerprint(labels)).toBe("9270d50ff1e9fea7");
    expect(fingerprint({ ...labels, host: "web-2" })).toBe("5aa4b5f417ea6ea6");
  });

  it("have the shape of version 4: status by alert, common labels, year 1 while firing", async () => {
    const dc = await lab({ failing: ["web-1"] });
    dc.advance(HOUR);
    dc.world.failDisk("web-2");
    const payload = webhookPayload(dc, { resolved: ["web-3"] });
    expect(payload).toMatchObject({ version: "4", status: "firing", receiver: "selfheal", truncatedAlerts: 0 });
    expect(
      payload.alerts.map(({ status, labels, startsAt, endsAt }) => [labels["host"], status, startsAt, endsAt]),
    ).toEqual([
      ["web-3", "resolved", "2027-01-04T09:00:00.000Z", "2027-01-04T09:00:00.000Z"],
      ["web-1", "firing", "2027-01-04T08:00:00.000Z", "0001-01-01T00:00:00Z"],
      ["web-2", "firing", "2027-01-04T09:00:00.000Z", "0001-01-01T00:00:00Z"],
    ]);
    expect(payload.commonLabels).not.toHaveProperty("host");
    expect(payload.groupKey).toBe('{}:{alertname="SmartDiskFailing", cluster="lab-1"}');
  });
});

describe("the lab's own Alertmanager", () => {
  let close: () => void = () => {};
  afterEach(() => close());

  async function receiver(): Promise<{ url: string; said: string[][]; refuse: number; with: number }> {
    const it = { url: "", said: [] as string[][], refuse: 0, with: 503 };
    const server = createServer((request: IncomingMessage, response) => {
      void text(request).then((body) => {
        if (it.refuse-- > 0) return response.writeHead(it.with).end();
        const { alerts } = JSON.parse(body) as WebhookPayload;
        it.said.push(alerts.map((alert) => `${alert.labels["host"]} ${alert.status}`));
        return response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    close = () => server.close();
    it.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    return it;
  }

  it("sends what fires, repeats it, and says when it is resolved", async () => {
    const hook = await receiver();
    const dc = await lab({ failing: ["web-1"], alerting: { webhookUrl: hook.url, repeatMs: HOUR } });
    const after = async (ms: number): Promise<string[][]> => {
      dc.advance(ms);
      await dc.idle();
      return hook.said.splice(0);
    };
    expect(await after(MINUTE)).toEqual([["web-1 firing"]]);
    dc.world.failDisk("web-2");
    expect(await after(MINUTE)).toEqual([["web-2 firing"]]);
    expect((await after(HOUR + MINUTE)).flat().sort()).toEqual(["web-1 firing", "web-2 firing"]);
    dc.world.healDisk("web-1");
    expect(await after(MINUTE)).toEqual([["web-1 resolved"]]);
  });

  it("says nothing of silenced alerts", async () => {
    const hook = await receiver();
    const dc = await lab({ failing: ["web-1"], alerting: { webhookUrl: hook.url } });
    await silence(dc, "web-1", 2);
    dc.advance(10 * MINUTE);
    await dc.idle();
    expect(hook.said).toEqual([]);
  });

  it("sends again what was answered with 503", async () => {
    const hook = await receiver();
    hook.refuse = 1;
    const dc = await lab({ failing: ["web-1"], alerting: { webhookUrl: hook.url } });
    dc.advance(MINUTE);
    await dc.idle();
    expect(hook.said).toEqual([["web-1 firing"]]);
  });

  it("says again later what nobody took, and counts only what was taken", async () => {
    const hook = await receiver();
    Object.assign(hook, { refuse: 1, with: 400 });
    const dc = await lab({ failing: ["web-1"], alerting: { webhookUrl: hook.url, repeatMs: HOUR } });
    dc.advance(MINUTE);
    await dc.idle();
    expect(hook.said).toEqual([]);
    expect(dc.world.acceptedAlerts).toEqual([]);
    dc.advance(MINUTE);
    await dc.idle();
    expect(hook.said).toEqual([["web-1 firing"]]);
    expect(dc.world.acceptedAlerts.map((alert) => alert.labels["host"])).toEqual(["web-1"]);
    dc.world.healDisk("web-1");
    Object.assign(hook, { refuse: 1 });
    for (const _ of [1, 2]) {
      dc.advance(MINUTE);
      await dc.idle();
    }
    expect(hook.said).toEqual([["web-1 firing"], ["web-1 resolved"]]);
  });
});
