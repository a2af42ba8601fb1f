/** What the last sweep found. A finding keeps its row while it is there, so that people are told of it once. */
import { sql, type Transaction } from "kysely";
import type { Finding, FindingRow, LastSweep, SavedSweep } from "./api-sweep.ts";
import { isDueAgain, now } from "./clock.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import type { Tables } from "./tables.ts";

/** One that comes back within this time is the same one: people were told. */
const SAME_AGAIN = sql`interval '1 hour'`;
const KEPT = sql`interval '30 days'`;
const TELL_DUE = isDueAgain(sql`tell_tried_at`, sql`tell_attempts`);

export async function saveSweep(db: Database, sweep: SavedSweep): Promise<FindingRow[]> {
  return inTransaction(db, async (tx) => {
    // One sweep after the other, whoever runs them.
    const last = { at: now, failures: sweep.failures, temporal_lag_ms: sweep.temporalLagMs };
    await tx
      .insertInto("sweep_last")
      .values(last)
      .onConflict((conflict) => conflict.column("singleton").doUpdateSet(last))
      .execute();
    await upsert(tx, sweep.found);
    await tx
      .updateTable("findings")
      .set({ gone_at: now })
      .where("gone_at", "is", null)
      .where("part", "in", ["", ...sweep.looked])
      .where("key", "not in", ["", ...sweep.found.map((finding) => finding.key)])
      .execute();
    await sql`delete from findings where gone_at < ${now} - ${KEPT}`.execute(tx);
    return findings(tx);
  });
}

/** One finding of somebody who is not the sweeper: it stays until a sweep looks at its part and does not find it. */
export async function saveFinding(db: Database, finding: Finding): Promise<void> {
  await inTransaction(db, (tx) => upsert(tx, [finding]));
}

/** True for one caller only while nobody was told and a try is due: that one must send, and say how it went. */
export async function claimTelling(db: Database, key: string): Promise<boolean> {
  const claimed = await db
    .updateTable("findings")
    .set({ tell_tried_at: now })
    .where("key", "=", key)
    .where("told_at", "is", null)
    .where(TELL_DUE)
    .returning("key")
    .executeTakeFirst();
  return claimed !== undefined;
}

async function upsert(tx: Transaction<Tables>, found: Finding[]): Promise<void> {
  if (found.length === 0) return;
  const input = JSON.stringify(found);
  const back = sql`findings.gone_at < ${now} - ${SAME_AGAIN}`;
  await sql`
    insert into findings (key, code, part, severity, sentence, ids, safe, done, next, first_seen_at, last_seen_at)
    select distinct on (key) key, code, part, severity, sentence, ids, safe, done, next, t.at, t.at
      from (select ${now} as at offset 0) t, json_to_recordset(${input}) as x(key text, code text, part text, severity text, sentence text, ids json,
                                            safe boolean, done text, next text)
     order by key
    on conflict (key) do update set
      severity = excluded.severity, sentence = excluded.sentence, ids = excluded.ids, safe = excluded.safe,
      next = excluded.next,
      done = case when ${back} then excluded.done else coalesce(excluded.done, findings.done) end,
      first_seen_at = case when findings.gone_at is null then findings.first_seen_at else excluded.first_seen_at end,
      last_seen_at = excluded.last_seen_at,
      told_at = case when ${back} then null else findings.told_at end,
      tell_attempts = case when ${back} then 0 else findings.tell_attempts end,
      gone_at = null`.execute(tx);
}

/** Those that are there, oldest first. */
export async function findings(db: Session): Promise<FindingRow[]> {
  const rows = await db
    .selectFrom("findings")
    .select(["key", "code", "part", "severity", "sentence", "ids", "safe", "done", "next"])
    .select([
      "first_seen_at as firstSeenAt",
      "last_seen_at as lastSeenAt",
      "told_at as toldAt",
      "tell_error as tellError",
      TELL_DUE.as("tellDue"),
    ])
    .where("gone_at", "is", null)
    .orderBy("first_seen_at")
    .orderBy("key")
    .execute();
  return rows;
}

export async function findingsTold(db: Database, keys: string[], error: string | null): Promise<void> {
  if (keys.length === 0) return;
  await sql`
    update findings
       set told_at = case when ${error}::text is null then ${now} else told_at end,
           tell_error = ${error}, tell_attempts = tell_attempts + 1, tell_tried_at = ${now}
     where key = any(${keys}::text[])`.execute(db);
}

export async function lastSweep(db: Session): Promise<LastSweep | null> {
  const row = await db
    .selectFrom("sweep_last")
    .select(["at", "failures", "temporal_lag_ms as temporalLagMs"])
    .executeTakeFirst();
  return row ?? null;
}
