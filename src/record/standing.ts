/** Standing approvals: declared in selfheal.yaml or given by hand, used by admissions. Audited in the chain `control`. */
import { randomUUID } from "node:crypto";
import { type Expression, sql, type SqlBool, type Transaction } from "kysely";
import type { StandingApproval } from "../contracts/facts.ts";
import type { StandingRow, StandingWish } from "./api-autonomy.ts";
import { appendControl } from "./audit.ts";
import { sha256 } from "./canonical.ts";
import { now } from "./clock.ts";
import { lockAdmission } from "./locks.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import type { Tables } from "./tables.ts";

const SHOWN = 200;

type Declared = Omit<StandingApproval, "id" | "used">;

/**
 * Declared: a second call changes nothing, not even when it was withdrawn or used up since. Where it was not declared for
 * a while, what was left of it is granted again. Only what `isActive` is granted. Answers the id that it has now.
 */
export async function grantStanding(db: Database, declared: Declared, isActive: boolean): Promise<string | null> {
  return inTransaction(db, async (tx) => {
    await lockAdmission(tx);
    let { maxCount } = declared;
    for (let times = 0; ; times++) {
      const id = declaredId(declared, times);
      const known = await tx
        .selectFrom("standing_approvals")
        .select(["lapsed_at", "max_count", "used"])
        .where("id", "=", id)
        .executeTakeFirst();
      if (known === undefined && !isActive) return null;
      if (known === undefined) await grant(tx, { ...declared, maxCount, reason: "" }, id, true);
      if ((known?.lapsed_at ?? null) === null) return id;
      maxCount = (known?.max_count ?? 0) - (known?.used ?? 0);
    }
  });
}

/** Made of what it says, and of how often it was declared anew. */
function declaredId({ runbook, runbookHash, group, by, expiresAt, maxCount }: Declared, times: number): string {
  const says = [runbook, runbookHash, group, by, expiresAt, maxCount, ...(times === 0 ? [] : [times])];
  const hex = sha256(JSON.stringify(says));
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
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
  await tx
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
    .execute();
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
  declared: readonly string[],
): Promise<string[]> {
  return inTransaction(db, async (tx) => {
    await lockAdmission(tx);
    const lapsed = await sql<{ id: string; runbook: string; runbookHash: string; used: number }>`
      update standing_approvals set lapsed_at = selfheal_now()
       where lapsed_at is null and withdrawn_at is null and case when declared
         then id <> all(${[...declared]}::text[]) and expires_at > selfheal_now() and used < max_count
         else (runbook, runbook_hash) not in (
           select * from unnest(${current.map((one) => one.runbook)}::text[], ${current.map((one) => one.hash)}::text[])) end
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
