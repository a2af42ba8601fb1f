/** How people are told: one thread for each remediation and channel, and what each channel took and did not take. */
import { type Kysely, sql } from "kysely";

const STATEMENTS = [
  `create table notification_threads (
     remediation_id text collate "C" not null references remediations, channel text collate "C" not null,
     reference text not null, opening json not null, opened_at timestamptz not null,
     -- When its reference last changed: an incident of PagerDuty for each page.
     rang_at timestamptz not null,
     -- How its remediation stood when that was last shown; null: it was over, and nothing is shown any more.
     shown text, shown_at timestamptz not null, attempts integer not null default 0, tried_at timestamptz, error text,
     primary key (remediation_id, channel))`,
  `create index notification_threads_live on notification_threads (remediation_id) where shown is not null`,

  `create table notification_channels (
     channel text collate "C" primary key, taken bigint not null default 0, failed bigint not null default 0,
     taken_at timestamptz, failed_at timestamptz, error text)`,
];

export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
