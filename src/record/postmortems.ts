/** Drafts of postmortems: one a remediation, kept before it is sent. */
import { sql } from "kysely";
import type { Due, PostmortemRow } from "./api-measures.ts";
import { appendAudit } from "./audit.ts";
import { sha256 } from "./canonical.ts";
import { isDueAgain, isWithin, now } from "./clock.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";

/** Of what went wrong longer ago nobody waits for a draft; it is made when it is asked for. */
const WITHIN_MS = 7 * 24 * 3_600_000;

export async function postmortemsToMake(db: Session, limit: number): Promise<string[]> {
  const found = await sql<{ id: string }>`
    select r.remediation_id as id from remediations r
     where r.closed_at is not null and ${isWithin(sql`r.closed_at`, WITHIN_MS)}
       and (r.needs_human or r.outcome in ('escalated', 'failed'))
       and not exists (select 1 from postmortems p where p.remediation_id = r.remediation_id)
     order by r.closed_at limit ${limit}`.execute(db);
  return found.rows.map(({ id }) => id);
}

/** The first one stays: a draft that somebody works on must not change. */
export async function savePostmortem(
  db: Database,
  { remediationId, owner, markdown }: Pick<PostmortemRow, "remediationId" | "owner" | "markdown">,
): Promise<void> {
  await inTransaction(db, async (tx) => {
    const written = await tx
      .insertInto("postmortems")
      .values({ remediation_id: remediationId, owner, markdown, made_at: now })
      .onConflict((conflict) => conflict.doNothing())
      .returning("remediation_id")
      .execute();
    if (written.length === 0) return;
    const body = { owner, sha256: sha256(markdown) };
    await appendAudit(tx, { chain: remediationId, key: "postmortem", kind: "postmortem", body });
  });
}

export async function postmortem(db: Session, remediationId: string): Promise<PostmortemRow | null> {
  const row = await db
    .selectFrom("postmortems")
    .select(["remediation_id as remediationId", "owner", "markdown", "made_at as madeAt", "sent_at as sentAt", "error"])
    .where("remediation_id", "=", remediationId)
    .executeTakeFirst();
  return row ?? null;
}

export const dueAgain = isDueAgain(sql`tried_at`, sql`attempts`);

export async function postmortemsToSend(db: Session, limit: number): Promise<Due[]> {
  return db
    .selectFrom("postmortems")
    .select("remediation_id as key")
    .where("sent_at", "is", null)
    .where(dueAgain)
    .orderBy("made_at")
    .limit(limit)
    .execute();
}

/** `error` null: it was sent. */
export async function postmortemSent(db: Session, remediationId: string, error: string | null): Promise<void> {
  await sql`
    update postmortems
       set sent_at = case when ${error}::text is null then selfheal_now() end, error = ${error},
           attempts = attempts + 1, tried_at = selfheal_now()
     where remediation_id = ${remediationId} and sent_at is null`.execute(db);
}
