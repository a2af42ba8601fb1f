import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { faultKey } from "../../../src/contracts/ids.ts";
import { anAlert, anEpisode, closing, host, received } from "../builders.ts";
import { databaseOf, type Create } from "./suite.ts";

export function ingestSuite(create: Create): void {
  describe("ingest (law 9)", () => {
    const db = databaseOf(create);

    it("delivers a fact until somebody says that it was delivered", async () => {
      const one = received({ fingerprint: "until-delivered" });
      const fact = { faultKey: faultKey(one.alert), status: "firing" as const };
      expect(await db.record.receive([one])).toEqual([{ faultKey: fact.faultKey, deliver: true, decidedBy: null }]);
      expect((await db.record.receive([one]))[0]?.deliver).toBe(true);
      expect((await db.record.undelivered(0, 10)).map((row) => row.faultKey)).toContain(fact.faultKey);
      await db.record.markDelivered([fact]);
      await db.record.markDelivered([fact]);
      expect((await db.record.receive([one]))[0]?.deliver).toBe(false);
      expect(await db.record.undelivered(0, 10)).toEqual([]);
    });

    it("takes firing and resolved of one fault as two facts", async () => {
      const firing = received({ fingerprint: "two-facts" });
      const resolved = received({ fingerprint: "two-facts", status: "resolved", endsAt: "2026-01-01T01:00:00.000Z" });
      await db.record.receive([firing]);
      await db.record.markDelivered([{ faultKey: faultKey(firing.alert), status: "firing" }]);
      expect((await db.record.receive([resolved, firing])).map((row) => row.deliver)).toEqual([true, false]);
    });

    it("answers in the order of the batch, repeats in it too", async () => {
      const batch = ["c", "a", "b", "a"].map((fingerprint) => received({ fingerprint: `order-${fingerprint}` }));
      const answers = await db.record.receive(batch);
      expect(answers.map((answer) => answer.faultKey)).toEqual(batch.map((one) => faultKey(one.alert)));
      const stored = (await db.record.alerts({ limit: 100 })).find((row) => row.fingerprint === "order-a");
      expect(stored?.repeats).toBe(1);
    });

    it("makes one row of a thousand duplicates that come at once, and counts them", async () => {
      const duplicates = Array.from({ length: 1_000 }, () => received({ fingerprint: "thousand" }));
      const others = Array.from({ length: 10 }, (_, index) => received({ fingerprint: `other-${index}` }));
      await Promise.all(
        duplicates.map((one, index) =>
          db.record.receive(index % 2 === 0 ? [one, ...others] : [...others].reverse().concat(one)),
        ),
      );
      const rows = await db.sql(
        "select fingerprint, repeats from alerts where fingerprint = 'thousand' or fingerprint like 'other-%'",
      );
      expect(rows).toHaveLength(11);
      expect(new Set(rows.map((row) => row["repeats"]))).toEqual(new Set([999]));
    });

    it("keeps unmatched alerts with the reason, and delivers them when a runbook matches later", async () => {
      const unmatched = received(
        { fingerprint: "unmatched" },
        { target: null, runbook: null, disposition: "unmatched", reason: "no runbook" },
      );
      expect((await db.record.receive([unmatched]))[0]?.deliver).toBe(false);
      expect((await db.record.alerts({ unmatched: true }))[0]).toMatchObject({
        fingerprint: "unmatched",
        reason: "no runbook",
        target: null,
      });
      expect((await db.record.receive([received({ fingerprint: "unmatched" })]))[0]?.deliver).toBe(true);
      expect(await db.record.alerts({ unmatched: true })).toEqual([]);
    });

    it("says which closed episode decided the fault, until its re-open time is over", async () => {
      const alert = anAlert({ fingerprint: "decided" });
      const fault = faultKey(alert);
      const again = received({ fingerprint: "decided" }, { reopenAfterMs: 3_600_000 });
      await db.record.receive([again]);
      await db.record.markDelivered([{ faultKey: fault, status: "firing" }]);
      const episode = anEpisode({ target: host("decided"), faults: [fault] });
      await db.record.open(episode);
      await db.record.close(closing(episode.remediationId, { faults: [fault] }));
      expect(await db.record.receive([again])).toEqual([
        { faultKey: fault, deliver: false, decidedBy: episode.remediationId },
      ]);
      await db.setClock(3_601_000);
      expect(await db.record.receive([again])).toEqual([{ faultKey: fault, deliver: true, decidedBy: null }]);
      await db.record.markDelivered([{ faultKey: fault, status: "firing" }]);
      expect((await db.record.receive([again]))[0]?.deliver).toBe(false);
      await db.setClock(null);
    });

    it("tells a fault again that fires after its end, but not what was only overtaken by that", async () => {
      const fault = faultKey(anAlert({ fingerprint: "again" }));
      const firing = received({ fingerprint: "again" }, { reopenAfterMs: 3_600_000 });
      const ended = received({ fingerprint: "again", status: "resolved", endsAt: "2026-01-01T01:00:00.000Z" });
      const episode = anEpisode({ target: host("again"), faults: [fault], reopenAfterMs: 3_600_000 });
      const next = { ...episode, remediationId: randomUUID() };
      await db.record.receive([firing]);
      await db.record.markDelivered([{ faultKey: fault, status: "firing" }]);
      await db.record.open(episode);
      await db.setClock(10_000);
      await db.record.receive([ended]);
      await db.record.close(closing(episode.remediationId, { outcome: "recovered", faults: [fault] }));
      await db.setClock(60_000);
      const repeat = [{ faultKey: fault, deliver: false, decidedBy: episode.remediationId }];
      expect(await db.record.receive([firing])).toEqual(repeat);
      expect(await db.record.open(next)).toMatchObject({ kind: "decidedBefore" });
      await db.setClock(300_000);
      // Twice: the first was not delivered.
      for (const _ of [1, 2]) {
        expect(await db.record.receive([firing])).toEqual([{ faultKey: fault, deliver: true, decidedBy: null }]);
      }
      await db.record.markDelivered([{ faultKey: fault, status: "firing" }]);
      expect(await db.record.open(next)).toEqual({ kind: "opened" });
      await db.record.close(closing(next.remediationId, { outcome: "rejected", faults: [fault] }));
      await db.setClock(600_000);
      expect((await db.record.receive([firing]))[0]).toMatchObject({ deliver: false, decidedBy: next.remediationId });
      await db.setClock(null);
    });

    it("takes back what was delivered to a run that is gone: firing alerts of no remediation, and nothing else", async () => {
      const one = (fingerprint: string, more: object = {}) => received({ fingerprint, ...more });
      const batch = [
        one("lost"),
        one("lost-resolved", { status: "resolved", endsAt: "2026-01-01T01:00:00.000Z" }),
        one("of-an-episode"),
        one("never-delivered"),
      ];
      await db.record.receive(batch);
      const keys = batch.map(({ alert }) => ({ faultKey: faultKey(alert), status: alert.status }));
      await db.record.markDelivered(keys.slice(0, 3));
      const fault = faultKey(anAlert({ fingerprint: "of-an-episode" }));
      await db.record.open(anEpisode({ target: host("outbox"), faults: [fault] }));
      const outbox = async (): Promise<string[]> => {
        const rows = await db.record.undelivered(0, 1_000);
        return rows
          .map((row) => row.fingerprint)
          .filter((name) => batch.some(({ alert }) => alert.fingerprint === name));
      };
      expect(await outbox()).toEqual(["never-delivered"]);
      const faults = [...keys.map((key) => key.faultKey), faultKey(anAlert({ fingerprint: "unknown" }))];
      expect(await db.record.returnToOutbox(faults)).toBe(1);
      expect((await outbox()).sort()).toEqual(["lost", "never-delivered"]);
      expect(await db.record.returnToOutbox(faults)).toBe(0);
      expect(await db.record.returnToOutbox([])).toBe(0);
      expect((await db.record.receive([one("lost")]))[0]?.deliver).toBe(true);
    });

    it("stores any text that JSON can carry", async () => {
      const text = "a\0b\ud800c\\u0000 🚑";
      const one = received({ fingerprint: text, labels: { [text]: text }, annotations: { note: text } });
      expect((await db.record.receive([one]))[0]).toMatchObject({ deliver: true });
      await db.record.markDelivered([{ faultKey: faultKey(one.alert), status: "firing" }]);
      expect((await db.record.receive([one]))[0]).toMatchObject({ faultKey: faultKey(one.alert), deliver: false });
      const row = (await db.record.alerts({})).find((found) => found.fingerprint.startsWith("a\uFFFD"));
      expect(Object.keys(row?.labels ?? {})[0]).toBe("a\uFFFDb\uFFFDc\\u0000 🚑");
    });

    it("writes the times of the record by the database's clock", async () => {
      await db.setClock("2031-05-05T05:05:05.005Z");
      await db.record.receive([received({ fingerprint: "clock" })]);
      await db.setClock(null);
      const row = (await db.record.alerts({ limit: 1 }))[0];
      expect(row).toMatchObject({
        fingerprint: "clock",
        receivedAt: "2031-05-05T05:05:05.005Z",
        lastSeenAt: "2031-05-05T05:05:05.005Z",
      });
    });
  });
}
