/** Reports of periods that are over: one a period, kept before it is sent. */
import { sql } from "kysely";
import type { JsonObject } from "../contracts/json.ts";
import type { Due, ReportRow } from "./api-measures.ts";
import { appendControl, CONTROL_CHAIN } from "./audit.ts";
import { sha256 } from "./canonical.ts";
import { now } from "./clock.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import { dueAgain } from "./postmortems.ts";

export async function saveReport(
  db: Database,
  { period, report, markdown, csv }: { period: string; report: JsonObject; markdown: string; csv: string },
): Promise<void> {
  await inTransaction(db, async (tx) => {
    const written = await tx
      .insertInto("reports")
      .values({ period, report: JSON.stringify(report), markdown, csv, made_at: now })
      .onConflict((conflict) => conflict.doNothing())
      .returning("period")
      .execute();
    if (written.length === 0) return;
    const body = { period, markdownSha256: sha256(markdown), csvSha256: sha256(csv) };
    await appendControl(tx, { key: `report:${period}`, kind: "report", body });
  });
}

/** The control chain begins when the first catalogue is activated. */
export async function began(db: Session): Promise<string | null> {
  const row = await db
    .selectFrom("audit")
    .select("at")
    .where("chain", "=", CONTROL_CHAIN)
    .orderBy("seq")
    .limit(1)
    .executeTakeFirst();
  return row?.at ?? null;
}

export async function report(db: Session, period: string): Promise<ReportRow | null> {
  const row = await db
    .selectFrom("reports")
    .select(["period", "report", "markdown", "csv", "made_at as madeAt", "sent_at as sentAt"])
    .where("period", "=", period)
    .executeTakeFirst();
  return row ?? null;
}

export async function reportsToSend(db: Session, limit: number): Promise<Due[]> {
  return db
    .selectFrom("reports")
    .select("period as key")
    .where("sent_at", "is", null)
    .where(dueAgain)
    .orderBy("made_at")
    .limit(limit)
    .execute();
}

/** `error` null: it was sent. */
export async function reportSent(db: Session, period: string, error: string | null): Promise<void> {
  await sql`
    update reports
       set sent_at = case when ${error}::text is null then selfheal_now() end, error = ${error},
           attempts = attempts + 1, tried_at = selfheal_now()
     where period = ${period} and sent_at is null`.execute(db);
}
