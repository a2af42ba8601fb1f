/**
 * Breakers: latches that a decision trips and only a person resets. They trip behind the admission lock, and the unique
 * index makes each trip one; the page to people is recorded in the same transaction, so that it cannot be lost.
 */
import { randomUUID } from "node:crypto";
import { sql, type Transaction } from "kysely";
import { parentAlert, parentScopesOf } from "../contracts/correlation.ts";
import type { Alert } from "../contracts/alert.ts";
import type { Breaker } from "../contracts/facts.ts";
import { faultKey } from "../contracts/ids.ts";
import { assertNever } from "../contracts/json.ts";
import type { TargetRef } from "../contracts/target.ts";
import type { GuardrailResult } from "../contracts/verdict.ts";
import type { BreakerRow, GuardRecord, Tripped } from "./api-guards.ts";
import { appendAudit, appendControl } from "./audit.ts";
import { now } from "./clock.ts";
import { lockAdmission } from "./locks.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import { lockRemediation } from "./remediation-row.ts";
import type { Tables } from "./tables.ts";
import { heldUpBy } from "./waiting.ts";

/** The caller holds the admission lock and the remediation's row. */
export async function latch(
  tx: Transaction<Tables>,
  remediationId: string,
  results: readonly GuardrailResult[],
): Promise<Tripped[]> {
  const tripped: Tripped[] = [];
  for (const result of results) {
    for (const { kind, scope, remedy = null } of result.trips ?? []) {
      const row = await sql<{ id: string; trippedAt: string }>`
        insert into breakers (id, kind, scope, reason, remediation_id, tripped_at)
        values (${randomUUID()}, ${kind}, ${scope}, ${result.detail}, ${remediationId}, selfheal_now())
        on conflict (kind, scope) where reset_at is null do nothing
        returning id, tripped_at as "trippedAt"`.execute(tx);
      const made = row.rows[0];
      if (made === undefined) continue;
      const breaker: Breaker = { ...made, kind, scope, reason: result.detail };
      const parent = remedy === null ? null : await alertOfParent(tx, breaker);
      tripped.push({ ...(await tell(tx, remediationId, breaker, remedy)), parent });
    }
  }
  return tripped;
}

/**
 * The parent's remediation begins by an alert of our own in the outbox of this very transaction: whoever dies now, it is
 * delivered, and the latch makes it one.
 */
async function alertOfParent(tx: Transaction<Tables>, { id, scope, reason, trippedAt }: Breaker): Promise<Alert> {
  const alert = parentAlert({ id, scope, reason, trippedAt });
  await sql`
    insert into alerts (fault_key, status, fingerprint, starts_at, ends_at, labels, annotations, source, disposition,
                        repeats, received_at, last_seen_at)
    values (${faultKey(alert)}, 'firing', ${alert.fingerprint}, ${alert.startsAt}, null, ${JSON.stringify(alert.labels)},
            ${JSON.stringify(alert.annotations)}, ${alert.source}, 'received', 0, selfheal_now(), selfheal_now())
    on conflict (fault_key, status) do nothing`.execute(tx);
  return alert;
}

function titleOf({ kind, scope }: Breaker, remedy: string | null): string {
  switch (kind) {
    case "storm":
      return `storm breaker of ${scope} tripped: nothing new is healed there`;
    case "errorBudget":
      return `error budget of ${scope} is used up: a person approves every plan there`;
    case "correlation":
      return remedy === null
        ? `many targets under ${scope} are unhealthy: nothing under it is healed until a person resets it`
        : `many targets under ${scope} are unhealthy: ${remedy} heals ${scope} first`;
    default:
      return assertNever(kind, "breaker");
  }
}

async function tell(
  tx: Transaction<Tables>,
  remediationId: string,
  breaker: Breaker,
  remedy: string | null,
): Promise<Omit<Tripped, "parent">> {
  const { id, reason } = breaker;
  const title = titleOf(breaker, remedy);
  const text = `${reason}. selfheal breaker list`;
  const key = `breaker-${id}`;
  // Whoever heals the parent tells people himself when it does not work.
  const route = remedy === null ? "page" : "message";
  await appendControl(tx, { key: `tripped:${id}`, kind: "breakerTripped", body: { ...breaker } });
  const entry = { chain: remediationId, key: `escalation:${key}`, kind: "escalation" };
  await appendAudit(tx, { ...entry, body: { key, route, summary: `${title}: ${text}` } });
  await tx
    .insertInto("escalations")
    .values({ remediation_id: remediationId, key, route, summary: `${title}: ${text}`, at: now })
    .execute();
  return { breaker, key, route, title, text };
}

/** Outside of an admission: what a forecast found. */
export async function trip(
  db: Database,
  remediationId: string,
  results: readonly GuardrailResult[],
): Promise<Tripped[]> {
  if (results.every((result) => (result.trips ?? []).length === 0)) return [];
  return inTransaction(db, async (tx) => {
    await lockAdmission(tx);
    await lockRemediation(tx, remediationId);
    return latch(tx, remediationId, results);
  });
}

export async function openBreakers(db: Session): Promise<BreakerRow[]> {
  const found = await sql<BreakerRow>`
    select b.id, b.kind, b.scope, b.reason, b.tripped_at as "trippedAt", b.remediation_id as "remediationId",
           (select count(*)::int from remediations r where ${heldUpBy(sql`b.scope`)}) as waiting
      from breakers b where b.reset_at is null order by b.tripped_at, b.id`.execute(db);
  return found.rows;
}

/** What was counted before the reset does not count again: else the next decision would trip it at once. */
export async function resetBreakers(
  db: Database,
  { scope, by, reason, how }: Parameters<GuardRecord["resetBreakers"]>[0],
): Promise<Breaker[]> {
  return inTransaction(db, async (tx) => {
    await lockAdmission(tx);
    const rows = await tx
      .updateTable("breakers")
      .set({ reset_at: now, reset_by: by, reset_reason: reason, reset_how: how })
      .where("scope", "=", scope)
      .where("reset_at", "is", null)
      .returning(["id", "kind", "scope", "reason", "tripped_at as trippedAt"])
      .execute();
    for (const row of rows) {
      const body = { id: row.id, kind: row.kind, scope, by, reason, how };
      await appendControl(tx, { key: `reset:${row.id}`, kind: "breakerReset", body });
    }
    return rows;
  });
}

/** The parent is well again: what waited for it is decided afresh, and what was counted before does not count again. */
export async function parentHealed(tx: Transaction<Tables>, target: TargetRef, remediationId: string): Promise<void> {
  const rows = await tx
    .updateTable("breakers")
    .set({ reset_at: now, reset_by: "selfheal", reset_reason: `remediation ${remediationId}`, reset_how: "reEvaluate" })
    .where("kind", "=", "correlation")
    .where("scope", "in", parentScopesOf(target))
    .where("reset_at", "is", null)
    .returning(["id", "kind", "scope"])
    .execute();
  for (const { id, kind, scope } of rows) {
    const body = { id, kind, scope, by: "selfheal", reason: `remediation ${remediationId}`, how: "reEvaluate" };
    await appendControl(tx, { key: `reset:${id}`, kind: "breakerReset", body });
  }
}
