/** Standing approvals: declared in selfheal.yaml or given by hand, used by admissions. Audited in the chain `control`. */
import { randomUUID } from "node:crypto";
import { type Expression, sql, type SqlBool, type Transaction } from "kysely";
import type { StandingApproval } from "../contracts/facts.ts";
import type { StandingRow, StandingWish } from "./api-autonomy.ts";
import { appendControl } from "./audit.ts";
import { now } from "./clock.ts";
import { lockAdmission } from "./locks.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import type { Tables } from "./tables.ts";

const SHOWN = 200;

/** Declared: with an id of the caller's, a second call changes nothing, not even when it was withdrawn or used up since. */
export async function grantStanding(
  db: Database,
  approval: Omit<StandingApproval, "id" | "used">,
  id?: string,
): Promise<StandingApproval> {
  return inTransaction(db, (tx) => grant(tx, { ...approval, reason: "" }, id ?? randomUUID(), true));
}

export async function giveStanding(db: Database, wish: StandingWish): Promise<StandingApproval> {
  return inTransaction(db, (tx) => grant(tx, wish, randomUUID(), false));
}

async function grant(
  tx: Transaction<Tables>,
  { reason, ...approval }: StandingWish,
  id: string,
  declared: boolean,
): Promise<StandingApproval> {
  const { runbook, runbookHash, group, by, expiresAt, maxCount } = approval;
  const granted = await tx
    .insertInto("standing_approvals")
    .values({
      id,
      runbook,
      runbook_hash: runbookHash,
      group_name: group,
      by_person: by,
      granted_at: now,
      expires_at: expiresAt,
      max_count: maxCount,
      used: 0,
      reason,
      declared,
    })
    .onConflict((conflict) => conflict.column("id").doNothing())
    .returning("id")
    .executeTakeFirst();
  if (granted === undefined) return { id, used: 0, ...approval };
  const body = { id, runbook, runbookHash, group, by, expiresAt, maxCount, reason, declared };
  await appendControl(tx, { key: `standing:${id}`, kind: "standingGranted", body });
  return { id, used: 0, ...approval };
}

export async function withdrawStanding(db: Database, id: string, by: string): Promise<void> {
  await inTransaction(db, async (tx) => {
    // An admission that counted it must also be able to take it.
    await lockAdmission(tx);
    const withdrawn = await tx
      .updateTable("standing_approvals")
      .set({ withdrawn_at: now, withdrawn_by: by })
      .where("id", "=", id)
      .where("withdrawn_at", "is", null)
      .returning("used")
      .executeTakeFirst();
    if (withdrawn === undefined) return;
    const body = { id, by, used: withdrawn.used };
    await appendControl(tx, { key: `withdrawn:${id}`, kind: "standingWithdrawn", body });
  });
}

export async function lapseStanding(
  db: Database,
  current: readonly { runbook: string; hash: string }[],
): Promise<string[]> {
  return inTransaction(db, async (tx) => {
    await lockAdmission(tx);
    const lapsed = await sql<{ id: string; runbook: string; runbookHash: string; used: number }>`
      update standing_approvals set lapsed_at = selfheal_now()
       where not declared and lapsed_at is null and withdrawn_at is null and (runbook, runbook_hash) not in (
         select * from unnest(${current.map((one) => one.runbook)}::text[], ${current.map((one) => one.hash)}::text[]))
      returning id, runbook, runbook_hash as "runbookHash", used`.execute(tx);
    for (const { id, ...rest } of lapsed.rows) {
      const body = { id, ...rest, now: current.find((one) => one.runbook === rest.runbook)?.hash ?? null };
      await appendControl(tx, { key: `lapsed:${id}`, kind: "standingLapsed", body });
    }
    return lapsed.rows.map((one) => one.id);
  });
}

/** Those that may still be used. */
export async function usableStanding(db: Session): Promise<StandingApproval[]> {
  const usable: Expression<SqlBool> = sql`
    withdrawn_at is null and lapsed_at is null and expires_at > selfheal_now() and used < max_count`;
  return db
    .selectFrom("standing_approvals")
    .select([
      "id",
      "runbook",
      "runbook_hash as runbookHash",
      "group_name as group",
      "by_person as by",
      "expires_at as expiresAt",
      "max_count as maxCount",
      "used",
    ])
    .where(usable)
    .orderBy("expires_at")
    .orderBy("id")
    .execute();
}

export async function standingRows(db: Session): Promise<StandingRow[]> {
  const found = await sql<StandingRow>`
    select id, runbook, runbook_hash as "runbookHash", group_name as "group", by_person as by,
           expires_at as "expiresAt", max_count as "maxCount", used, reason, granted_at as "grantedAt", declared,
           withdrawn_by as "withdrawnBy",
           case when withdrawn_at is not null then 'withdrawn' when lapsed_at is not null then 'lapsed'
                when used >= max_count then 'usedUp' when expires_at <= selfheal_now() then 'expired'
                else 'usable' end as state,
           (select coalesce(json_agg(u), '[]') from (
              select remediation_id as "remediationId", selfheal_iso(admitted_at) as at,
                     json_build_object('kind', target_kind, 'id', target_id) as target
                from admissions where standing_id = s.id order by admitted_at desc limit 20) u) as uses
      from standing_approvals s order by granted_at desc, id limit ${SHOWN}`.execute(db);
  return found.rows;
}
