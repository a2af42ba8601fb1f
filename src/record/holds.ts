/** Whose a target is: what other systems say that they hold, and what we hold. Audited in the chain `control`. */
import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { TargetRef } from "../contracts/target.ts";
import type { HoldWish, OwnHold, TargetHold } from "./api-surroundings.ts";
import { appendControl } from "./audit.ts";
import { lockAdmission } from "./locks.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import { mayAskAgain } from "./queue.ts";

interface HoldRow extends Omit<TargetHold, "target"> {
  kind: string;
  target_id: string;
}

const HOLD = sql`h.id, h.target_kind as kind, h.target_id, h.holder, h.reason, h.since, h.until_at as until`;

export async function hold(db: Database, { target, holder, reason, until }: HoldWish): Promise<TargetHold> {
  return inTransaction(db, async (tx) => {
    await lockAdmission(tx);
    const made = await sql<HoldRow>`
      insert into holds as h (id, target_kind, target_id, holder, reason, since, until_at)
      values (${randomUUID()}, ${target.kind}, ${target.id}, ${holder}, ${reason}, selfheal_now(), ${until})
      on conflict (target_kind, target_id, holder) where released_at is null
        do update set reason = excluded.reason, until_at = excluded.until_at
      returning ${HOLD}`.execute(tx);
    const row = made.rows[0] as HoldRow;
    const body = { id: row.id, target: { ...target }, holder, reason, until };
    const key = `hold:${row.id}:${reason}:${until ?? "released"}`;
    await appendControl(tx, { key, kind: "targetHeld", body });
    return toHold(row);
  });
}

export async function releaseHold(db: Database, target: TargetRef, holder: string, by: string): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    await lockAdmission(tx);
    const gone = await sql<{ id: string }>`
      update holds set released_at = selfheal_now(), released_by = ${by}
       where target_kind = ${target.kind} and target_id = ${target.id} and holder = ${holder} and released_at is null
      returning id`.execute(tx);
    const id = gone.rows[0]?.id;
    if (id === undefined) return false;
    const body = { id, target: { ...target }, holder, by };
    await appendControl(tx, { key: `holdReleased:${id}`, kind: "holdReleased", body });
    await mayAskAgain(tx, [`hold:${id}`]);
    return true;
  });
}

export async function holds(db: Session): Promise<TargetHold[]> {
  const found = await sql<HoldRow>`
    select ${HOLD} from holds h where released_at is null and (until_at is null or until_at > selfheal_now())
     order by since, id`.execute(db);
  return found.rows.map(toHold);
}

/** Leases on targets: in work, or orphaned until somebody has settled them. */
export async function ownHolds(db: Session): Promise<OwnHold[]> {
  const found = await sql<Omit<OwnHold, "target"> & { kind: string; id: string }>`
    select r.target_kind as kind, r.target_id as id, r.remediation_id as "remediationId", r.runbook, l.state, l.since
      from leases l join remediations r using (remediation_id)
     where l.scope like 'target:%' order by l.since, r.remediation_id`.execute(db);
  return found.rows.map(({ kind, id, ...row }) => ({ target: { kind, id }, ...row }));
}

function toHold({ kind, target_id: id, ...row }: HoldRow): TargetHold {
  return { ...row, target: { kind, id } };
}
