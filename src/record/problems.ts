/**
 * Problems: what comes again and again, with the one ticket of each. The intent is kept before a ticket is asked for, and
 * the ticket carries the problem's key, so that a round that died finds what it had opened.
 */
import { randomUUID } from "node:crypto";
import { sql, type Transaction } from "kysely";
import type { FoundProblem, ProblemRow } from "./api-measures.ts";
import { appendAudit } from "./audit.ts";
import { now } from "./clock.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import type { Tables } from "./tables.ts";

/** Of remediations that closed inside the window. */
export async function problemLinks(
  db: Session,
  since: string,
): Promise<{ pattern: string; remediationId: string; open: boolean }[]> {
  const found = await sql<{ pattern: string; remediationId: string; open: boolean }>`
    select p.pattern, l.remediation_id as "remediationId", p.closed_at is null as open
      from remediations r
      join problem_remediations l on l.remediation_id = r.remediation_id
      join problems p on p.key = l.problem_key
     where r.closed_at >= ${since}::timestamptz`.execute(db);
  return found.rows;
}

/** Opens a problem, or adds to the open one of its pattern what is not in it yet. */
export async function foundProblem(db: Database, found: FoundProblem): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { pattern, title, body, queue, owner, remediationIds } = found;
    const key = `problem/${randomUUID()}`;
    const made = await tx
      .insertInto("problems")
      .values({ key, pattern, title, body, queue, owner, found_at: now })
      .onConflict((conflict) => conflict.column("pattern").where("closed_at", "is", null).doNothing())
      .returning("key")
      .execute();
    const known = made.length === 1 ? key : await openKey(tx, pattern);
    // Closed by another round in between: the next one looks again.
    if (known === null) return;
    for (const remediationId of remediationIds)
      await link(tx, { key: known, pattern, isNew: made.length === 1 }, remediationId);
  });
}

async function openKey(tx: Transaction<Tables>, pattern: string): Promise<string | null> {
  const row = await tx
    .selectFrom("problems")
    .select("key")
    .where("pattern", "=", pattern)
    .where("closed_at", "is", null)
    .forUpdate()
    .executeTakeFirst();
  return row?.key ?? null;
}

/** What is there when the ticket is opened stands in its text. */
async function link(
  tx: Transaction<Tables>,
  { key, pattern, isNew }: { key: string; pattern: string; isNew: boolean },
  remediationId: string,
): Promise<void> {
  const linked = await sql`
    insert into problem_remediations (problem_key, remediation_id, at, noted_at)
    values (${key}, ${remediationId}, selfheal_now(), case when ${isNew} then selfheal_now() end)
    on conflict do nothing returning problem_key`.execute(tx);
  if (linked.rows.length === 0) return;
  await appendAudit(tx, { chain: remediationId, key: `problem:${key}`, kind: "problem", body: { key, pattern } });
}

export async function openProblems(db: Session): Promise<ProblemRow[]> {
  const found = await sql<ProblemRow>`
    select p.key, p.pattern, p.title, p.body, p.queue, p.owner, p.ticket_id as "ticketId", p.url,
           coalesce(
             (select array_agg(l.remediation_id order by l.at, l.remediation_id) from problem_remediations l
               where l.problem_key = p.key and l.noted_at is null), '{}') as unnoted
      from problems p where p.closed_at is null order by p.found_at`.execute(db);
  return found.rows;
}

/** Of two that ask at the same time one gets it. */
export async function claimTicket(db: Session, key: string, lifeMs: number): Promise<boolean> {
  const claimed = await sql`
    update problems set sent_at = selfheal_now()
     where key = ${key} and ticket_id is null and closed_at is null
       and (sent_at is null or sent_at <= selfheal_now() - ${lifeMs}::float8 * interval '1 millisecond')
    returning key`.execute(db);
  return claimed.rows.length === 1;
}

export async function problemTicket(db: Session, key: string, ticketId: string, url: string): Promise<void> {
  await db
    .updateTable("problems")
    .set({ ticket_id: ticketId, url, error: null })
    .where("key", "=", key)
    .where("ticket_id", "is", null)
    .execute();
}

export async function problemFailed(db: Session, key: string, error: string): Promise<void> {
  await db.updateTable("problems").set({ error }).where("key", "=", key).execute();
}

export async function problemNoted(db: Session, key: string, remediationId: string): Promise<void> {
  await db
    .updateTable("problem_remediations")
    .set({ noted_at: now })
    .where("problem_key", "=", key)
    .where("remediation_id", "=", remediationId)
    .execute();
}

/** A person has closed its ticket. */
export async function closeProblem(db: Session, key: string): Promise<void> {
  await db
    .updateTable("problems")
    .set({ closed_at: now })
    .where("key", "=", key)
    .where("closed_at", "is", null)
    .execute();
}

/** The newest problem of a remediation: its ticket, or its title while it has none. */
export async function problemOf(db: Session, remediationId: string): Promise<string | null> {
  const found = await sql<{ ticketId: string | null; url: string | null; title: string }>`
    select p.ticket_id as "ticketId", p.url, p.title from problem_remediations l join problems p on p.key = l.problem_key
     where l.remediation_id = ${remediationId} order by p.found_at desc limit 1`.execute(db);
  const [row] = found.rows;
  if (row === undefined) return null;
  return row.ticketId === null ? row.title : `${row.ticketId} ${row.url ?? ""}`.trim();
}
