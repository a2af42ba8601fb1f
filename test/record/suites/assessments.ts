import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { faultKey } from "../../../src/contracts/ids.ts";
import type { Assessment } from "../../../src/record/api-episodes.ts";
import { verifyChain } from "../../../src/record/audit.ts";
import type { TestDatabase } from "../../support/database.ts";
import {
  admitted,
  anAlert,
  anEpisode,
  aPlan,
  closing,
  hashOfPlan,
  host,
  planned,
  received,
  verdict,
} from "../builders.ts";
import type { Create } from "./suite.ts";

const ENTRIES = [
  { key: "confirm/1", kind: "confirmed", body: { reading: "unhealthy" } },
  { key: "collected/1", kind: "collected", body: { collected: { serial: "S\u00001" } } },
];

/** Of the first pass of a remediation that only observes. */
function anAssessment(remediationId: string, changes: Partial<Assessment> = {}): Assessment {
  const plan = aPlan({ target: "assessed" });
  return {
    remediationId,
    progress: { phase: "confirm", doing: "asking the probe", until: null },
    entries: ENTRIES,
    decision: { verdict: { ...verdict, outcome: "observe" }, plan, planHash: hashOfPlan(plan), catalogueVersion: "v1" },
    close: null,
    ...changes,
  };
}

const KINDS = ["opened", "progress", "confirmed", "collected", "verdict", "closed"];

export function assessmentSuite(create: Create): void {
  describe("the first pass in one transaction", () => {
    let db: TestDatabase;
    beforeAll(async () => (db = await create()));
    afterAll(() => db.drop());

    async function opened(id: string): Promise<{ remediationId: string; faults: ReturnType<typeof faultKey>[] }> {
      const alert = { fingerprint: id };
      await db.record.receive([received(alert)]);
      const faults = [faultKey(anAlert(alert))];
      const episode = anEpisode({ target: host(id), faults });
      expect(await db.record.open(episode)).toEqual({ kind: "opened" });
      return { remediationId: episode.remediationId, faults };
    }

    it("leaves the record that its parts leave one after the other", async () => {
      const [one, other] = [await opened("as-one"), await opened("in-parts")];
      const { progress, decision } = anAssessment("");
      if (progress === null || decision === null) throw new Error("an assessment without its parts");
      const close = closing(one.remediationId, { outcome: "observed", faults: one.faults });
      const closed = await db.record.saveAssessment(anAssessment(one.remediationId, { close }));
      const { remediationId } = other;
      await db.record.progress(remediationId, progress.phase, progress.doing, progress.until);
      for (const { key, kind, body } of ENTRIES) await db.record.append(remediationId, key, kind, body);
      const { verdict: made, plan, planHash, catalogueVersion } = decision;
      await db.record.saveDecision(remediationId, made, plan, planHash, catalogueVersion);
      const parted = await db.record.close({ ...close, remediationId, faults: other.faults });

      const stories = [await db.record.story(one.remediationId), await db.record.story(remediationId)];
      const [story, inParts] = stories.map((found) => {
        if (found === null) throw new Error("no story");
        const { remediation: row, plan: saved, alerts, verdicts, audit } = found;
        const { outcome, detail, phase, doing, runbook, planHash: hash, catalogueVersion: version } = row;
        return {
          row: { outcome, detail, phase, doing, runbook, hash, version, closed: row.closedAt !== null },
          saved,
          alerts: alerts.length,
          verdicts: verdicts.map(({ seq, verdict: said }) => [seq, said]),
          audit: audit.map(({ kind, body }) => [
            kind,
            { ...body, target: null, faults: null, workflowId: null, runId: null },
          ]),
        };
      });
      expect(story).toEqual(inParts);
      expect(stories[0]?.audit.map(({ kind }) => kind)).toEqual(KINDS);
      for (const [at, found] of [closed, parted].entries()) {
        expect(verifyChain(stories[at]?.audit ?? [], found?.auditHead)).toEqual({ ok: true, head: found?.auditHead });
      }
      const again = anEpisode({ target: host("as-one"), faults: one.faults });
      expect(await db.record.open(again)).toMatchObject({ kind: "decidedBefore", remediationId: one.remediationId });
    });

    it("keeps it open when nothing closes it, and takes the next one behind it with each key once", async () => {
      const { remediationId } = await opened("twice");
      const decision = { verdict, plan: null, planHash: null, catalogueVersion: "v1" };
      expect(await db.record.saveAssessment(anAssessment(remediationId))).toBeNull();
      expect(await db.record.saveAssessment(anAssessment(remediationId, { decision }))).toBeNull();
      const { remediation, verdicts, audit } = (await db.record.story(remediationId)) ?? {};
      expect(remediation).toMatchObject({ phase: "confirm", planHash: null, closedAt: null });
      expect(verdicts).toHaveLength(2);
      expect(audit?.map(({ kind }) => kind)).toEqual([...KINDS.slice(0, 5), "verdict"]);
      const close = closing(remediationId, { outcome: "observed" });
      const closed = await db.record.saveAssessment(anAssessment(remediationId, { close }));
      expect(verifyChain(await db.record.audit(remediationId), closed?.auditHead)).toMatchObject({ ok: true });
    });

    it("does not close what holds leases: they are given back behind the admission lock", async () => {
      const remediationId = await admitted(db.record, aPlan({ target: "holds" }));
      const close = closing(remediationId, { outcome: "observed" });
      expect(await db.record.saveAssessment(anAssessment(remediationId, { close }))).toBeNull();
      expect((await db.record.find(remediationId))?.closedAt).toBeNull();
    });

    it("leaves a closed one as it is, answers what closed it, and knows no other", async () => {
      const remediationId = await planned(db.record, aPlan({ target: "gone" }));
      const { auditHead } = await db.record.close(closing(remediationId));
      const before = await db.record.audit(remediationId);
      expect(await db.record.saveAssessment(anAssessment(remediationId))).toEqual({ auditHead, gaveBack: false });
      expect(await db.record.audit(remediationId)).toEqual(before);
      await expect(db.record.saveAssessment(anAssessment("nobody"))).rejects.toThrow("knows no remediation nobody");
    });

    it("by two tries at once is one close", async () => {
      const { remediationId, faults } = await opened("zombie");
      const close = closing(remediationId, { outcome: "observed", faults });
      const heads = await Promise.all(
        [1, 2].map(() => db.record.saveAssessment(anAssessment(remediationId, { close }))),
      );
      expect(heads[0]?.auditHead).toBe(heads[1]?.auditHead);
      expect((await db.record.audit(remediationId)).map(({ kind }) => kind)).toEqual(KINDS);
    });
  });
}
