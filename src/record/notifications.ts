/** Threads in channels, compared with the remediations that they are about, and what channels took. */
import { sql } from "kysely";
import type { NotificationRecord, StaleThread, ThreadRow } from "./api-notifications.ts";
import { appendAudit } from "./audit.ts";
import { isDueAgain, now } from "./clock.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import { toRemediationRow } from "./remediation-row.ts";

export async function threads(db: Session, remediationId: string): Promise<ThreadRow[]> {
  return db
    .selectFrom("notification_threads")
    .select(["remediation_id as remediationId", "channel", "reference", "opening"])
    .where("remediation_id", "=", remediationId)
    .orderBy("opened_at")
    .orderBy("channel")
    .execute();
}

export async function keepThread(db: Session, row: ThreadRow, was: string | null): Promise<void> {
  const { remediationId, channel, reference, opening } = row;
  await db
    .insertInto("notification_threads")
    .values({
      ...{ remediation_id: remediationId, channel, reference, opening: JSON.stringify(opening) },
      ...{ opened_at: now, rang_at: now, shown: "", shown_at: now },
    })
    .onConflict((conflict) =>
      conflict
        .columns(["remediation_id", "channel"])
        .doUpdateSet({ reference, opening: JSON.stringify(opening), rang_at: now })
        .where(sql<boolean>`notification_threads.reference = ${was}::text`),
    )
    .execute();
}

/** Six that grow to an hour, then one an hour for a week: whoever deleted a message or left a channel did not come back. */
const MOST_ATTEMPTS = 6 + 7 * 24;

/** How a remediation stands, for comparison: its phase, not each sentence of it, so that a thread changes a few times. */
const stands = sql<string>`concat_ws('|', r.phase, r.outcome, r.needs_human, decided.by)`;

export async function staleThreads(db: Session, limit: number): Promise<StaleThread[]> {
  const rows = await db
    .selectFrom("notification_threads as t")
    .innerJoin("remediations as r", "r.remediation_id", "t.remediation_id")
    .leftJoinLateral(
      (query) =>
        query
          .selectFrom("decisions as d")
          .select("d.person as by")
          .whereRef("d.remediation_id", "=", "r.remediation_id")
          .where("d.status", "=", "counted")
          // What was decided before it rang says nothing about whether somebody heard it.
          .whereRef("d.at", ">=", "t.rang_at")
          .orderBy("d.at", "desc")
          .limit(1)
          .as("decided"),
      (join) => join.onTrue(),
    )
    .selectAll("r")
    .select(["t.channel", "t.reference", "t.opening", "decided.by as acknowledgedBy"])
    .select(stands.as("stands"))
    .where("t.shown", "is not", null)
    .where("t.attempts", "<", MOST_ATTEMPTS)
    .where(sql<boolean>`t.shown <> ${stands}`)
    .where(isDueAgain(sql`t.tried_at`, sql`t.attempts`))
    .orderBy("t.shown_at")
    .orderBy("t.remediation_id")
    .limit(limit)
    .execute();
  return rows.map(({ channel, reference, opening, acknowledgedBy, stands: word, ...row }) => ({
    ...{ remediationId: row.remediation_id, channel, reference, opening },
    ...{ remediation: toRemediationRow(row), acknowledgedBy, stands: word },
  }));
}

export async function threadShown(db: Session, thread: StaleThread, error: string | null): Promise<void> {
  const { remediationId, channel, remediation, stands: word } = thread;
  const update = db
    .updateTable("notification_threads")
    .where("remediation_id", "=", remediationId)
    .where("channel", "=", channel);
  if (error !== null) {
    await update.set({ error, attempts: sql`attempts + 1`, tried_at: now }).execute();
    return;
  }
  // What is closed stands as it does for ever.
  const shown = remediation.closedAt === null ? word : null;
  await update.set({ shown, shown_at: now, error: null, attempts: 0, tried_at: null }).execute();
}

type Tried = Parameters<NotificationRecord["channelTried"]>[0];

export async function channelTried(db: Database, tried: Tried): Promise<void> {
  const { channel, remediationId, key, route, error } = tried;
  await sql`
    insert into notification_channels as c (channel, taken, failed, taken_at, failed_at, error)
    values (${channel}, ${error === null ? 1 : 0}, ${error === null ? 0 : 1},
            case when ${error}::text is null then ${now} end, case when ${error}::text is not null then ${now} end, ${error})
    on conflict (channel) do update
       set taken = c.taken + excluded.taken, failed = c.failed + excluded.failed, error = excluded.error,
           taken_at = coalesce(excluded.taken_at, c.taken_at), failed_at = coalesce(excluded.failed_at, c.failed_at)`.execute(
    db,
  );
  if (remediationId === null) return;
  const kind = error === null ? "channelTook" : "channelFailed";
  const entry = { chain: remediationId, key: `${kind}:${channel}:${key}`, kind };
  await inTransaction(db, (tx) => appendAudit(tx, { ...entry, body: { channel, key, route, error } }));
}
