import { describe, expect, it } from "vitest";
import type { PersonCommand } from "../../../src/record/api-people.ts";
import { aPlan, closing, planned } from "../builders.ts";
import { databaseOf, type Create } from "./suite.ts";

export function commandSuite(create: Create): void {
  describe("commands of who took a remediation over", () => {
    const db = databaseOf(create);

    const given = (remediationId: string, more: Partial<PersonCommand> = {}): PersonCommand => ({
      remediationId,
      key: "command:2026-11-21T10:00:00.000Z:ann:skip",
      command: "skip",
      by: "ann",
      via: "update",
      reason: "drained by hand",
      token: null,
      unsigned: true,
      ignoredBecause: null,
      about: { stoodAt: "r1/drain" },
      ...more,
    });
    const tokenOf = async (remediationId: string, more: object = {}): Promise<string> => {
      const wish = { remediationId, planHash: null, person: "ann", decision: "skip", via: "api", ttlMs: 60_000 };
      return (await db.record.issueToken({ ...wish, ...more })).token;
    };
    const recorded = async (id: string): Promise<object[]> =>
      ((await db.record.story(id))?.audit ?? []).filter(({ kind }) => kind === "command").map(({ body }) => body);

    it("are recorded with what they were about, and count once however often the call is tried", async () => {
      const id = await planned(db.record, aPlan({ target: "command-once" }));
      const signed = given(id, { token: await tokenOf(id), unsigned: false });
      expect(await db.record.command(signed)).toBeNull();
      // The reply was lost: the token is used up, and the answer is the same.
      expect(await db.record.command(signed)).toBeNull();
      const body = { command: "skip", by: "ann", via: "api", reason: "drained by hand", status: "counted" };
      expect(await recorded(id)).toEqual([{ ...body, detail: "", stoodAt: "r1/drain" }]);
      expect(await db.record.command({ ...signed, key: "another" })).toMatch(/used before/);
    });

    it("without a token count only where that is allowed, and answer the same when they are tried again", async () => {
      const id = await planned(db.record, aPlan({ target: "command-bare" }));
      const bare = given(id, { unsigned: false });
      const why = await db.record.command(bare);
      expect(why).toMatch(/carries no one-time token/);
      expect(await db.record.command({ ...bare, unsigned: true })).toBe(why);
      expect(await recorded(id)).toMatchObject([{ status: "ignored", detail: why, via: "update" }]);
    });

    it.each([
      ["another command", { decision: "end" }, /another decision \(end\)/],
      ["another person", { person: "eve" }, /another person/],
      ["a plan", { planHash: "0".repeat(64) }, /another plan/],
      ["a time that is over", { ttlMs: 0 }, /expired/],
    ])("with a token for %s do not count, and use it up", async (what, more, why) => {
      const id = await planned(db.record, aPlan({ target: `command-${what}` }));
      const token = await tokenOf(id, more);
      expect(await db.record.command(given(id, { token }))).toMatch(why);
      expect(await db.record.command(given(id, { token, key: "again" }))).toMatch(/used before/);
    });

    it("of who may not say so already use their token up all the same", async () => {
      const id = await planned(db.record, aPlan({ target: "command-may-not" }));
      const token = await tokenOf(id);
      const refused = given(id, { token, ignoredBecause: "ann has no role" });
      expect(await db.record.command(refused)).toBe("ann has no role");
      expect(await db.record.command(given(id, { token, key: "again" }))).toMatch(/used before/);
    });

    it("to what the record does not know are a conflict; for what is closed no token is given out", async () => {
      await expect(db.record.command(given("nobody"))).rejects.toThrow("nobody");
      const id = await planned(db.record, aPlan({ target: "command-closed" }));
      await db.record.close(closing(id));
      await expect(tokenOf(id)).rejects.toThrow("was closed");
    });
  });
}
