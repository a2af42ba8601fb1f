/**
 * Retention: removes what the record tells of remediations that were closed long ago. Their row stays as a stub with the
 * head of the chain, and a tombstone in the chain `control` names each head, so that a verification tells pruned from
 * lost. Whatever is open, holds a lease, has an effect that nobody settled, or does not verify, is left alone.
 */
import { sql, type Transaction } from "kysely";
import { appendControl, CONTROL_CHAIN } from "../audit.ts";
import { type Database, inTransaction } from "../pool.ts";
import type { Tables } from "../tables.ts";
import type { Fault } from "./chain.ts";
import { verifyPage } from "./verify.ts";

export interface PruneWish {
  /** ISO: closed before it. */
  before: string;
  by: string;
  reason: string;
}
export interface PruneStep {
  /** Remediations whose rows are gone. */
  pruned: string[];
  entries: number;
  /** Those that do not verify, with the first fault. */
  kept: { remediationId: string; fault: Fault | null }[];
}

const PAGE = 100;
/** Everything that a remediation has beside its row and its chain. What its faults were decided by stays (law 5). */
const DETAIL = [
  "verdicts",
  "decisions",
  "decision_tokens",
  "plans",
  "effects",
  "waits",
  "escalations",
  "notification_threads",
  "admissions",
  "reviews",
];

/** A step is a transaction: it can be stopped and begun again at any time. */
export async function* prune(db: Database, wish: PruneWish): AsyncGenerator<PruneStep> {
  let after = { closedAt: "-infinity", id: "" };
  for (;;) {
    const { rows } = await sql<{ id: string; closedAt: string }>`
      select r.remediation_id as id, r.closed_at as "closedAt"
        from remediations r join audit_chains c on c.chain = r.remediation_id
       where r.closed_at < ${wish.before}::timestamptz and c.pruned_by is null
         and (r.closed_at, r.remediation_id) > (${after.closedAt}::timestamptz, ${after.id})
         and not exists (select 1 from leases l where l.remediation_id = r.remediation_id)
         and not exists (select 1 from effects e where e.remediation_id = r.remediation_id
                           and e.state in ('intent', 'pending', 'unknown'))
         and not exists (select 1 from escalations e where e.remediation_id = r.remediation_id and e.sent_at is null)
       order by r.closed_at, r.remediation_id limit ${PAGE}`.execute(db);
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last;
    const reports = await verifyPage(
      db,
      rows.map(({ id }) => id),
    );
    const whole = reports.filter(({ state }) => state === "whole").map(({ chain }) => chain);
    const kept = reports.flatMap(({ state, chain, faults }) =>
      state === "whole" ? [] : [{ remediationId: chain, fault: faults[0] ?? null }],
    );
    const entries = whole.length === 0 ? 0 : await inTransaction(db, (tx) => remove(tx, whole, wish));
    yield { pruned: whole, entries, kept };
  }
}

async function remove(tx: Transaction<Tables>, ids: string[], { before, by, reason }: PruneWish): Promise<number> {
  const { rows } = await sql<{ chain: string; seq: number; hash: string }>`
    select chain, seq, hash from audit_chains where chain = any(${ids}::text[]) order by chain for update`.execute(tx);
  const heads = Object.fromEntries(rows.map(({ chain, seq, hash }) => [chain, { seq, hash }]));
  const body = { before, by, reason, heads };
  const hash = await appendControl(tx, { key: `pruned:${rows[0]?.chain}:${rows.length}`, kind: "pruned", body });
  await sql`
    update audit_chains set pruned_by = (select seq from audit where chain = ${CONTROL_CHAIN} and hash = ${hash})
     where chain = any(${ids}::text[])`.execute(tx);
  for (const table of DETAIL) {
    await sql`delete from ${sql.table(table)} where remediation_id = any(${ids}::text[])`.execute(tx);
  }
  await sql`
    delete from alerts where remediation_id = any(${ids}::text[]) and last_seen_at < ${before}::timestamptz`.execute(
    tx,
  );
  await sql`select set_config('selfheal.pruning', 'on', true)`.execute(tx);
  const gone = await sql`delete from audit where chain = any(${ids}::text[]) returning 1`.execute(tx);
  return gone.rows.length;
}
