/** What happened to remediations, in the order in which it was written down: the feed of the API's live clients. */
import { sql } from "kysely";
import type { Change, FeedPlace } from "./api-http.ts";
import type { Session } from "./pool.ts";
import { type StoredRemediation, toRemediationRow } from "./remediation-row.ts";

type Stored = StoredRemediation & { change_at: string; change_seq: number; change_kind: string };

/** Entries of the chain `control` are about no remediation. */
export async function changes(db: Session, after: FeedPlace, limit: number): Promise<Change[]> {
  const found = await sql<Stored>`
    select r.*, a.at as change_at, a.seq as change_seq, a.kind as change_kind
      from audit a join remediations r on r.remediation_id = a.chain
     where (a.at, a.chain, a.seq) > (${after.at}::timestamptz, ${after.remediationId}, ${after.seq}::int)
     order by a.at, a.chain, a.seq limit ${limit}`.execute(db);
  return found.rows.map((row) => ({
    at: row.change_at,
    remediationId: row.remediation_id,
    seq: row.change_seq,
    kind: row.change_kind,
    remediation: toRemediationRow(row),
  }));
}
