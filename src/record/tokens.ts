/**
 * One-time tokens (design §3 law 14): a message that reaches a workflow proves nothing about its sender, so a decision
 * carries a token that the API gave out for exactly this person, remediation, decision and plan. Only hashes are kept.
 */
import { createHash, randomBytes } from "node:crypto";
import { sql, type Transaction } from "kysely";
import type { TokenWish } from "./api-people.ts";
import { currentActor } from "./actor.ts";
import { appendAudit } from "./audit.ts";
import { now } from "./clock.ts";
import { RecordConflict } from "./errors.ts";
import { type Database, inTransaction } from "./pool.ts";
import { lockRemediation } from "./remediation-row.ts";
import type { Tables } from "./tables.ts";

/** Tells people, and secret scanners, what it is. */
const PREFIX = "selfheal_";

export async function issueToken(db: Database, wish: TokenWish): Promise<{ token: string; expiresAt: string }> {
  const { remediationId, planHash, person, decision, via, ttlMs } = wish;
  const token = PREFIX + randomBytes(24).toString("base64url");
  return inTransaction(db, async (tx) => {
    const row = await lockRemediation(tx, remediationId);
    if (row.closed_at !== null) throw new RecordConflict(`remediation ${remediationId} was closed at ${row.closed_at}`);
    const { expires_at: expiresAt } = await tx
      .insertInto("decision_tokens")
      .values({
        token_hash: hashOf(token),
        remediation_id: remediationId,
        plan_hash: planHash,
        person,
        decision,
        via,
        identity: currentActor()?.identity ?? null,
        issued_at: now,
        expires_at: sql<string>`${now} + ${ttlMs} * interval '1 millisecond'`,
      })
      .returning("expires_at")
      .executeTakeFirstOrThrow();
    const key = `token:${hashOf(token)}`;
    await appendAudit(tx, {
      chain: remediationId,
      key,
      kind: "tokenIssued",
      body: { planHash, person, decision, via, expiresAt },
    });
    return { token, expiresAt };
  });
}

interface Claim {
  remediationId: string;
  planHash: string | null;
  person: string;
  decision: string;
  token: string | null;
  unsigned: boolean;
}

export interface Proof {
  /** Why the claim is not proven. */
  fault: string | null;
  /** How the person came, by the token. */
  via: string | null;
  /** Who the API knew the person as, by the token. */
  identity: string | null;
}

/** Uses the token up. */
export async function redeemToken(tx: Transaction<Tables>, claim: Claim): Promise<Proof> {
  if (claim.token === null) {
    const fault = claim.unsigned
      ? null
      : "it carries no one-time token, and without one nobody knows who sent it (approvals.unsigned)";
    return { fault, via: null, identity: null };
  }
  const row = await tx
    .updateTable("decision_tokens")
    .set({ used_at: now })
    .where("token_hash", "=", hashOf(claim.token))
    .where("used_at", "is", null)
    .returningAll()
    .returning(sql<boolean>`expires_at <= selfheal_now()`.as("expired"))
    .executeTakeFirst();
  if (row === undefined) {
    return { fault: "its one-time token is not known, or was used before", via: null, identity: null };
  }
  const { via, identity } = row;
  const other = [
    row.remediation_id === claim.remediationId ? null : "another remediation",
    row.plan_hash === claim.planHash ? null : "another plan",
    row.person === claim.person ? null : "another person",
    row.decision === claim.decision ? null : `another decision (${row.decision})`,
  ].filter((one) => one !== null);
  if (other.length > 0) return { fault: `its one-time token is for ${other.join(", ")}`, via, identity };
  return { fault: row.expired ? `its one-time token expired at ${row.expires_at}` : null, via, identity };
}

/** Of an audit entry: left out where the API asked nobody who he is. */
export function identityOf({ identity }: Pick<Proof, "identity">): { identity?: string } {
  return identity === null ? {} : { identity };
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
