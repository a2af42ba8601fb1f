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

/** After n tries the next is due 2^n minutes later, at most an hour. `since`: of the last try; null: due at once. */
export function isDueAgain(since: RawBuilder<unknown>, tries: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql`coalesce(${since} + least(interval '1 hour', interval '1 minute' * power(2, least(${tries}, 6))) <= ${now}, true)`;
}

export async function readNow(db: Session): Promise<string> {
  const found = await sql<{ now: string }>`select selfheal_now() as now`.execute(db);
  return (found.rows[0] as { now: string }).now;
}
