import { describe, expect, it } from "vitest";
import { actingAs, throughWay, type Actor } from "../../../src/record/actor.ts";
import type { ApiTokenWish } from "../../../src/record/api-identity.ts";
import { verifyChain } from "../../../src/record/audit.ts";
import { RecordConflict } from "../../../src/record/errors.ts";
import { aPlan, planned } from "../builders.ts";
import { databaseOf, type Create } from "./suite.ts";

const DAY_MS = 24 * 3_600_000;

export function identitySuite(create: Create): void {
  describe("tokens of the API", () => {
    const db = databaseOf(create);
    const wish = (name: string, more: Partial<ApiTokenWish> = {}): ApiTokenWish => ({
      ...{ name, subject: "ann", roles: ["operator"], groups: ["web"], by: "root", ttlMs: DAY_MS },
      ...more,
    });

    it("are known by their secret, of which the record has no more than a hash", async () => {
      const { token, secret } = await db.record.createApiToken(wish("known"));
      expect(await db.record.apiTokenOf(secret)).toMatchObject({ ...token, state: "inForce" });
      expect(secret.startsWith(`selfheal_api_${token.id}_`)).toBe(true);
      const everything = JSON.stringify(await db.sql("select t::text from api_tokens t"));
      expect(everything).not.toContain(secret.slice(-43));
      expect(JSON.stringify(await db.record.audit("control"))).not.toContain(secret.slice(-43));
    });

    it("are not known by anything else: another secret, another id, no token at all", async () => {
      const [one, other] = [await db.record.createApiToken(wish("one")), await db.record.createApiToken(wish("other"))];
      const swapped = one.secret.replace(one.token.id, other.token.id);
      for (const secret of [swapped, `${one.secret}x`, one.secret.slice(0, -1), "", "selfheal_api_"]) {
        expect(await db.record.apiTokenOf(secret)).toBeNull();
      }
    });

    it("end by expiry and by revocation, at once, and keep their place in the list", async () => {
      const { token, secret } = await db.record.createApiToken(wish("short", { ttlMs: 60_000 }));
      await db.setClock(61_000);
      expect(await db.record.apiTokenOf(secret)).toBeNull();
      // An expired one gives its name free.
      const next = await db.record.createApiToken(wish("short"));
      await db.setClock(null);
      expect(await db.record.revokeApiToken("short", "root")).toMatchObject({ id: next.token.id, state: "revoked" });
      expect(await db.record.apiTokenOf(next.secret)).toBeNull();
      expect(await db.record.revokeApiToken("short", "root")).toBeNull();
      const listed = (await db.record.apiTokens()).filter(({ name }) => name === "short");
      expect(listed.map(({ id, state }) => [id, state]).sort()).toEqual(
        [
          [next.token.id, "revoked"],
          [token.id, "revoked"],
        ].sort(),
      );
    });

    it("have a name of their own while they are in force", async () => {
      await db.record.createApiToken(wish("twice"));
      await expect(db.record.createApiToken(wish("twice"))).rejects.toThrow(RecordConflict);
    });

    it("are audited with who made and revoked them, and how he came", async () => {
      const made = await throughWay("cli", () =>
        actingAs("token:root", () => db.record.createApiToken(wish("audited"))),
      );
      await db.record.revokeApiToken("audited", "root");
      const chain = await db.record.audit("control");
      expect(verifyChain(chain)).toMatchObject({ ok: true });
      const mine = chain.filter(({ body }) => body["id"] === made.token.id);
      expect(mine.map(({ kind, body }) => [kind, body["by"], body["via"], body["actor"]])).toEqual([
        ["tokenCreated", "root", "cli", { via: "cli", identity: "token:root" }],
        ["tokenRevoked", "root", "selfheal", undefined],
      ]);
    });

    it("say when they were used, five minutes late at most", async () => {
      const { secret } = await db.record.createApiToken(wish("used"));
      const used = async (): Promise<string | null> =>
        (await db.record.apiTokens()).find(({ name }) => name === "used")?.lastUsedAt ?? null;
      expect(await used()).toBeNull();
      await db.record.apiTokenOf(secret);
      const first = await used();
      expect(first).not.toBeNull();
      await db.record.apiTokenOf(secret);
      expect(await used()).toBe(first);
      await db.setClock(6 * 60_000);
      await db.record.apiTokenOf(secret);
      expect(await used()).not.toBe(first);
      await db.setClock(null);
    });

    it("once made, were made for ever: from then on nobody is let in without one", async () => {
      const none = await create();
      expect(await none.record.hasApiTokens()).toBe(false);
      await none.record.createApiToken(wish("only"));
      await none.record.revokeApiToken("only", "root");
      expect(await none.record.hasApiTokens()).toBe(true);
      await none.drop();
    });
  });

  describe("who did it", () => {
    const db = databaseOf(create);

    it("goes from the API's proof through the one-time token into the decision", async () => {
      const plan = aPlan({ target: "proven" });
      const id = await planned(db.record, plan);
      const planHash = (await db.record.find(id))?.planHash ?? "";
      const wish = { remediationId: id, planHash, person: "ann", decision: "approve", via: "api", ttlMs: 60_000 };
      const actor: Actor = { via: "api", identity: "oidc:https://login.example.net#42" };
      const { token } = await throughWay(actor.via, () => actingAs(actor.identity, () => db.record.issueToken(wish)));
      await db.record.decide({
        ...{ remediationId: id, planHash, decision: "approve", by: "ann", via: "update", reason: "" },
        ...{
          ignoredBecause: null,
          token,
          unsigned: false,
          roles: ["dc-ops"],
          quorum: 1,
          expiresAt: "2099-01-01T00:00:00.000Z",
        },
      });
      const audit = (await db.record.story(id))?.audit ?? [];
      expect(audit.find(({ kind }) => kind === "decision")?.body).toMatchObject({ by: "ann", ...actor });
      expect(audit.find(({ kind }) => kind === "tokenIssued")?.body).toMatchObject({ actor });
    });
  });

  describe("signed bodies", () => {
    const db = databaseOf(create);

    it("are remembered for every process, and forgotten when their time stamp is too old to count", async () => {
      const taken = { digest: "a", source: "alertmanager", keepMs: 60_000 };
      // Of several that come at once, one is the first.
      const all = await Promise.all([1, 2, 3].map(() => db.record.signedBodyTaken(taken)));
      expect(all.filter(Boolean)).toHaveLength(1);
      expect([await db.record.signedBodySeen("a"), await db.record.signedBodySeen("b")]).toEqual([true, false]);
      await db.setClock(61_000);
      await db.record.signedBodyTaken({ digest: "b", source: "alertmanager", keepMs: 60_000 });
      expect([await db.record.signedBodySeen("a"), await db.record.signedBodySeen("b")]).toEqual([false, true]);
      await db.setClock(null);
    });
  });
}
