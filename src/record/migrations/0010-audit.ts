/** The audit's own needs: which chains moved since the last manifest, the series of manifests, what was pruned. */
import { type Kysely, sql } from "kysely";

const STATEMENTS = [
  // No index: it would cost every append, and a manifest reads the table once a day.
  `alter table audit_chains add column moved_at timestamptz`,
  `update audit_chains c set moved_at = coalesce(
     (select a.at from audit a where a.chain = c.chain and a.seq = c.seq), selfheal_now())`,
  `alter table audit_chains alter column moved_at set not null, alter column moved_at set default selfheal_now()`,
  // Rows come in the order of their time, nearly: some bytes for each hundred pages find an hour among years.
  `create index audit_at on audit using brin (at) with (pages_per_range = 32)`,
  `create table audit_manifests (
     number integer primary key, at timestamptz not null,
     hash text not null, previous_hash text not null, chains integer not null)`,
  // Number of the entry of the chain control that says who removed this chain's rows.
  `alter table audit_chains add column pruned_by integer`,
  // Still no accident: only a transaction that says so may remove, and none may change.
  `create or replace function selfheal_refuse_change() returns trigger language plpgsql
     as $$ begin
       if tg_op = 'DELETE' and current_setting('selfheal.pruning', true) = 'on' then return old; end if;
       raise exception 'the audit chain is only appended to';
     end $$`,
];

export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
