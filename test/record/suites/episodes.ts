import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { faultKey } from "../../../src/contracts/ids.ts";
import { verifyChain } from "../../../src/record/audit.ts";
import {
  admitted,
  anAlert,
  anEpisode,
  anIntent,
  aPlan,
  cap,
  closing,
  hashOfPlan,
  host,
  planned,
  received,
  verdict,
} from "../builders.ts";
import { databaseOf, type Create } from "./suite.ts";

export function episodeSuite(create: Create): void {
  describe("episodes (laws 5 and 8)", () => {
    const db = databaseOf(create);

    it("answers a second open with the same id as opened, without a second row, and as decided once it is closed", async () => {
      const episode = anEpisode({ target: host("retry") });
      expect(await db.record.open(episode)).toEqual({ kind: "opened" });
      expect(await db.record.open(episode)).toEqual({ kind: "opened" });
      expect(await db.record.list({ target: "host/retry" })).toHaveLength(1);
      await db.record.close(closing(episode.remediationId));
      const { remediationId } = episode;
      expect(await db.record.open(episode)).toEqual({ kind: "decidedBefore", remediationId });
    });

    it("lets only one of many that open the same target at once", async () => {
      const episodes = Array.from({ length: 20 }, () => anEpisode({ target: host("race"), faults: [] }));
      const opened = await Promise.all(episodes.map((episode) => db.record.open(episode)));
      const winner = episodes[opened.findIndex((one) => one.kind === "opened")];
      expect(opened.filter((one) => one.kind === "opened")).toHaveLength(1);
      const others = opened.filter((one) => one.kind === "otherOpen");
      expect(others).toHaveLength(19);
      expect(new Set(others.map((one) => one.remediationId))).toEqual(new Set([winner?.remediationId]));
    });

    it("appends a fault that was decided to the episode that decided it", async () => {
      const faults = [faultKey(anAlert({ fingerprint: "d1" })), faultKey(anAlert({ fingerprint: "d2" }))];
      const first = anEpisode({ target: host("decided"), faults });
      await db.record.open(first);
      await db.record.close(closing(first.remediationId, { faults }));
      const again = anEpisode({ target: host("decided"), faults });
      const reply = { kind: "decidedBefore", remediationId: first.remediationId };
      expect(await db.record.open(again)).toEqual(reply);
      expect(await db.record.open(again)).toEqual(reply);
      const chain = await db.record.audit(first.remediationId);
      expect(chain.map((row) => row.kind)).toEqual(["opened", "closed", "repeat"]);
      const news = faultKey(anAlert({ fingerprint: "d3" }));
      expect(await db.record.open({ ...again, faults: [...faults, news] })).toEqual({ kind: "opened" });
    });

    it("opens again when the re-open time is over", async () => {
      const faults = [faultKey(anAlert({ fingerprint: "reopen" }))];
      const first = anEpisode({ target: host("reopen"), faults, reopenAfterMs: 60_000 });
      await db.record.open(first);
      await db.record.close(closing(first.remediationId, { faults }));
      expect((await db.record.open({ ...first, remediationId: randomUUID() })).kind).toBe("decidedBefore");
      await db.setClock(61_000);
      expect((await db.record.open({ ...first, remediationId: randomUUID() })).kind).toBe("opened");
      await db.setClock(null);
    });

    it("closes once: everything is given back, and a retry answers the same head", async () => {
      const plan = aPlan({ target: "close", caps: [cap("group:close", 1)] });
      const remediationId = await admitted(db.record, plan);
      await db.record.wait({
        key: `${remediationId}/w`,
        remediationId,
        system: "tickets",
        ref: "42",
        seen: "new",
        until: null,
      });
      const request = closing(remediationId, { needsHuman: true, detail: "kept drained", outcome: "escalated" });
      const { auditHead } = await db.record.close(request);
      expect(await db.record.close({ ...request, outcome: "healed" })).toMatchObject({ auditHead });
      expect((await db.record.leases()).filter((lease) => lease.remediationId === remediationId)).toEqual([]);
      expect(await db.record.openWaits("tickets")).toEqual([]);
      const story = await db.record.story(remediationId);
      expect(story?.remediation).toMatchObject({
        phase: "closed",
        outcome: "escalated",
        needsHuman: true,
        detail: "kept drained",
      });
      expect(verifyChain(story?.audit ?? [], auditHead)).toEqual({ ok: true, head: auditHead });
    });

    it("keeps the leases as orphaned when effects are not settled, until they are released", async () => {
      const plan = aPlan({ target: "orphan", caps: [cap("group:orphan", 1)] });
      const remediationId = await admitted(db.record, plan);
      await db.record.beginEffect(anIntent(remediationId));
      await db.record.close(closing(remediationId));
      const mine = async () => (await db.record.leases()).filter((lease) => lease.remediationId === remediationId);
      expect((await mine()).map((lease) => lease.state)).toEqual(Array(4).fill("orphaned"));
      const next = await planned(db.record, plan);
      const { counted } = await db.record.countedFacts(next, plan, hashOfPlan(plan));
      expect(counted.held).toMatchObject({ "target:host:orphan": 1, "group:orphan": 1 });
      await db.record.releaseLeases(remediationId, "ann", "looked: nothing runs");
      expect(await mine()).toEqual([]);
    });

    it("stays open when whoever closes it does not know of an effect that is not taken back", async () => {
      const id = await admitted(db.record, aPlan({ target: "forgotten" }));
      const { key, rung, step } = anIntent(id);
      await db.record.beginEffect(anIntent(id));
      const unaware = closing(id, { outcome: "recovered", began: [] });
      expect(await db.record.close(unaware)).toEqual({
        auditHead: "",
        gaveBack: false,
        unsettled: [`${rung}/${step}`],
      });
      expect(await db.record.find(id)).toMatchObject({ closedAt: null });
      await db.record.settleEffect(key, "happened", {}, "drained");
      expect(await db.record.close(unaware)).toHaveProperty("unsettled");
      const undo = anIntent(id, { direction: "undo" });
      await db.record.beginEffect(undo);
      await db.record.settleEffect(undo.key, "happened", {}, "back");
      expect(await db.record.close(unaware)).toMatchObject({ gaveBack: true });
      const aware = await admitted(db.record, aPlan({ target: "remembered" }));
      await db.record.beginEffect(anIntent(aware));
      expect(await db.record.close(closing(aware, { began: [`${rung}/${step}`] }))).toMatchObject({ gaveBack: true });
    });

    it("says in the row what it does, and writes the chain only for what changed", async () => {
      const episode = anEpisode({ target: host("progress"), faults: [] });
      await db.record.open(episode);
      const id = episode.remediationId;
      await db.record.progress(id, "approve", "waiting for dc-ops", "2026-01-01T10:00:00Z");
      await db.record.progress(id, "approve", "waiting for dc-ops", "2026-01-01T10:00:00Z");
      const row = await db.record.find(id);
      expect(row).toMatchObject({
        phase: "approve",
        doing: "waiting for dc-ops",
        phaseUntil: "2026-01-01T10:00:00.000Z",
      });
      expect((await db.record.audit(id)).map((entry) => entry.kind)).toEqual(["opened", "progress"]);
      await db.record.close(closing(id));
      await db.record.progress(id, "act", "too late", null);
      expect(await db.record.find(id)).toMatchObject({ phase: "closed" });
    });

    it("keeps the plan exactly as it was given, and a verdict without one takes it out of force", async () => {
      const plan = aPlan({ target: "plan" });
      const remediationId = await planned(db.record, plan);
      const planHash = hashOfPlan(plan);
      await db.record.saveDecision(remediationId, verdict, plan, planHash, "cat-1");
      const stored = await db.record.plan(remediationId);
      expect(JSON.stringify(stored?.plan)).toBe(JSON.stringify(plan));
      expect(stored).toMatchObject({ planHash, catalogueVersion: "cat-1" });
      expect((await db.record.story(remediationId))?.verdicts).toHaveLength(1);
      await db.record.saveDecision(remediationId, { ...verdict, outcome: "refuse" }, null, null, "cat-2");
      expect(await db.record.plan(remediationId)).toBeNull();
      const story = await db.record.story(remediationId);
      expect(story?.verdicts.map((one) => one.verdict.outcome)).toEqual(["act", "refuse"]);
      expect(story?.plan?.runbook).toBe("disk");
    });

    it("finds by id, by its beginning, by target, and nothing by an ambiguous beginning", async () => {
      const target = host("find/me");
      const [one, two] = ["aaaa1111-0000", "aaaa2222-0000"].map((remediationId) =>
        anEpisode({ remediationId, target, faults: [] }),
      );
      if (one === undefined || two === undefined) throw new Error("no episodes");
      await db.record.open(one);
      await db.record.close(closing(one.remediationId));
      await db.setClock(1_000);
      await db.record.open(two);
      await db.setClock(null);
      expect((await db.record.find("aaaa1111-0000"))?.remediationId).toBe(one.remediationId);
      expect((await db.record.find("aaaa1"))?.remediationId).toBe(one.remediationId);
      expect(await db.record.find("aaaa")).toBeNull();
      expect((await db.record.find("host/find/me"))?.remediationId).toBe(two.remediationId);
      expect((await db.record.find("find/me"))?.remediationId).toBe(two.remediationId);
      expect(await db.record.find("nothing")).toBeNull();
      const history = await db.record.target(target);
      expect(history.open?.remediationId).toBe(two.remediationId);
      expect(history.recent.map((row) => row.remediationId)).toEqual([two.remediationId, one.remediationId]);
      expect(
        await db.record.list({ target: "host/find/me", open: true, runbook: "disk", phase: "open", limit: 5 }),
      ).toHaveLength(1);
      expect(await db.record.list({ target: "host/find/me", outcome: "healed" })).toHaveLength(1);
    });

    it("shows the alerts of an episode in its story", async () => {
      const alert = anAlert({ fingerprint: "story" });
      await db.record.receive([received({ fingerprint: "story" })]);
      const episode = anEpisode({ target: host("story"), faults: [faultKey(alert)] });
      await db.record.open(episode);
      const story = await db.record.story(episode.remediationId);
      expect(story?.alerts.map((row) => [row.fingerprint, row.remediationId])).toEqual([
        ["story", episode.remediationId],
      ]);
      expect(await db.record.story("unknown")).toBeNull();
    });
  });
}
