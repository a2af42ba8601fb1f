/**
 * Decisions of people on one exact plan: one decision a person, the first reject ends it, `needed` approvals make it
 * approved. Who may not count is recorded as ignored, and so is what nobody can prove to be his (law 14).
 */
import type { Transaction } from "kysely";
import type { RecordStore } from "./api.ts";
import { appendAudit } from "./audit.ts";
import { readNow } from "./clock.ts";
import { type Database, inTransaction } from "./pool.ts";
import { lockRemediation, type StoredRemediation } from "./remediation-row.ts";
import type { Tables } from "./tables.ts";
import { redeemToken } from "./tokens.ts";

type Decision = Parameters<RecordStore["decide"]>[0];
type Answer = Awaited<ReturnType<RecordStore["decide"]>>;

interface Stored {
  person: string;
  decision: "approve" | "reject";
  status: "counted" | "ignored";
  expires_at: string;
}

export async function decide(db: Database, decision: Decision): Promise<Answer> {
  return inTransaction(db, async (tx) => {
    const row = await lockRemediation(tx, decision.remediationId);
    const at = await readNow(tx);
    const earlier = await decisionsOn(tx, decision);
    const before = standingOf(earlier, decision.needed, at);
    const mine = earlier.find((one) => one.person === decision.by && one.status === "counted");
    // The call was tried again after its reply was lost: the person's own decision stands.
    if (mine?.decision === decision.decision) return before;
    const proof = await redeemToken(tx, { ...decision, person: decision.by });
    const told = { ...decision, via: proof.via ?? decision.via };
    const ignored = proof.fault ?? whyIgnored(decision, row, mine, before, at);
    await store(tx, told, ignored, at);
    await audit(tx, told, ignored);
    if (ignored !== null) return { status: "ignored", detail: ignored };
    const counted: Stored = {
      person: decision.by,
      decision: decision.decision,
      status: "counted",
      expires_at: decision.expiresAt,
    };
    return standingOf([...earlier, counted], decision.needed, at);
  });
}

function decisionsOn(tx: Transaction<Tables>, decision: Decision): Promise<Stored[]> {
  return tx
    .selectFrom("decisions")
    .select(["person", "decision", "status", "expires_at"])
    .where("remediation_id", "=", decision.remediationId)
    .where("plan_hash", "=", decision.planHash)
    .orderBy("at")
    .execute();
}

/** What the counted decisions make of the approval. */
function standingOf(decisions: Stored[], needed: number, at: string): Answer {
  const counted = decisions.filter((one) => one.status === "counted");
  const rejected = counted.find((one) => one.decision === "reject");
  if (rejected !== undefined) return { status: "rejected", detail: `rejected by ${rejected.person}` };
  const approvedBy = counted.filter((one) => one.expires_at > at).map((one) => one.person);
  const people = approvedBy.length === 0 ? "" : ` (${approvedBy.join(", ")})`;
  const detail = `${approvedBy.length} of ${needed} approvals${people}`;
  return { status: approvedBy.length >= needed ? "approved" : "needMore", detail };
}

function whyIgnored(
  decision: Decision,
  row: StoredRemediation,
  mine: Stored | undefined,
  before: Answer,
  at: string,
): string | null {
  if (decision.ignoredBecause !== null) return decision.ignoredBecause;
  if (row.closed_at !== null) return "the remediation is closed";
  if (row.plan_hash !== decision.planHash) return "the plan in force is another one by now";
  if (before.status === "rejected" || before.status === "approved") return `already ${before.status}: ${before.detail}`;
  if (mine !== undefined) return `${decision.by} has decided already (${mine.decision})`;
  return iso(decision.expiresAt) <= at ? `the approval expired at ${decision.expiresAt}` : null;
}

function iso(time: string): string {
  return new Date(time).toISOString();
}

async function store(tx: Transaction<Tables>, decision: Decision, ignored: string | null, at: string): Promise<void> {
  const what = {
    via: decision.via,
    reason: decision.reason,
    status: ignored === null ? ("counted" as const) : ("ignored" as const),
    detail: ignored ?? "",
    at,
    expires_at: decision.expiresAt,
  };
  await tx
    .insertInto("decisions")
    .values({
      remediation_id: decision.remediationId,
      plan_hash: decision.planHash,
      person: decision.by,
      decision: decision.decision,
      ...what,
    })
    // Ignored once (no role, say) does not stop a person from deciding when he may; counted is never taken back.
    .onConflict((conflict) =>
      conflict
        .columns(["remediation_id", "plan_hash", "person", "decision"])
        .doUpdateSet(what)
        .where("decisions.status", "=", "ignored"),
    )
    .execute();
}

async function audit(tx: Transaction<Tables>, decision: Decision, ignored: string | null): Promise<void> {
  const { remediationId, planHash, by, via, reason } = decision;
  await appendAudit(tx, {
    chain: remediationId,
    key: `decision:${planHash}:${by}:${decision.decision}:${ignored ?? "counted"}`,
    kind: "decision",
    body: { planHash, decision: decision.decision, by, via, reason, ignoredBecause: ignored },
  });
}
