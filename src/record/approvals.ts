/**
 * Decisions of people on one exact plan, one after the other behind the remediation's row; contracts/ballot.ts says what
 * counts. Who may not count is recorded as ignored, and so is what nobody can prove to be his (law 14).
 */
import { sql, type Transaction } from "kysely";
import { awaitedApproval, judge, tally, voteOf, type Ballot, type Spoken, type Tally } from "../contracts/ballot.ts";
import type { DecisionAnswer, DecisionGiven } from "./api-people.ts";
import { appendAudit } from "./audit.ts";
import { readNow } from "./clock.ts";
import { setProgress } from "./episodes.ts";
import { type Database, inTransaction } from "./pool.ts";
import { lockRemediation, type StoredRemediation } from "./remediation-row.ts";
import type { Tables } from "./tables.ts";
import { identityOf, type Proof, redeemToken } from "./tokens.ts";

/** Alerts of this source are a person's own request; the annotation says whose. */
export const MANUAL_SOURCE = "manual";
export const REQUESTED_BY = "requestedBy";

interface Stored {
  person: string;
  decision: DecisionGiven["decision"];
  expires_at: string;
}

export async function decide(db: Database, given: DecisionGiven): Promise<DecisionAnswer> {
  return inTransaction(db, async (tx) => {
    const row = await lockRemediation(tx, given.remediationId);
    const at = await readNow(tx);
    const counted = await countedOn(tx, given);
    const ballot = await ballotOf(tx, row, given, counted);
    const before = tally(ballot.votes, given.quorum, at);
    if (isRepeat(given, counted, ballot, at)) return answerOf(before);
    const proof = await redeemToken(tx, { ...given, person: given.by });
    const told = { ...given, via: proof.via ?? given.via, identity: proof.identity };
    const judged = judge(ballot, spokenOf(given), at);
    const ignored = proof.fault ?? given.ignoredBecause ?? (judged.counts ? null : judged.because);
    await store(tx, told, ignored, at);
    await audit(tx, told, ignored, at);
    if (ignored !== null || !judged.counts) return { ...answerOf(before), status: "ignored", detail: ignored ?? "" };
    if (given.decision === "withdraw") await withdraw(tx, given);
    const after = tally(judged.votes, given.quorum, at);
    await sayHowFar(tx, row, given, after);
    return answerOf(after);
  });
}

/** For lists and for `show`, while more people must speak. */
async function sayHowFar(
  tx: Transaction<Tables>,
  row: StoredRemediation,
  { remediationId, planHash, roles, quorum }: DecisionGiven,
  { status, approvedBy }: Tally,
): Promise<void> {
  if (status !== "needMore" || row.phase !== "approve") return;
  const doing = `waiting for ${awaitedApproval({ roles, planHash, quorum, approvedBy })}`;
  await setProgress(tx, remediationId, { phase: row.phase, doing, until: row.phase_until });
}

function spokenOf({ by, decision, planHash, expiresAt }: DecisionGiven): Spoken {
  return { person: by, word: decision, planHash, expiresAt };
}

function answerOf({ status, approvedBy, detail }: Tally): DecisionAnswer {
  return { status, approvedBy, detail };
}

/** The call was tried again after its reply was lost: what the person said stands. */
function isRepeat(given: DecisionGiven, counted: Stored[], ballot: Ballot, at: string): boolean {
  const mine = voteOf(ballot.votes, given.by, at);
  if (given.decision !== "withdraw") return mine?.decision === given.decision;
  return mine === null && counted.some((one) => one.person === given.by && one.decision === "withdraw");
}

function countedOn(tx: Transaction<Tables>, { remediationId, planHash }: DecisionGiven): Promise<Stored[]> {
  return tx
    .selectFrom("decisions")
    .select(["person", "decision", "expires_at"])
    .where("remediation_id", "=", remediationId)
    .where("plan_hash", "=", planHash)
    .where("status", "=", "counted")
    .orderBy("at")
    .orderBy("person")
    .execute();
}

async function ballotOf(
  tx: Transaction<Tables>,
  row: StoredRemediation,
  { quorum }: DecisionGiven,
  counted: Stored[],
): Promise<Ballot> {
  const votes = counted.flatMap(({ person, decision, expires_at: expiresAt }) =>
    decision === "withdraw" ? [] : [{ person, decision, expiresAt }],
  );
  const planHash = row.closed_at === null ? row.plan_hash : null;
  return { planHash, quorum, votes, requestedBy: await requestersOf(tx, row) };
}

/** Of the alerts that it was opened for, and of those that joined it since. */
async function requestersOf(tx: Transaction<Tables>, row: StoredRemediation): Promise<string[]> {
  const found = await sql<{ by: string }>`
    select distinct annotations ->> ${REQUESTED_BY} as by from alerts
     where source = ${MANUAL_SOURCE} and status = 'firing' and annotations ->> ${REQUESTED_BY} is not null
       and target_kind = ${row.target_kind} and target_id = ${row.target_id}
       and (remediation_id = ${row.remediation_id} or remediation_id is null)`.execute(tx);
  return found.rows.map((one) => one.by);
}

async function store(tx: Transaction<Tables>, given: DecisionGiven, ignored: string | null, at: string): Promise<void> {
  const what = {
    via: given.via,
    reason: given.reason,
    status: ignored === null ? ("counted" as const) : ("ignored" as const),
    detail: ignored ?? "",
    at,
    expires_at: given.expiresAt,
  };
  const { remediationId, planHash, by, decision } = given;
  await tx
    .insertInto("decisions")
    .values({ remediation_id: remediationId, plan_hash: planHash, person: by, decision, ...what })
    .onConflict((conflict) =>
      conflict
        .columns(["remediation_id", "plan_hash", "person", "decision"])
        .doUpdateSet(what)
        // Whoever was ignored once, withdrew, or approved so long ago that it counts no more, may speak again.
        .where((eb) =>
          eb.or([
            eb("decisions.status", "<>", "counted"),
            eb("decisions.expires_at", "<=", at),
            eb("decisions.decision", "=", "withdraw"),
          ]),
        ),
    )
    .execute();
}

async function withdraw(tx: Transaction<Tables>, { remediationId, planHash, by }: DecisionGiven): Promise<void> {
  await tx
    .updateTable("decisions")
    .set({ status: "withdrawn", detail: `withdrawn by ${by}` })
    .where("remediation_id", "=", remediationId)
    .where("plan_hash", "=", planHash)
    .where("person", "=", by)
    .where("decision", "=", "approve")
    .where("status", "=", "counted")
    .execute();
}

/** Another plan came into force: what was said about the one before counts no more, not even when that comes back. */
export async function voidOtherApprovals(
  tx: Transaction<Tables>,
  remediationId: string,
  planHash: string | null,
): Promise<void> {
  const gone = await tx
    .updateTable("decisions")
    .set({ status: "void", detail: `the plan in force is ${planHash ?? "none"} by now` })
    .where("remediation_id", "=", remediationId)
    .where("plan_hash", "<>", planHash ?? "")
    .where("decision", "=", "approve")
    .where("status", "=", "counted")
    .returning(["person", "plan_hash as planHash", "at"])
    .execute();
  for (const one of gone) {
    const key = `void:${one.planHash}:${one.person}:${one.at}`;
    await appendAudit(tx, { chain: remediationId, key, kind: "approvalVoid", body: { ...one, inForce: planHash } });
  }
}

async function audit(
  tx: Transaction<Tables>,
  given: DecisionGiven & Pick<Proof, "identity">,
  ignored: string | null,
  at: string,
): Promise<void> {
  const { remediationId, planHash, by, via, decision, reason } = given;
  await appendAudit(tx, {
    chain: remediationId,
    // With its time: a person may approve, withdraw and approve again.
    key: `decision:${planHash}:${by}:${decision}:${ignored ?? `counted at ${at}`}`,
    kind: "decision",
    body: { planHash, decision, by, via, reason, ignoredBecause: ignored, ...identityOf(given) },
  });
}
