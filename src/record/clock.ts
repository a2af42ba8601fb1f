import { type RawBuilder, sql } from "kysely";
import type { Session } from "./pool.ts";

/** The database's time in a statement: the only clock of the record (design §3 law 16). */
export const now: RawBuilder<string> = sql<string>`selfheal_now()`;

export async function readNow(db: Session): Promise<string> {
  const found = await sql<{ now: string }>`select selfheal_now() as now`.execute(db);
  return (found.rows[0] as { now: string }).now;
}
