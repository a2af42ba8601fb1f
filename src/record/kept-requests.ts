/**
 * Requests that were sent with an Idempotency-Key, durable across processes: whoever inserts the row does the work,
 * everybody else gets its answer. What died with the work is free again after `holdMs`.
 */
import { sql } from "kysely";
import type { Claimed, KeptAnswer, RequestClaim } from "./api-http.ts";
import { RecordConflict } from "./errors.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";

type Key = Pick<RequestClaim, "caller" | "key">;

/** The row may expire between the failed insert and the look at it; then the insert is tried again. */
const CLAIM_ATTEMPTS = 5;
/** A little at each claim, so that no claim waits for a large cleaning. */
const CLEAN_AT_ONCE = 20;

export async function claimRequest(db: Database, claim: RequestClaim): Promise<Claimed> {
  for (let attempt = 1; attempt <= CLAIM_ATTEMPTS; attempt++) {
    const claimed = await inTransaction(db, async (tx) => {
      await sql`
        delete from kept_requests where (caller, key) in (
          select caller, key from kept_requests where expires_at <= (select selfheal_now())
           order by expires_at limit ${CLEAN_AT_ONCE} for update skip locked)`.execute(tx);
      return tryClaim(tx, claim);
    });
    if (claimed !== null) return claimed;
  }
  throw new RecordConflict(`the request with the key ${claim.key} comes and goes faster than one can look`);
}

interface Stored {
  requestHash: string;
  status: number | null;
  contentType: string | null;
  body: string | null;
}

async function tryClaim(db: Session, claim: RequestClaim): Promise<Claimed | null> {
  const { caller, key, requestHash, holdMs, lifeMs } = claim;
  const made = await sql`
    insert into kept_requests (caller, key, request_hash, held_until, expires_at)
    values (${caller}, ${key}, ${requestHash}, selfheal_now() + ${holdMs}::float8 * interval '1 millisecond',
            selfheal_now() + ${lifeMs}::float8 * interval '1 millisecond')
    on conflict (caller, key) do update
       set held_until = excluded.held_until, expires_at = excluded.expires_at
     where kept_requests.status is null and kept_requests.held_until <= selfheal_now()
       and kept_requests.request_hash = excluded.request_hash
    returning key`.execute(db);
  if (made.rows.length === 1) return { kind: "claimed" };
  const found = await sql<Stored>`
    select request_hash as "requestHash", status, content_type as "contentType", body
      from kept_requests where caller = ${caller} and key = ${key}`.execute(db);
  const [stored] = found.rows;
  return stored === undefined ? null : judged(stored, requestHash);
}

function judged({ requestHash, status, contentType, body }: Stored, asked: string): Claimed {
  if (requestHash !== asked) return { kind: "otherRequest" };
  if (status === null) return { kind: "running" };
  return { kind: "answered", answer: { status, contentType: contentType ?? "", body: body ?? "" } };
}

export async function keepAnswer(db: Database, { caller, key }: Key, answer: KeptAnswer): Promise<void> {
  await db
    .updateTable("kept_requests")
    .set({ status: answer.status, content_type: answer.contentType, body: answer.body })
    .where("caller", "=", caller)
    .where("key", "=", key)
    .where("status", "is", null)
    .execute();
}

export async function giveUpRequest(db: Database, { caller, key }: Key): Promise<void> {
  await db
    .deleteFrom("kept_requests")
    .where("caller", "=", caller)
    .where("key", "=", key)
    .where("status", "is", null)
    .execute();
}
