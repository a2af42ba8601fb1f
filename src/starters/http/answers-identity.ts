/** What `/v1/whoami` and `/v1/tokens` answer. */
import { z } from "zod";
import { ROLES } from "../../contracts/roles.ts";

const text = z.string();
const iso = z.iso.datetime();
const role = z.enum(ROLES);
const groups = z.array(text).readonly().nullable().describe("null: all");

export const WHO_AM_I = z.object({
  subject: text.nullable().describe("null: the API asks nobody who he is"),
  identity: text.nullable(),
  grants: z.array(z.object({ role, groups })).readonly(),
});
export const API_TOKEN = z.object({
  ...{ id: text, name: text, subject: text, roles: z.array(role), groups },
  ...{ createdBy: text, createdAt: iso, expiresAt: iso },
  ...{ revokedAt: iso.nullable(), revokedBy: text.nullable() },
  lastUsedAt: iso.nullable().describe("At most five minutes old; null: never"),
  state: z.enum(["inForce", "expired", "revoked"]),
});
export const API_TOKEN_MADE = API_TOKEN.extend({ secret: text });
