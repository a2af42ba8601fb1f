import { describe, expect, it } from "vitest";
import { sharedServer } from "../support/rig-server.ts";
import { REFUSED, UNTOUCHED } from "../support/rig-state.ts";
import { fingerprint } from "../../src/lab/alerts.ts";
import type { WebhookAlert, WebhookPayload } from "../../src/lab/alerts.ts";
import { HOUR_MS, MINUTE_MS, withRig } from "../support/rig.ts";

const env = await sharedServer();

describe("the target of an alert", () => {
  it("is one machine by name, domain name and address: three alerts, one remediation", async () => {
    await withRig(env, {}, async (rig) => {
      const { fqdn, address } = rig.lab.world.host("web-1");
      const answer = await rig.alert({}, (body) => {
        const [alert] = body.alerts as [WebhookAlert];
        const byName = relabel(alert, { instance: "web-1:9633" });
        const byDomain = relabel(alert, { host: fqdn, instance: `${fqdn}:9633` });
        const byAddress = relabel(alert, { host: undefined, instance: `${address}:9633` });
        body.alerts = [byName, byDomain, byAddress];
      });
      expect(answer.accepted).toBe(3);
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
      expect(await rig.record.list({})).toHaveLength(1);
      expect((await rig.story("web-1")).alerts).toHaveLength(3);
      expect(rig.world("web-1")).toMatchObject({ rebuilds: 1, tickets: ["resolved"] });
    });
  });

  it("that is in no inventory is told to a person, and nothing is touched", async () => {
    await withRig(env, {}, async (rig) => {
      const labels = { host: "nobody-9", instance: "10.99.0.1:9633" };
      await rig.alert({}, (body) => (body.alerts = body.alerts.map((alert) => relabel(alert, labels))));
      await rig.soon("opened", async () => (await rig.record.list({})).length === 1);
      const [row] = await rig.record.list({});
      expect(row?.target.kind).toBe("unknown");
      const state = await rig.closed(row?.target.id ?? "", "unknown");
      expect(state).toMatchObject({ ...REFUSED, leases: [] });
      expect(state.detail).toContain("TARGET_UNKNOWN");
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("that no label names is told to a person, and nothing is touched", async () => {
    await withRig(env, {}, async (rig) => {
      const labels = { host: undefined, instance: "" };
      await rig.alert({}, (body) => (body.alerts = body.alerts.map((alert) => relabel(alert, labels))));
      await rig.soon("opened", async () => (await rig.record.list({})).length === 1);
      const [row] = await rig.record.list({});
      const state = await rig.closed(row?.target.id ?? "", row?.target.kind);
      expect(state).toMatchObject(REFUSED);
      expect(rig.world("web-1")).toEqual(UNTOUCHED);
    });
  });

  it("that does not meet the runbook's requirement is refused with the reason", async () => {
    await withRig(env, { failing: ["db-1"] }, async (rig) => {
      await rig.alert();
      const state = await rig.closed("db-1");
      expect(state).toMatchObject({ outcome: "refused", needsHuman: true, effects: {}, leases: [] });
      expect(state.detail).toMatch(/REQUIREMENT_NOT_MET|FACTS_UNAVAILABLE/);
      expect(rig.world("db-1")).toMatchObject({ rebuilds: 0, tickets: [], silences: 0 });
    });
  });
});

describe("repetitions", () => {
  it("1,000 duplicates of one alert make one remediation and a handful of events", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "act", /ticket/);
      const before = await rig.events("web-1");
      const posts = Array.from({ length: 10 }, () =>
        rig.alert({}, (body) => (body.alerts = Array.from({ length: 100 }, () => body.alerts[0] as WebhookAlert))),
      );
      await Promise.all(posts);
      expect(await rig.events("web-1")).toBeLessThan(before + 10);
      expect((await rig.story("web-1")).alerts).toMatchObject([{ repeats: 1_000 }]);
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
      expect(await rig.outcomes("web-1")).toEqual(["healed"]);
    });
  });

  it("of a fault that a person has now do not start again; after the runbook's time they do", async () => {
    await withRig(env, {}, async (rig) => {
      const absent = rig.lab.inject({ name: "technician-absent", host: "web-1" });
      await rig.alert();
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "escalated" });
      await rig.advance(4 * HOUR_MS);
      await rig.alert();
      expect(await rig.isRunning("web-1")).toBe(false);
      rig.lab.clear(absent.id);
      await rig.advance(24 * HOUR_MS);
      await rig.alert();
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
      expect(await rig.outcomes("web-1")).toEqual(["healed", "escalated"]);
    });
  });

  it("of one alert by two Alertmanagers at once make one remediation", async () => {
    await withRig(env, {}, async (rig) => {
      await Promise.all([rig.alert(), rig.alert(), rig.alert()]);
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
      expect(await rig.outcomes("web-1")).toEqual(["healed"]);
      expect(rig.world("web-1")).toMatchObject({ rebuilds: 1, tickets: ["resolved"] });
    });
  });
});

describe("a second fault during the first", () => {
  it("is joined when it asks for the same remedy", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "act", /ticket/);
      await rig.alert({ labels: { severity: "warning" } });
      await rig.soon("joined", async () => (await rig.view("web-1")).faults.length >= 1);
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "healed" });
      expect(await rig.outcomes("web-1")).toEqual(["healed"]);
      await rig.alert({ hosts: ["web-1"], labels: { severity: "warning" } });
      expect(await rig.isRunning("web-1")).toBe(false);
    });
  });

  it("gets an episode of its own afterwards when it asks for another, and is looked at afresh", async () => {
    await withRig(env, {}, async (rig) => {
      await rig.alert();
      await rig.untilIn("web-1", "act", /ticket/);
      await rig.alert({ labels: { device: "/dev/sdb" } });
      const state = await rig.closed("web-1");
      expect(await rig.outcomes("web-1")).toEqual(["refused", "healed"]);
      // There is no such disk, so nobody can say that it fails.
      expect(state).toMatchObject({ outcome: "refused", needsHuman: true, effects: {} });
      expect(state.detail).toContain("FACTS_UNAVAILABLE");
      expect(rig.world("web-1")).toMatchObject({ server: "ready 100 %", rebuilds: 1 });
    });
  });
});

/** The same alert with other labels; undefined takes one away. */
function relabel(alert: WebhookAlert, labels: Record<string, string | undefined>): WebhookPayload["alerts"][number] {
  const changed = { ...alert.labels, ...labels };
  const kept = Object.fromEntries(
    Object.entries(changed).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  return { ...alert, labels: kept, fingerprint: fingerprint(kept) };
}

describe("a fault whose end came before anything was done", () => {
  // Prometheus could not reach its Alertmanager for some minutes: that tells an end, and then the same fault again.
  it("is taken up again when it fires again, though it began when it did", async () => {
    await withRig(env, { standingFor: [] }, async (rig) => {
      await rig.alert();
      await rig.soonIn("web-1", "approve", /approval/);
      await rig.alert({ hosts: [], resolved: ["web-1"] });
      expect(await rig.closed("web-1")).toMatchObject({ outcome: "recovered", effects: {} });
      await rig.advance(10 * MINUTE_MS);
      expect(await rig.alert()).toMatchObject({ accepted: 1 });
      await rig.soonIn("web-1", "approve", /approval/);
      // Its repeats are repeats again.
      await rig.decide("reject", "web-1", "ada");
      await rig.closed("web-1");
      await rig.advance(10 * MINUTE_MS);
      expect(await rig.alert()).toMatchObject({ accepted: 0, duplicates: 1 });
      expect(await rig.outcomes("web-1")).toEqual(["rejected", "recovered"]);
    });
  });
});
