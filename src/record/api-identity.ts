/** Who may ask: tokens of the API, and bodies that were signed; a part of RecordStore (api.ts). */
import type { Role } from "../contracts/roles.ts";

export interface ApiToken {
  /** Not secret: what the token begins with. */
  id: string;
  /** Of one token in force at a time. */
  name: string;
  /** Whom it speaks for: `by` of whatever is done with it. */
  subject: string;
  roles: Role[];
  /** The only groups that it sees and acts on; null: all. */
  groups: string[] | null;
  createdBy: string;
  /** ISO, as all times here. */
  createdAt: string;
  expiresAt: string;
  revokedAt: string | null;
  revokedBy: string | null;
  /** At most five minutes old; null: never. */
  lastUsedAt: string | null;
  state: "inForce" | "expired" | "revoked";
}

export interface ApiTokenWish extends Pick<ApiToken, "name" | "subject" | "roles" | "groups"> {
  by: string;
  ttlMs: number;
}

export interface IdentityRecord {
  /**
   * `secret` is shown once and kept nowhere. Rejects with RecordConflict while a token of this name is in force; one that
   * has expired gives its name free. Audited in `control`.
   */
  createApiToken(wish: ApiTokenWish): Promise<{ token: ApiToken; secret: string }>;
  /** By name (of the one in force) or id. Answers what was revoked; null: there is none in force. Audited in `control`. */
  revokeApiToken(which: string, by: string): Promise<ApiToken | null>;
  /** Newest first, at most 500: those that count no more, too. */
  apiTokens(): Promise<ApiToken[]>;
  /** Whom a secret belongs to; null: to nobody (unknown, revoked, expired). Notes that it was used. */
  apiTokenOf(secret: string): Promise<ApiToken | null>;
  /** Was ever one made? From then on everybody must show one. */
  hasApiTokens(): Promise<boolean>;

  /** Was this signed body taken already? */
  signedBodySeen(digest: string): Promise<boolean>;
  /** Remembers it, and forgets those that are older than `keepMs`. False: somebody took it before. */
  signedBodyTaken(body: { digest: string; source: string; keepMs: number }): Promise<boolean>;
}
