/** How often a second something can be done to a database, and the least that it can cost. */
import pg from "pg";
import { mapLimit } from "./load.ts";

/** As many as the pool of a process has. */
export const AT_ONCE = 10;

/** Each of them once, a second. */
export async function rate<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await mapLimit(items, AT_ONCE, work);
  return (items.length * 1000) / (performance.now() - startedAt);
}

/** Inserts of one row, committed, a second. */
export async function bareTransactions(url: string, count: number): Promise<number> {
  const pool = new pg.Pool({ connectionString: url, max: AT_ONCE });
  try {
    await pool.query("create table bench_rows (id bigserial primary key, body text not null)");
    return await rate([...new Array(count).keys()], (index) =>
      pool.query("insert into bench_rows (body) values ($1)", [`row ${index}`]),
    );
  } finally {
    await pool.end();
  }
}
