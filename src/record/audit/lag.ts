/**
 * M10: the time from an action to its entry. The effect wrapper says when the call that acted was over (`actedAt`, in the
 * record's own time), and the entry has the time at which it was written.
 */
import { type RawBuilder, sql } from "kysely";
import type { AuditLag } from "../api-audit.ts";
import { isWithin } from "../clock.ts";
import type { Session } from "../pool.ts";

/** Of a row of `audit`; null: it tells of no call that acted. */
export const LAG_SECONDS: RawBuilder<number | null> = sql`
  case when kind = 'effectSettled' then extract(epoch from at - (body ->> 'actedAt')::timestamptz)::float8 end`;

export async function auditLag(db: Session, windowMs: number): Promise<AuditLag> {
  const found = await sql<AuditLag>`
    with lags as (
      select ${LAG_SECONDS} as seconds
        from audit
       where ${isWithin(sql`at`, windowMs)}
         and kind = 'effectSettled' and body ->> 'actedAt' is not null)
    select count(*)::int as effects, max(seconds) as max,
           percentile_cont(0.5) within group (order by seconds) as p50,
           percentile_cont(0.99) within group (order by seconds) as p99,
           coalesce((select extract(epoch from selfheal_now() - min(intent_at))::float8 from effects
             where settled_at is null and state = 'intent'), 0) as unwritten,
           (select max(at) from audit_manifests) as "lastManifestAt"
      from lags`.execute(db);
  return found.rows[0] as AuditLag;
}
