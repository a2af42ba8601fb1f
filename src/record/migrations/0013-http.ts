/** What the HTTP API asks of the record: kept answers of writes, lists by page, the feed of changes. */
import { type Kysely, sql } from "kysely";

const STATEMENTS = [
  // One request of one caller under one Idempotency-Key. No answer yet: somebody works on it until `held_until`.
  `create table kept_requests (
     caller text collate "C" not null, key text collate "C" not null,
     request_hash text not null, held_until timestamptz not null, expires_at timestamptz not null,
     status integer, content_type text, body text,
     primary key (caller, key))`,
  `create index kept_requests_expired on kept_requests (expires_at)`,

  // A page goes on behind the last row of the one before: the order of every list is in an index.
  `drop index remediations_newest`,
  `create index remediations_newest on remediations (opened_at desc, remediation_id desc)`,
  `create index remediations_open_newest on remediations (opened_at desc, remediation_id desc) where closed_at is null`,
  `create index remediations_of_group on remediations (group_name, opened_at desc, remediation_id desc)`,
  `create index remediations_by_outcome on remediations (outcome, opened_at desc, remediation_id desc)
     where outcome is not null`,
  `drop index alerts_newest`,
  `create index alerts_newest on alerts (last_seen_at desc, fault_key desc, status desc)`,

  // The feed of changes is the audit in the order in which it was written.
  `create index audit_newest on audit (at, chain, seq)`,
];

export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
