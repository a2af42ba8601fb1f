/** Messages to people that must not be lost: recorded first, sent afterwards. */
import { sql } from "kysely";
import type { EscalationRow, EscalationStands } from "./api.ts";
import { appendAudit } from "./audit.ts";
import { isWithin, now } from "./clock.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";

/** Less than the first pause of the sweeper. */
const BURST_MS = 90_000;

interface Escalation {
  remediationId: string;
  key: string;
  route: string;
  summary: string;
}

export async function escalation(db: Database, row: Escalation): Promise<EscalationStands> {
  return inTransaction(db, async (tx) => {
    const { remediationId, key, route, summary } = row;
    await appendAudit(tx, {
      chain: remediationId,
      key: `escalation:${key}`,
      kind: "escalation",
      body: { key, route, summary },
    });
    const written = await tx
      .insertInto("escalations")
      .values({ remediation_id: remediationId, key, route, summary, at: now })
      .onConflict((conflict) => conflict.doNothing())
      .returning("key")
      .execute();
    if (written.length === 1) return "new";
    const { sent_at } = await tx
      .selectFrom("escalations")
      .select("sent_at")
      .where("remediation_id", "=", remediationId)
      .where("key", "=", key)
      .executeTakeFirstOrThrow();
    return sent_at === null ? "unsent" : "sent";
  });
}

/**
 * `error` null: it was sent. Once sent it stays so; an error may be followed by another try. Those of an activity, at most a
 * minute one after the other, count as one: else the first of the sweeper's would come after a quarter of an hour.
 */
export async function escalationSent(
  db: Database,
  remediationId: string,
  key: string,
  error: string | null,
): Promise<void> {
  await inTransaction(db, async (tx) => {
    const changed = await sql<{ route: string }>`
      update escalations
         set sent_at = case when ${error}::text is null then selfheal_now() end, error = ${error},
             attempts = attempts + case when ${isWithin(sql`tried_at`, BURST_MS)} then 0 else 1 end,
             tried_at = selfheal_now()
       where remediation_id = ${remediationId} and key = ${key} and sent_at is null returning route`.execute(tx);
    const route = changed.rows[0]?.route;
    if (route === undefined) return;
    const kind = error === null ? "escalationSent" : "escalationFailed";
    await appendAudit(tx, { chain: remediationId, key: `${kind}:${key}`, kind, body: { key, route, error } });
  });
}

export async function escalationsOf(db: Session, remediationId: string): Promise<EscalationRow[]> {
  return db
    .selectFrom("escalations")
    .select(["remediation_id as remediationId", "route", "summary", "at", "sent_at as sentAt", "error"])
    .select("not_before as keptUntil")
    .where("remediation_id", "=", remediationId)
    .orderBy("at")
    .orderBy("key")
    .execute();
}
