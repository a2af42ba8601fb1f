/** What people command a remediation that they took over: proven and written down in one transaction. */
import type { JsonObject } from "../contracts/json.ts";
import type { PersonCommand } from "./api-people.ts";
import { appendAudit } from "./audit.ts";
import { type Database, inTransaction } from "./pool.ts";
import { lockRemediation } from "./remediation-row.ts";
import { identityOf, redeemToken } from "./tokens.ts";

/** Answers why it does not count, or null. */
export async function command(db: Database, given: PersonCommand): Promise<string | null> {
  const { remediationId, key, command, by, reason, token, unsigned, about } = given;
  return inTransaction(db, async (tx) => {
    await lockRemediation(tx, remediationId);
    const known = await tx
      .selectFrom("audit")
      .select("body")
      .where("chain", "=", remediationId)
      .where("key", "=", key)
      .executeTakeFirst();
    // The call was tried again after its reply was lost: its token is used up already.
    if (known !== undefined) return known.body["status"] === "ignored" ? (known.body["detail"] as string) : null;
    const proof = await redeemToken(tx, {
      remediationId,
      planHash: null,
      person: by,
      decision: command,
      token,
      unsigned,
    });
    const ignored = given.ignoredBecause ?? proof.fault;
    const status = ignored === null ? "counted" : "ignored";
    const via = proof.via ?? given.via;
    const body: JsonObject = {
      command,
      by,
      via,
      reason,
      status,
      detail: ignored ?? "",
      ...identityOf(proof),
      ...about,
    };
    await appendAudit(tx, { chain: remediationId, key, kind: "command", body });
    return ignored;
  });
}
