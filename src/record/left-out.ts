/**
 * Targets that a closed remediation left out of service. Their leases on group, rack and so on go on counting, as
 * `leftOut`, until a later remediation heals the target or a person says that it is back: automation that takes one host
 * after the other out of service and frees its lease each time would empty a group.
 */
import { sql, type Transaction } from "kysely";
import type { Plan } from "../contracts/plan.ts";
import type { Outcome } from "../contracts/remediation.ts";
import type { TargetRef } from "../contracts/target.ts";
import type { LeftOut } from "./api-guards.ts";
import { appendAudit } from "./audit.ts";
import { now } from "./clock.ts";
import { lockAdmission } from "./locks.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import type { StoredRemediation } from "./remediation-row.ts";
import type { Tables } from "./tables.ts";

/** Gives the leases of a closing or closed remediation back, as far as its target is in service. The caller holds the admission lock. */
export async function giveBackLeases(
  tx: Transaction<Tables>,
  row: Pick<StoredRemediation, "remediation_id" | "target_kind" | "target_id" | "plan_hash">,
  outcome: Outcome | null,
): Promise<{ freed: string[]; leftOut: string[] }> {
  const remediationId = row.remediation_id;
  const out = await isLeftOut(tx, row, outcome);
  const freed = await sql<{ scope: string }>`
    delete from leases where remediation_id = ${remediationId} and (${!out} or scope like 'target:%')
    returning scope`.execute(tx);
  const left = await sql<{ scope: string }>`
    update leases set state = 'leftOut' where remediation_id = ${remediationId} returning scope`.execute(tx);
  await tx.updateTable("admissions").set({ released_at: now }).where("remediation_id", "=", remediationId).execute();
  if (outcome === "healed" && !out) {
    const target = { kind: row.target_kind, id: row.target_id };
    await bringBack(tx, target, { by: "selfheal", reason: `remediation ${remediationId} healed it` });
  }
  const scopes = (rows: { scope: string }[]): string[] => rows.map((one) => one.scope).sort();
  return { freed: scopes(freed.rows), leftOut: scopes(left.rows) };
}

const MAY_HAVE_HAPPENED = ["intent", "pending", "happened", "unknown"];

/** Something was done to it that was neither taken back nor brought to its healthy end. */
async function isLeftOut(
  tx: Transaction<Tables>,
  row: Pick<StoredRemediation, "remediation_id" | "plan_hash">,
  outcome: Outcome | null,
): Promise<boolean> {
  const effects = await tx
    .selectFrom("effects")
    .select(["rung", "step", "direction", "state"])
    .where("remediation_id", "=", row.remediation_id)
    .execute();
  if (effects.length === 0) return false;
  if (outcome === "healed") return effects.some((one) => one.direction === "finishHealthy" && one.state !== "happened");
  const plan = await planOf(tx, row);
  const undone = new Set(
    effects
      .filter((one) => one.direction === "undo" && one.state === "happened")
      .map((one) => `${one.rung}/${one.step}`),
  );
  return effects.some(
    ({ direction, state, rung, step }) =>
      direction === "apply" &&
      MAY_HAVE_HAPPENED.includes(state) &&
      !undone.has(`${rung}/${step}`) &&
      leavesTraces(plan, rung, step),
  );
}

/** A wait, a look or a harmless nudge leaves nothing behind that somebody must bring back. What is not known does. */
function leavesTraces(plan: Plan | null, rung: string, id: string): boolean {
  const step = plan?.rungs.find((one) => one.name === rung)?.steps.find((one) => one.id === id);
  if (step === undefined) return true;
  return step.undoable || step.finish.healthy || step.finish.otherwise || ["high", "irreversible"].includes(step.risk);
}

async function planOf(
  tx: Transaction<Tables>,
  row: Pick<StoredRemediation, "remediation_id" | "plan_hash">,
): Promise<Plan | null> {
  const found = await tx
    .selectFrom("plans")
    .select("plan")
    .where("remediation_id", "=", row.remediation_id)
    .where("plan_hash", "=", row.plan_hash ?? "")
    .executeTakeFirst();
  return found?.plan ?? null;
}

export async function leftOutTargets(db: Session): Promise<LeftOut[]> {
  const found = await sql<LeftOut & { kind: string; id: string }>`
    select distinct r.target_kind as kind, r.target_id as id, r.group_name as "group", r.runbook, r.detail,
           r.remediation_id as "remediationId", l.state, coalesce(r.closed_at, l.since) as since
      from leases l join remediations r using (remediation_id)
     where l.state = 'leftOut' or (l.state = 'orphaned' and r.closed_at is not null)
     order by since, "remediationId"`.execute(db);
  return found.rows.map(({ kind, id, ...row }) => ({ ...row, target: { kind, id } }));
}

export async function back(db: Database, target: TargetRef, by: string, reason: string): Promise<string[]> {
  return inTransaction(db, async (tx) => {
    await lockAdmission(tx);
    return bringBack(tx, target, { by, reason });
  });
}

async function bringBack(
  tx: Transaction<Tables>,
  target: TargetRef,
  said: { by: string; reason: string },
): Promise<string[]> {
  const gone = await sql<{ id: string; scope: string }>`
    delete from leases l using remediations r
     where r.remediation_id = l.remediation_id and l.state = 'leftOut'
       and r.target_kind = ${target.kind} and r.target_id = ${target.id}
    returning l.remediation_id as id, l.scope`.execute(tx);
  const byId = Map.groupBy(gone.rows, (one) => one.id);
  for (const [id, rows] of [...byId].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const body = { ...said, target: { ...target }, scopes: rows.map((one) => one.scope).sort() };
    await appendAudit(tx, { chain: id, key: "back", kind: "targetBack", body });
  }
  return [...byId.keys()];
}
