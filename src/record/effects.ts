/**
 * Effects: the intent is recorded and the fence looked at in one transaction before anything is sent, and what became of
 * it afterwards. All changes of one remediation come one after the other behind its row.
 */
import { randomUUID } from "node:crypto";
import { sql, type Transaction } from "kysely";
import type { EffectState } from "../contracts/effect.ts";
import { scopeOf } from "../contracts/ids.ts";
import type { JsonObject } from "../contracts/json.ts";
import type { EffectRow, Fence, Intent, SettleTimes } from "./api-effects.ts";
import { appendAudit } from "./audit.ts";
import { now } from "./clock.ts";
import { RecordConflict } from "./errors.ts";
import { releaseSettled } from "./leases.ts";
import { lockAdmission, lockOutPauses } from "./locks.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import { lockRemediation, remediationRows, type StoredRemediation } from "./remediation-row.ts";
import type { Tables } from "./tables.ts";

type Refusal = Extract<Fence, { ok: false }>;

export async function beginEffect(db: Database, intent: Intent): Promise<Fence> {
  return inTransaction(db, async (tx) => {
    await lockOutPauses(tx);
    const row = await remediationRows(tx)
      .where("remediation_id", "=", intent.remediationId)
      .forUpdate()
      .executeTakeFirst();
    const known = await effectRows(tx).where("key", "=", intent.key).executeTakeFirst();
    const refusal = await fence(tx, intent, row);
    if (refusal !== null) {
      if (row !== undefined) await auditRefusal(tx, intent, refusal);
      return refusal;
    }
    const stands = known !== undefined && (known.attempt >= intent.attempt || known.state === "happened");
    const effect = stands ? toEffectRow(known) : await writeIntent(tx, intent);
    return { ok: true, fresh: known === undefined, row: effect };
  });
}

async function fence(
  tx: Transaction<Tables>,
  intent: Intent,
  row: StoredRemediation | undefined,
): Promise<Refusal | null> {
  if (row === undefined || row.closed_at !== null) {
    const detail = row === undefined ? "the record knows no such remediation" : `it was closed at ${row.closed_at}`;
    return { ok: false, code: "NOT_OPEN", detail };
  }
  const lost = await lostLease(tx, intent, row);
  if (lost !== null) return { ok: false, code: "LEASE_LOST", detail: lost };
  // Healing goes on under a pause or an open breaker: taking back and finishing make the world safer (B10).
  if (intent.direction !== "apply") return null;
  const pause = await sql<{ scope: string; reason: string; by: string }>`
    select scope, reason, by_person as by from pauses
     where resumed_at is null and (until_at is null or until_at > selfheal_now())
       and scope = any(${row.pause_scopes}::text[]) order by at limit 1`.execute(tx);
  const found = pause.rows[0];
  if (found !== undefined) {
    return { ok: false, code: "PAUSED", detail: `${found.scope} was paused by ${found.by}: ${found.reason}` };
  }
  const storm = await sql<{ scope: string; reason: string }>`
    select scope, reason from breakers
     where kind = 'storm' and reset_at is null and scope = any(${row.pause_scopes}::text[]) limit 1`.execute(tx);
  const open = storm.rows[0];
  if (open === undefined) return null;
  return { ok: false, code: "PAUSED", detail: `the storm breaker of ${open.scope} tripped: ${open.reason}` };
}

/**
 * To apply, every scope that was admitted must still be held. To take back or finish, our lease on the target is enough,
 * an orphaned one too: it has kept everybody else away.
 */
async function lostLease(tx: Transaction<Tables>, intent: Intent, row: StoredRemediation): Promise<string | null> {
  const admission = await tx
    .selectFrom("admissions")
    .select("scopes")
    .where("remediation_id", "=", intent.remediationId)
    .executeTakeFirst();
  if (admission === undefined) return "it was never admitted";
  const leases = await tx
    .selectFrom("leases")
    .select(["scope", "state"])
    .where("remediation_id", "=", intent.remediationId)
    .execute();
  const applies = intent.direction === "apply";
  const target = scopeOf.target({ kind: row.target_kind, id: row.target_id });
  const needed = applies ? admission.scopes : [target];
  const states = new Map(leases.map((lease) => [lease.scope, lease.state]));
  const missing = needed.find((scope) => !states.has(scope) || (applies && states.get(scope) === "orphaned"));
  return missing === undefined ? null : `its lease on ${missing} is ${states.get(missing) ?? "released"}`;
}

async function auditRefusal(tx: Transaction<Tables>, intent: Intent, { code, detail }: Refusal): Promise<void> {
  const { key, action, direction, attempt } = intent;
  await appendAudit(tx, {
    chain: intent.remediationId,
    key: `fenced:${key}:${attempt}:${code}`,
    kind: "effectFenced",
    body: { key, action, direction, attempt, code, detail },
  });
}

/** A second attempt keeps the time of the first intent. */
async function writeIntent(tx: Transaction<Tables>, intent: Intent): Promise<EffectRow> {
  const { key, remediationId, rung, step, action, direction, attempt, request } = intent;
  const again = { attempt, state: "intent" as const, request: JSON.stringify(request), detail: "", settled_at: null };
  await tx
    .insertInto("effects")
    .values({
      key,
      remediation_id: remediationId,
      rung,
      step,
      action,
      direction,
      result: null,
      intent_at: now,
      ...again,
    })
    .onConflict((conflict) => conflict.column("key").doUpdateSet(again))
    .execute();
  // For lists and for `show`: what it is doing now. The audit entry below says it too.
  const doing = direction === "apply" ? action : `${action} ${direction}`;
  await tx
    .updateTable("remediations")
    .set({ doing, phase_until: null, ...(direction === "apply" ? { phase: "act" as const } : {}) })
    .where("remediation_id", "=", remediationId)
    .where("closed_at", "is", null)
    .execute();
  if (direction === "apply") {
    await tx
      .updateTable("admissions")
      .set({ first_effect_at: now })
      .where("remediation_id", "=", remediationId)
      .where("first_effect_at", "is", null)
      .execute();
  }
  const body: JsonObject = { key, rung, step, action, direction, attempt, request };
  await appendAudit(tx, { chain: remediationId, key: `intent:${key}:${attempt}`, kind: "effectIntended", body });
  return toEffectRow(await effectRows(tx).where("key", "=", key).executeTakeFirstOrThrow());
}

interface Settled extends SettleTimes {
  state: EffectState;
  result: JsonObject | null;
  detail: string;
}

export async function settleEffect(
  db: Database,
  key: string,
  { state, result, detail, actedAt = null, lookedAt }: Settled,
): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const late = await isOfClosed(tx, key);
    if (late) await lockAdmission(tx);
    const known = await effectRows(tx).where("key", "=", key).forUpdate().executeTakeFirst();
    if (known === undefined)
      throw new RecordConflict(`the record knows no effect ${key}: its intent was never recorded`);
    const same =
      known.state === state && known.detail === detail && JSON.stringify(known.result) === JSON.stringify(result);
    if (same) return true;
    // An activity that its workflow has given up may come to its end long after others have looked.
    if (known.state === "happened" && state !== "happened" && isBefore(lookedAt, known.settled_at)) return false;
    const over = state !== "intent" && state !== "pending";
    const written = result === null ? null : JSON.stringify(result);
    await tx
      .updateTable("effects")
      .set({ state, result: written, detail, settled_at: over ? now : null })
      .where("key", "=", key)
      .execute();
    // Pending is read again and again; its story is told by the first time and by the end.
    if (state !== "pending" || known.state !== "pending") {
      const { attempt, action, direction, remediation_id: chain } = known;
      const body: JsonObject = { key, action, direction, attempt, state, result, detail, actedAt };
      const auditKey = `settled:${key}:${attempt}:${randomUUID()}`;
      await appendAudit(tx, { chain, key: auditKey, kind: "effectSettled", body });
    }
    if (late) await releaseSettled(tx, known.remediation_id);
    return true;
  });
}

function isBefore(lookedAt: string | undefined, settledAt: string | null): boolean {
  return lookedAt !== undefined && settledAt !== null && Date.parse(lookedAt) < Date.parse(settledAt);
}

export async function vouchEffect(db: Database, intent: Intent, result: JsonObject, detail: string): Promise<void> {
  await inTransaction(db, async (tx) => {
    await lockRemediation(tx, intent.remediationId);
    const known = await effectRows(tx).where("key", "=", intent.key).executeTakeFirst();
    if (known === undefined) await writeIntent(tx, intent);
  });
  await settleEffect(db, intent.key, { state: "happened", result, detail });
}

/** An activity may finish after its workflow is gone (law 2); what is closed stays closed. */
async function isOfClosed(tx: Transaction<Tables>, key: string): Promise<boolean> {
  const row = await tx
    .selectFrom("effects as e")
    .innerJoin("remediations as r", "r.remediation_id", "e.remediation_id")
    .select("r.closed_at")
    .where("e.key", "=", key)
    .executeTakeFirst();
  return row !== undefined && row.closed_at !== null;
}

export async function effectOf(db: Session, key: string): Promise<EffectRow | null> {
  const row = await effectRows(db).where("key", "=", key).executeTakeFirst();
  return row === undefined ? null : toEffectRow(row);
}

/** Of a row `e` of effects: its step may have happened, and was not taken back. */
export const stands = sql<boolean>`
  e.direction = 'apply' and e.state <> 'notHappened'
  and not exists (select 1 from effects u where u.remediation_id = e.remediation_id and u.rung = e.rung
                     and u.step = e.step and u.direction = 'undo' and u.state = 'happened')`;

export async function mayHaveDone(db: Session, remediationId: string, action: string): Promise<boolean> {
  const found = await sql`
    select 1 from effects e
     where e.remediation_id = ${remediationId} and e.action = ${action} and ${stands} limit 1`.execute(db);
  return found.rows.length > 0;
}

export async function effectsOf(db: Session, remediationId: string): Promise<EffectRow[]> {
  const rows = await effectRows(db)
    .where("remediation_id", "=", remediationId)
    .orderBy("intent_at")
    .orderBy("key")
    .execute();
  return rows.map(toEffectRow);
}

/** Intended at least `olderThanMs` ago, and nobody knows yet what became of them: for the sweeper. */
export async function unsettledEffects(db: Session, olderThanMs: number, limit: number): Promise<EffectRow[]> {
  const rows = await effectRows(db)
    .where("settled_at", "is", null)
    .where("intent_at", "<=", sql<string>`${now} - ${olderThanMs} * interval '1 millisecond'`)
    .orderBy("intent_at")
    .limit(limit)
    .execute();
  return rows.map(toEffectRow);
}

export function effectRows(db: Session) {
  return db.selectFrom("effects").selectAll("effects");
}
type StoredEffect = Awaited<ReturnType<ReturnType<typeof effectRows>["execute"]>>[number];

export function toEffectRow(row: StoredEffect): EffectRow {
  return {
    key: row.key,
    remediationId: row.remediation_id,
    rung: row.rung,
    step: row.step,
    action: row.action,
    direction: row.direction,
    attempt: row.attempt,
    state: row.state,
    request: row.request,
    result: row.result,
    detail: row.detail,
    intentAt: row.intent_at,
    settledAt: row.settled_at,
  };
}
