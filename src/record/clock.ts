import { type RawBuilder, sql } from "kysely";
import type { Session } from "./pool.ts";

/** The database's time in a statement: the only clock of the record (design §3 law 16). */
export const now: RawBuilder<string> = sql<string>`selfheal_now()`;

/**
 * That `moment` is less than `ms` ago. The time is asked once, and as a range: no index serves a function that may answer
 * each row anew, and of one bound alone the planner thinks that it takes in a third of the table.
 */
export function isWithin(moment: RawBuilder<unknown>, ms: number | RawBuilder<unknown>): RawBuilder<boolean> {
  const since = sql`(select ${now}) - ${ms}::float8 * interval '1 millisecond'`;
  return sql`(${moment} > ${since} and ${moment} <= (select ${now}))`;
}

export async function readNow(db: Session): Promise<string> {
  const found = await sql<{ now: string }>`select selfheal_now() as now`.execute(db);
  return (found.rows[0] as { now: string }).now;
}
