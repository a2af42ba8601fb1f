import { describe, expect, it } from "vitest";
import { verifyChain } from "../../../src/record/audit.ts";
import { anEpisode, aPlan, closing, host, planned } from "../builders.ts";
import { databaseOf, type Create } from "./suite.ts";

export function othersSuite(create: Create): void {
  describe("catalogues, waits, escalations, audit", () => {
    const db = databaseOf(create);

    it("keeps catalogue versions exactly, with one active", async () => {
      expect(await db.record.activeVersion()).toBeNull();
      const content = { z: 1, a: ["b", null, "\u0000"] };
      await db.record.saveCatalogue("v1", content);
      await db.record.saveCatalogue("v1", { other: true });
      await db.record.saveCatalogue("v2", { v: 2 });
      await db.record.activateCatalogue("v1");
      expect(await db.record.activeVersion()).toBe("v1");
      await db.record.activateCatalogue("v2");
      await db.record.activateCatalogue("v2");
      expect(await db.record.activeVersion()).toBe("v2");
      expect(JSON.stringify(await db.record.catalogue("v1"))).toBe(JSON.stringify(content));
      expect(await db.record.catalogue("v3")).toBeNull();
      await expect(db.record.activateCatalogue("v3")).rejects.toThrow("save it first");
      const kinds = (await db.record.audit("control")).map((row) => row.body["version"]);
      expect(kinds).toEqual(["v1", "v2"]);
    });

    it("keeps an inventory once, however many versions have it", async () => {
      const inventory = { targets: [{ id: "web-1" }, { id: "web-2" }], domains: [] };
      const [one, other] = [
        { schema: 1, inventory, runbooks: ["a"] },
        { schema: 1, inventory, runbooks: ["b"] },
      ];
      await db.record.saveCatalogue("i1", one);
      await db.record.saveCatalogue("i2", other);
      await db.record.saveCatalogue("i3", { ...one, inventory: { targets: [] } });
      expect(await db.sql("select count(*)::int as n from inventories")).toMatchObject([{ n: 2 }]);
      expect(JSON.stringify(await db.record.catalogue("i1"))).toBe(JSON.stringify(one));
      expect(JSON.stringify(await db.record.catalogue("i2"))).toBe(JSON.stringify(other));
    });

    it("lists what is waited for in a system until it ends, its remediation too", async () => {
      const id = await planned(db.record, aPlan({ target: "waits" }));
      const row = { key: `${id}/t`, remediationId: id, system: "tickets", ref: "42", seen: "new", until: null };
      await db.record.wait(row);
      await db.record.wait({ ...row, seen: "open" });
      expect(await db.record.openWaits("tickets")).toMatchObject([
        { ref: "42", seen: "open", workflowId: "heal:host:waits" },
      ]);
      await db.record.markSeen(row.key, "resolved");
      expect(await db.record.openWaits("tickets")).toMatchObject([{ seen: "resolved" }]);
      expect(await db.record.openWaits("bmc")).toEqual([]);
      await db.record.endWait(row.key);
      await db.record.endWait(row.key);
      expect(await db.record.openWaits("tickets")).toEqual([]);
      await db.record.wait(row);
      expect(await db.record.openWaits("tickets")).toHaveLength(1);
      await db.record.close(closing(id));
      await db.record.wait(row);
      expect(await db.record.openWaits("tickets")).toEqual([]);
      expect((await db.record.story(id))?.waits).toMatchObject([{ ref: "42" }]);
    });

    it("records an escalation once, and that it was sent or why not", async () => {
      const id = await planned(db.record, aPlan({ target: "escalations" }));
      const row = { remediationId: id, key: "end", route: "page", summary: "web-1 stays drained" };
      expect(await db.record.escalation(row)).toBe("new");
      expect(await db.record.escalation({ ...row, summary: "again" })).toBe("unsent");
      await db.record.escalationSent(id, "end", "503 from the pager");
      expect((await db.record.story(id))?.escalations).toMatchObject([
        { summary: "web-1 stays drained", sentAt: null, error: "503 from the pager" },
      ]);
      await db.record.escalationSent(id, "end", null);
      await db.record.escalationSent(id, "end", "a late failure");
      expect(await db.record.escalation(row)).toBe("sent");
      const [escalation] = (await db.record.story(id))?.escalations ?? [];
      expect(escalation).toMatchObject({ error: null });
      expect(escalation?.sentAt).not.toBeNull();
      const kinds = (await db.record.audit(id)).map((entry) => entry.kind);
      expect(kinds.slice(-3)).toEqual(["escalation", "escalationFailed", "escalationSent"]);
    });

    it("has a message that nobody took go out again after 2, then 4 minutes, however often it was tried at once", async () => {
      const id = await planned(db.record, aPlan({ target: "unsent" }));
      await db.record.escalation({ remediationId: id, key: "end", route: "page", summary: "web-1 stays drained" });
      const fails = () => db.record.escalationSent(id, "end", "503 from the pager");
      const dueAfter = async (minutes: number) => {
        await db.setClock(minutes * 60_000);
        return (await db.record.unsentEscalations(99)).find((one) => one.remediationId === id)?.due;
      };
      for (let tries = 0; tries < 4; tries++) await fails();
      expect([await dueAfter(1.9), await dueAfter(2.1)]).toEqual([false, true]);
      await fails();
      expect([await dueAfter(6), await dueAfter(6.2)]).toEqual([false, true]);
      await db.setClock(null);
    });

    it("tells a message that a window keeps back from one that did not go out", async () => {
      const id = await planned(db.record, aPlan({ target: "kept-back" }));
      await db.record.escalation({ remediationId: id, key: "end", route: "page", summary: "nobody decided" });
      const until = "2100-01-01T00:00:00.000Z";
      await db.record.holdEscalation(id, "end", until, "patch-night");
      expect((await db.record.story(id))?.escalations).toMatchObject([{ sentAt: null, error: null, keptUntil: until }]);
    });

    it("appends a key once, whoever appends at the same moment, and the chain holds", async () => {
      const episode = anEpisode({ target: host("chain"), faults: [] });
      await db.record.open(episode);
      const id = episode.remediationId;
      const body = { text: "ü\u0000\ud800", number: 1e21, list: [null, { b: 1, a: 2 }] };
      await Promise.all(
        Array.from({ length: 60 }, (_, index) => db.record.append(id, `key-${index % 20}`, "note", body)),
      );
      const rows = await db.record.audit(id);
      expect(rows).toHaveLength(21);
      expect(verifyChain(rows)).toMatchObject({ ok: true });
      expect(rows.map((row) => row.at)).toEqual(rows.map((row) => row.at).sort());
      await expect(db.record.append("nobody", "k", "note", {})).rejects.toThrow("knows no remediation nobody");
    });

    it("lets nobody change or remove a row of the chain by mistake", async () => {
      await expect(db.sql("update audit set kind = 'nothing'")).rejects.toThrow("only appended to");
      await expect(db.sql("delete from audit")).rejects.toThrow("only appended to");
    });

    it("takes the same pause again as one, and lifts it once", async () => {
      const wish = { scope: "group:p", reason: "deploy", by: "ann", until: null };
      const first = await db.record.pause(wish);
      expect(await db.record.pause(wish)).toEqual(first);
      expect((await db.record.pauses()).filter((pause) => pause.scope === "group:p")).toEqual([first]);
      await db.record.resume(first.id, "bob");
      await db.record.resume(first.id, "bob");
      expect((await db.record.pauses()).filter((pause) => pause.scope === "group:p")).toEqual([]);
    });
  });
}
