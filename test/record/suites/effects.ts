import { describe, expect, it } from "vitest";
import { admitted, anIntent, aPlan, cap, closing, planned } from "../builders.ts";
import { databaseOf, type Create } from "./suite.ts";

export function effectSuite(create: Create): void {
  describe("effects and their fence", () => {
    const db = databaseOf(create);

    it("records the intent once, and says that it stood there when it is asked again", async () => {
      const id = await admitted(db.record, aPlan({ target: "once" }));
      const first = await db.record.beginEffect(anIntent(id));
      expect(first).toMatchObject({ ok: true, fresh: true, row: { state: "intent", attempt: 1, settledAt: null } });
      const again = await db.record.beginEffect(anIntent(id));
      expect(again).toMatchObject({ ok: true, fresh: false, row: { attempt: 1 } });
      expect((await db.record.story(id))?.effects).toHaveLength(1);
    });

    it("counts a second attempt with the same key, keeping the time of the first intent", async () => {
      const id = await admitted(db.record, aPlan({ target: "attempts" }));
      const first = await db.record.beginEffect(anIntent(id));
      const { key } = anIntent(id);
      await db.record.settleEffect(key, "notHappened", null, "not in the pool");
      await db.setClock(60_000);
      const second = await db.record.beginEffect(anIntent(id, { attempt: 2 }));
      await db.setClock(null);
      expect(second).toMatchObject({ ok: true, fresh: false, row: { attempt: 2, state: "intent", settledAt: null } });
      expect(second.ok && first.ok && second.row.intentAt === first.row.intentAt).toBe(true);
      await db.record.settleEffect(key, "happened", { sessions: 0 }, "drained");
      expect(await db.record.beginEffect(anIntent(id, { attempt: 3 }))).toMatchObject({
        row: { attempt: 2, state: "happened" },
      });
    });

    it("knows what a remediation may have done with an action, until it is taken back", async () => {
      const id = await admitted(db.record, aPlan({ target: "own" }));
      const { action, key, rung, step } = anIntent(id);
      const done = () => db.record.mayHaveDone(id, action);
      expect(await done()).toBe(false);
      await db.record.beginEffect(anIntent(id));
      expect(await done()).toBe(true);
      expect(await db.record.mayHaveDone(id, "host.powerOff")).toBe(false);
      expect(await db.record.mayHaveDone("another", action)).toBe(false);
      await db.record.settleEffect(key, "notHappened", null, "not there");
      expect(await done()).toBe(false);
      await db.record.settleEffect(key, "happened", {}, "drained");
      expect(await done()).toBe(true);
      const undo = anIntent(id, { direction: "undo", key: `${key}/undo`, rung, step });
      await db.record.beginEffect(undo);
      expect(await done()).toBe(true);
      await db.record.settleEffect(undo.key, "happened", {}, "ready");
      expect(await done()).toBe(false);
    });

    it("does not take back what was seen to happen by a look that began before that", async () => {
      const id = await admitted(db.record, aPlan({ target: "late-look" }));
      const { key } = anIntent(id);
      await db.record.beginEffect(anIntent(id));
      const lookedAt = await db.record.now();
      await db.setClock(60_000);
      expect(await db.record.settleEffect(key, "happened", { sessions: 0 }, "drained", { lookedAt })).toBe(true);
      for (const state of ["notHappened", "pending", "unknown", "failed"] as const) {
        expect(await db.record.settleEffect(key, state, null, "an old look", { lookedAt }), state).toBe(false);
      }
      expect(await db.record.effect(key)).toMatchObject({ state: "happened", detail: "drained" });
      const later = { lookedAt: await db.record.now() };
      expect(await db.record.settleEffect(key, "notHappened", null, "it is gone", later)).toBe(true);
      await db.setClock(null);
      expect(await db.record.effect(key)).toMatchObject({ state: "notHappened", detail: "it is gone" });
    });

    it("takes a person's word that one happened, with or without an intent, and past every fence", async () => {
      const id = await admitted(db.record, aPlan({ target: "vouched" }));
      await db.record.beginEffect(anIntent(id));
      await db.record.settleEffect(anIntent(id).key, "unknown", null, "no answer");
      await db.record.vouchEffect(anIntent(id), { sessions: 0 }, "done by the word of ann");
      const undo = anIntent(id, { direction: "undo" });
      await db.record.orphanLeases(id, "the workflow was terminated");
      await db.record.releaseLeases(id, "ann", "looked");
      expect(await db.record.beginEffect(undo)).toMatchObject({ ok: false, code: "LEASE_LOST" });
      await db.record.vouchEffect(undo, {}, "taken back by the word of ann");
      // The call was tried again after its reply was lost.
      await db.record.vouchEffect(undo, {}, "taken back by the word of ann");
      expect((await db.record.story(id))?.effects).toMatchObject([
        { state: "happened", result: { sessions: 0 }, detail: "done by the word of ann", attempt: 1 },
        { state: "happened", detail: "taken back by the word of ann" },
      ]);
      await expect(db.record.vouchEffect(anIntent("nobody"), {}, "so")).rejects.toThrow("nobody");
    });

    it("refuses to act for what was never admitted, is closed or is not known", async () => {
      const id = await planned(db.record, aPlan({ target: "never" }));
      expect(await db.record.beginEffect(anIntent(id))).toMatchObject({ ok: false, code: "LEASE_LOST" });
      const closed = await admitted(db.record, aPlan({ target: "closed" }));
      await db.record.close(closing(closed));
      expect(await db.record.beginEffect(anIntent(closed))).toMatchObject({ ok: false, code: "NOT_OPEN" });
      expect(await db.record.beginEffect(anIntent("nobody"))).toMatchObject({ ok: false, code: "NOT_OPEN" });
      expect(await db.record.effect(anIntent(id).key)).toBeNull();
    });

    it("lets an orphaned remediation take back but not act, and one whose leases are gone do neither", async () => {
      const id = await admitted(db.record, aPlan({ target: "lost", caps: [cap("rack:r1", 5)] }));
      await db.record.orphanLeases(id, "the workflow was terminated");
      expect(await db.record.beginEffect(anIntent(id))).toMatchObject({ ok: false, code: "LEASE_LOST" });
      expect(await db.record.beginEffect(anIntent(id, { direction: "undo" }))).toMatchObject({ ok: true });
      await db.record.releaseLeases(id, "ann", "looked");
      expect(await db.record.beginEffect(anIntent(id, { direction: "finishOtherwise" }))).toMatchObject({
        code: "LEASE_LOST",
      });
    });

    it("stops applies under a pause of any of its scopes, and lets undo and finish through (B10)", async () => {
      const id = await admitted(db.record, aPlan({ target: "paused", group: "edge", rack: "r9", region: "eu" }));
      const wish = { reason: "storage incident", by: "ann", until: null };
      for (const scope of ["global", "group:edge", "rack:r9", "region:eu", "runbook:disk", "target:host:paused"]) {
        const pause = await db.record.pause({ scope, ...wish });
        const fence = await db.record.beginEffect(anIntent(id, { step: scope }));
        expect(fence, scope).toMatchObject({ ok: false, code: "PAUSED" });
        expect(!fence.ok && fence.detail).toContain("storage incident");
        const undo = anIntent(id, { step: scope, direction: "undo" });
        expect((await db.record.beginEffect(undo)).ok, scope).toBe(true);
        expect((await db.record.beginEffect(anIntent(id, { step: scope, direction: "finishHealthy" }))).ok).toBe(true);
        await db.record.resume(pause.id, "ann");
        expect((await db.record.beginEffect(anIntent(id, { step: scope }))).ok, scope).toBe(true);
      }
      await db.record.pause({ scope: "group:other", ...wish });
      expect((await db.record.beginEffect(anIntent(id, { step: "other" }))).ok).toBe(true);
    });

    it("ends a pause at its time", async () => {
      const id = await admitted(db.record, aPlan({ target: "until", group: "until" }));
      const until = new Date(Date.parse(await db.record.now()) + 60_000).toISOString();
      await db.record.pause({ scope: "group:until", reason: "window", by: "ann", until });
      expect((await db.record.beginEffect(anIntent(id))).ok).toBe(false);
      await db.setClock(61_000);
      expect((await db.record.pauses()).filter((pause) => pause.scope === "group:until")).toEqual([]);
      expect((await db.record.beginEffect(anIntent(id))).ok).toBe(true);
      await db.setClock(null);
    });

    it("begins no apply after pause has returned, however many are on their way", async () => {
      const plan = aPlan({ target: "storm", group: "storm" });
      const id = await admitted(db.record, plan);
      let returned = 0;
      const late: string[] = [];
      const begin = async (step: string) => {
        const asked = performance.now();
        const fence = await db.record.beginEffect(anIntent(id, { step }));
        if (fence.ok && returned > 0 && asked > returned) late.push(step);
      };
      const storm = Array.from({ length: 60 }, (_, index) => begin(`s${index}`));
      await db.record.pause({ scope: "group:storm", reason: "stop", by: "ann", until: null });
      returned = performance.now();
      const before = await db.sql("select count(*)::int as n from effects where remediation_id = $1", [id]);
      await Promise.all([...storm, ...Array.from({ length: 20 }, (_, index) => begin(`t${index}`))]);
      const after = await db.sql("select count(*)::int as n from effects where remediation_id = $1", [id]);
      expect(late).toEqual([]);
      expect(after).toEqual(before);
    });

    it("records what became of an effect, whenever it is told", async () => {
      const id = await admitted(db.record, aPlan({ target: "settle" }));
      const { key } = anIntent(id);
      await db.record.beginEffect(anIntent(id));
      await db.record.settleEffect(key, "pending", null, "12 sessions");
      expect(await db.record.effect(key)).toMatchObject({ state: "pending", settledAt: null });
      expect((await db.record.unsettledEffects(0, 100)).map((row) => row.key)).toContain(key);
      await db.record.settleEffect(key, "happened", { sessions: 0 }, "drained");
      await db.record.settleEffect(key, "happened", { sessions: 0 }, "drained");
      expect(await db.record.effect(key)).toMatchObject({
        state: "happened",
        result: { sessions: 0 },
        detail: "drained",
      });
      expect((await db.record.unsettledEffects(0, 100)).map((row) => row.key)).not.toContain(key);
      const kinds = (await db.record.audit(id)).map((row) => row.kind).slice(3);
      expect(kinds).toEqual(["effectIntended", "effectSettled", "effectSettled"]);
      await db.record.close(closing(id));
      await db.record.settleEffect(key, "unknown", null, "late");
      await expect(db.record.settleEffect("no/such/key", "happened", null, "")).rejects.toThrow(
        "knows no effect no/such/key",
      );
    });

    it("gives the leases of a closed remediation back when the last of its effects is settled (law 2)", async () => {
      const id = await admitted(db.record, aPlan({ target: "late" }));
      for (const step of ["one", "two"]) await db.record.beginEffect(anIntent(id, { step }));
      await db.record.close(closing(id));
      const mine = async () => (await db.record.leases()).filter((lease) => lease.remediationId === id).length;
      await db.record.settleEffect(anIntent(id, { step: "one" }).key, "happened", null, "it went on after terminate");
      await db.record.settleEffect(anIntent(id, { step: "two" }).key, "unknown", null, "nobody can say");
      expect(await mine()).toBeGreaterThan(0);
      await db.record.settleEffect(anIntent(id, { step: "two" }).key, "notHappened", null, "ann looked");
      expect(await mine()).toBe(0);
    });
  });
}
