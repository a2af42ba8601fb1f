import { describe, expect, it } from "vitest";
import { verifyChain } from "../../../src/record/audit.ts";
import { aPlan, closing, hashOfPlan, planned } from "../builders.ts";
import { databaseOf, type Create } from "./suite.ts";

export function notificationsSuite(create: Create): void {
  describe("threads and channels", () => {
    const db = databaseOf(create);
    const opening = { key: "k", route: "page", title: "t", text: "x" } as const;
    let made = 0;
    const thread = async () => {
      const remediationId = await planned(db.record, aPlan({ target: `told-${++made}` }));
      const row = { remediationId, channel: "chat", reference: "C1/1", opening };
      await db.record.keepThread(row, null);
      return row;
    };
    const staleOf = async (id: string) =>
      (await db.record.staleThreads(50)).find(({ remediationId }) => remediationId === id);

    it("keeps the first of two threads that begin at once, and the one that takes its place", async () => {
      const row = await thread();
      await db.record.keepThread({ ...row, reference: "C1/2" }, null);
      expect(await db.record.threads(row.remediationId)).toEqual([row]);
      const next = { ...row, reference: "C1/3", opening: { ...opening, key: "k2" } };
      await db.record.keepThread(next, "C1/2");
      expect(await db.record.threads(row.remediationId)).toEqual([row]);
      await db.record.keepThread(next, "C1/1");
      expect(await db.record.threads(row.remediationId)).toEqual([next]);
    });

    it("counts a decision as heard only when it was made after the thread rang", async () => {
      const plan = aPlan({ target: "heard" });
      const id = await planned(db.record, plan);
      const row = { remediationId: id, channel: "chat", reference: "C1/1", opening };
      await db.record.keepThread(row, null);
      await db.record.decide({
        ...{ remediationId: id, planHash: hashOfPlan(plan), decision: "approve", by: "ada", via: "cli", reason: "" },
        ...{
          ignoredBecause: null,
          token: null,
          unsigned: true,
          roles: ["dc-ops"],
          quorum: 1,
          expiresAt: "2100-01-01T00:00:00.000Z",
        },
      });
      expect((await staleOf(id))?.acknowledgedBy).toBe("ada");
      await db.setClock(60_000);
      await db.record.keepThread({ ...row, reference: "C1/2" }, "C1/1");
      expect((await staleOf(id))?.acknowledgedBy).toBeNull();
      await db.setClock(null);
    });

    it("finds a thread stale until it shows how its remediation stands, and again when that changes", async () => {
      const { remediationId: id } = await thread();
      const first = await staleOf(id);
      expect(first).toMatchObject({ acknowledgedBy: null, opening, remediation: { remediationId: id } });
      await db.record.threadShown(first!, null);
      expect(await staleOf(id)).toBeUndefined();
      await db.record.progress(id, "approve", "waits", null);
      const second = await staleOf(id);
      expect(second?.remediation.phase).toBe("approve");
      await db.record.threadShown(second!, null);
      await db.record.progress(id, "approve", "waits for bob", null);
      expect(await staleOf(id)).toBeUndefined();
    });

    it("shows the end once, and what ended is not looked at again", async () => {
      const { remediationId: id } = await thread();
      await db.record.close(closing(id));
      const last = await staleOf(id);
      expect(last?.remediation.outcome).not.toBeNull();
      await db.record.threadShown(last!, null);
      expect(await staleOf(id)).toBeUndefined();
    });

    it("waits longer after each failure", async () => {
      const { remediationId: id } = await thread();
      await db.record.threadShown((await staleOf(id))!, "down");
      expect(await staleOf(id)).toBeUndefined();
      await db.setClock(3 * 60_000);
      expect(await staleOf(id)).toBeDefined();
      await db.setClock(null);
    });

    it("gives up a thread that could not be changed for a week", async () => {
      const { remediationId: id } = await thread();
      const row = (await staleOf(id))!;
      for (let tries = 0; tries < 6 + 7 * 24 - 1; tries++) await db.record.threadShown(row, "message_not_found");
      await db.setClock(2 * 3_600_000);
      expect(await staleOf(id)).toBeDefined();
      await db.record.threadShown(row, "message_not_found");
      await db.setClock(24 * 3_600_000);
      expect(await staleOf(id)).toBeUndefined();
      await db.setClock(null);
    });

    it("counts what each channel took and did not take, in the story too", async () => {
      const { remediationId } = await thread();
      const one = { channel: "mail", remediationId, key: "k", route: "page" };
      await db.record.channelTried({ ...one, error: "down" });
      await db.record.channelTried({ ...one, error: null });
      await db.record.channelTried({ ...one, remediationId: null, error: null });
      const { channels } = await db.record.liveState();
      expect(channels).toContainEqual({ channel: "mail", taken: 2, failed: 1 });
      const audit = await db.record.audit(remediationId);
      expect(audit.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["channelFailed", "channelTook"]));
      expect(verifyChain(audit)).toMatchObject({ ok: true });
    });
  });
}
