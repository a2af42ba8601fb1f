/** Tokens of the API: given to people and programs by whoever administers. */
import type { Role } from "../contracts/roles.ts";
import type { ApiToken, IdentityRecord } from "../record/api-identity.ts";
import { asConflict, notFound, throughRecord } from "./problems.ts";

export interface TokenDependencies {
  record: Pick<IdentityRecord, "createApiToken" | "revokeApiToken" | "apiTokens" | "apiTokenOf" | "hasApiTokens">;
}

export interface CreateWish {
  name: string;
  /** Whom it speaks for; null: its name. */
  subject: string | null;
  roles: Role[];
  groups: string[] | null;
  forMs: number;
  by: string;
}
/** `secret` is shown this once. */
export type CreateAnswer = ApiToken & { secret: string };

export async function createToken({ record }: TokenDependencies, wish: CreateWish): Promise<CreateAnswer> {
  const { name, roles, groups, forMs: ttlMs, by } = wish;
  const subject = wish.subject ?? name;
  const made = await throughRecord("make the token", async () => {
    const wanted = { name, subject, roles: [...new Set(roles)], groups, by, ttlMs };
    return record.createApiToken(wanted).catch(asConflict);
  });
  return { ...made.token, secret: made.secret };
}

export function listTokens({ record }: TokenDependencies): Promise<ApiToken[]> {
  return throughRecord("list the tokens", () => record.apiTokens());
}

/** `which`: the name of the one in force, or an id. */
export async function revokeToken({ record }: TokenDependencies, which: string, by: string): Promise<ApiToken> {
  const revoked = await throughRecord("revoke the token", () => record.revokeApiToken(which, by));
  if (revoked !== null) return revoked;
  throw notFound(`no token in force has the name or id ${which.slice(0, 100)}; see \`selfheal token list\``);
}
