/** What people say afterwards, and all closed remediations as evidence (contracts/autonomy.ts). */
import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { Attestation, Case } from "../contracts/autonomy.ts";
import type { Review } from "./api-autonomy.ts";
import { appendAudit, appendControl } from "./audit.ts";
import { isWithin, now } from "./clock.ts";
import { RecordConflict } from "./errors.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import { lockRemediation } from "./remediation-row.ts";

const MOST_CASES = 50_000;

export async function review(db: Database, { remediationId, verdict, by, reason }: Review): Promise<void> {
  await inTransaction(db, async (tx) => {
    const row = await lockRemediation(tx, remediationId);
    if (row.closed_at === null) {
      throw new RecordConflict(`remediation ${remediationId} is open: it is reviewed once it is closed`);
    }
    const what = { verdict, by_person: by, reason, at: now };
    const { at } = await tx
      .insertInto("reviews")
      .values({ remediation_id: remediationId, ...what })
      .onConflict((conflict) => conflict.column("remediation_id").doUpdateSet(what))
      .returning("at")
      .executeTakeFirstOrThrow();
    const body = { verdict, by, reason };
    await appendAudit(tx, { chain: remediationId, key: `review:${at}:${by}`, kind: "review", body });
  });
}

interface Found extends Omit<Case, "endedAt"> {
  faults: number;
  ended: number;
  lastEnd: string | null;
}

/** A fault that a later remediation took up again (re-opened) is evidence about that one only. */
export async function cases(db: Session, windowMs: number, only?: { runbook: string; group: string }): Promise<Case[]> {
  const found = await sql<Found>`
    select r.remediation_id as "remediationId", r.runbook, r.group_name as "group", r.outcome, r.closed_at as "closedAt",
           (select v.verdict ->> 'would' from verdicts v where v.remediation_id = r.remediation_id
             order by v.seq desc limit 1) as would,
           (select (p.plan ->> 'flapWindowMs')::float8 from plans p
             where p.remediation_id = r.remediation_id and p.plan_hash = r.plan_hash) as "flapWindowMs",
           coalesce(d.approved, false) as approved, coalesce(d.rejected, false) as rejected,
           w.verdict as review, f.faults, f.ended, f."lastEnd"
      from remediations r
      left join reviews w on w.remediation_id = r.remediation_id
      left join lateral (
        select bool_or(decision = 'approve') as approved, bool_or(decision = 'reject') as rejected
          from decisions d where d.remediation_id = r.remediation_id and d.status = 'counted') d on true
      left join lateral (
        select count(*)::int as faults, count(a.fault_key)::int as ended, max(a.ends_at collate "C") as "lastEnd"
          from decided_faults f left join alerts a on a.fault_key = f.fault_key and a.status = 'resolved'
         where f.remediation_id = r.remediation_id) f on true
     where ${isWithin(sql`r.closed_at`, windowMs)} and r.runbook is not null
       and f.faults > 0
       and (${only?.runbook ?? null}::text is null or r.runbook = ${only?.runbook ?? null})
       and (${only?.group ?? null}::text is null or r.group_name = ${only?.group ?? null})
     order by r.closed_at desc limit ${MOST_CASES}`.execute(db);
  return found.rows.map(({ faults, ended, lastEnd, ...rest }) => ({
    ...rest,
    endedAt: ended === faults ? lastEnd : null,
  }));
}

export async function attest(db: Database, given: Omit<Attestation, "id" | "at">): Promise<Attestation> {
  const { runbook, runbookHash, kind, passed, summary, by } = given;
  const id = randomUUID();
  return inTransaction(db, async (tx) => {
    const { at } = await tx
      .insertInto("attestations")
      .values({ id, runbook, runbook_hash: runbookHash, kind, passed, summary, by_person: by, at: now })
      .returning("at")
      .executeTakeFirstOrThrow();
    const body = { id, ...given };
    await appendControl(tx, { key: `attestation:${id}`, kind: "attested", body });
    return { id, ...given, at };
  });
}

export async function attestations(db: Session, runbook: string, runbookHash: string): Promise<Attestation[]> {
  return db
    .selectFrom("attestations")
    .select(["id", "runbook", "runbook_hash as runbookHash", "kind", "passed", "summary", "by_person as by", "at"])
    .where("runbook", "=", runbook)
    .where("runbook_hash", "=", runbookHash)
    .orderBy("at", "desc")
    .execute();
}
