/** Tokens of the API: random secrets of which only a hash is kept, found by the id that they begin with. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { sql, type Transaction } from "kysely";
import { API_TOKEN_PREFIX } from "../contracts/roles.ts";
import type { ApiToken, ApiTokenWish } from "./api-identity.ts";
import { appendControl } from "./audit.ts";
import { now } from "./clock.ts";
import { RecordConflict } from "./errors.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import type { Tables } from "./tables.ts";

const FORM = /^selfheal_api_([0-9a-f]{16})_([\w-]{43})$/;
const SHOWN = 500;
const ITS_EXPIRY = "its expiry";
/** A write for each request would cost more than the answer is worth. */
const USED_EVERY = "5 minutes";

const COLUMNS = sql`
  id, name, subject, roles, groups, created_by as "createdBy", created_at as "createdAt", expires_at as "expiresAt",
  revoked_at as "revokedAt", revoked_by as "revokedBy", last_used_at as "lastUsedAt",
  case when revoked_at is not null then 'revoked' when expires_at <= selfheal_now() then 'expired'
       else 'inForce' end as state`;

export async function createApiToken(
  db: Database,
  { name, subject, roles, groups, by, ttlMs }: ApiTokenWish,
): Promise<{ token: ApiToken; secret: string }> {
  const id = randomBytes(8).toString("hex");
  const secret = `${API_TOKEN_PREFIX}${id}_${randomBytes(32).toString("base64url")}`;
  return inTransaction(db, async (tx) => {
    const expired = await sql<ApiToken>`
        update api_tokens set revoked_at = expires_at, revoked_by = ${ITS_EXPIRY}
         where name = ${name} and revoked_at is null and expires_at <= selfheal_now() returning ${COLUMNS}`.execute(tx);
    for (const one of expired.rows) await auditRevoked(tx, one, ITS_EXPIRY);
    const made = await sql<ApiToken>`
        insert into api_tokens (id, name, subject, secret_hash, roles, groups, created_by, created_at, expires_at)
        values (${id}, ${name}, ${subject}, ${hashOf(secret)}, ${roles}::text[], ${groups}::text[], ${by}, ${now},
                ${now} + ${ttlMs} * interval '1 millisecond')
        on conflict (name) where revoked_at is null do nothing returning ${COLUMNS}`.execute(tx);
    const token = made.rows[0];
    if (token === undefined) {
      throw new RecordConflict(`a token named ${name} is in force: revoke it first, or take another name`);
    }
    const secretHash = `\\x${hashOf(secret).toString("hex")}`;
    const body = { id, name, subject, roles, groups, by, expiresAt: token.expiresAt, secretHash };
    await appendControl(tx, { key: `apiToken:${id}`, kind: "tokenCreated", body });
    return { token, secret };
  });
}

export async function revokeApiToken(db: Database, which: string, by: string): Promise<ApiToken | null> {
  return inTransaction(db, async (tx) => {
    const done = await sql<ApiToken>`
      update api_tokens set revoked_at = ${now}, revoked_by = ${by}
       where revoked_at is null and (name = ${which} or id = ${which}) returning ${COLUMNS}`.execute(tx);
    const token = done.rows[0];
    if (token === undefined) return null;
    await auditRevoked(tx, token, by);
    return token;
  });
}

async function auditRevoked(tx: Transaction<Tables>, { id, name, subject }: ApiToken, by: string): Promise<void> {
  await appendControl(tx, { key: `apiTokenRevoked:${id}`, kind: "tokenRevoked", body: { id, name, subject, by } });
}

export async function apiTokens(db: Session): Promise<ApiToken[]> {
  const found = await sql<ApiToken>`
    select ${COLUMNS} from api_tokens order by created_at desc, id limit ${SHOWN}`.execute(db);
  return found.rows;
}

export async function apiTokenOf(db: Session, secret: string): Promise<ApiToken | null> {
  const id = FORM.exec(secret)?.[1];
  if (id === undefined) return null;
  const found = await sql<ApiToken & { hash: Buffer; stale: boolean }>`
    select ${COLUMNS}, secret_hash as hash,
           last_used_at is null or last_used_at < selfheal_now() - ${USED_EVERY}::interval as stale
      from api_tokens where id = ${id}`.execute(db);
  const row = found.rows[0];
  if (row === undefined) return null;
  const { hash, stale, ...token } = row;
  if (!timingSafeEqual(hash, hashOf(secret)) || token.state !== "inForce") return null;
  if (stale) await sql`update api_tokens set last_used_at = ${now} where id = ${id}`.execute(db);
  return token;
}

export async function hasApiTokens(db: Session): Promise<boolean> {
  const found = await sql<{ any: boolean }>`select exists(select from api_tokens) as any`.execute(db);
  return found.rows[0]?.any === true;
}

function hashOf(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
