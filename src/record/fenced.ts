import { sql, type RawBuilder } from "kysely";

/** Whether a pause or an open storm breaker kept an effect of this remediation back: it was stopped, it has not failed. */
export function fencedByPause(remediationId: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql`exists (select 1 from audit e where e.chain = ${remediationId} and e.kind = 'effectFenced'
                                             and e.body ->> 'code' = 'PAUSED')`;
}
