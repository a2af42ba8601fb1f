/** `/v1/whoami` and `/v1/tokens`: who the API knows, and by what. */
import { z } from "zod";
import { ROLES } from "../../contracts/roles.ts";
import { createToken, listTokens, revokeToken } from "../tokens.ts";
import { conflict } from "../problems.ts";
import * as answers from "./answers-identity.ts";
import { by, forMs, name } from "./fields.ts";
import { operation } from "./operation.ts";

const short = name.max(100, "at most 100 characters");
const CREATE = z.strictObject(
  {
    name: short.regex(/^[\w.@-]+$/, "letters, digits and . _ @ -"),
    subject: short.nullish().describe("Whom it speaks for; default: its name"),
    roles: z.array(z.enum(ROLES, { error: `one of ${ROLES.join(", ")}` }), { error: "a list" }).min(1, "one or more"),
    groups: z.array(short, { error: "a list" }).min(1, "one or more, or null for all").nullish(),
    forMs,
    by,
  },
  { error: "an object with name, roles, forMs and by, and subject, groups where they are needed" },
);
const REVOKE = z.strictObject({ which: short, by }, { error: "an object with which (a name or an id) and by" });

const row = { tag: "identity" } as const;
const everywhere = { role: "admin", everywhere: true } as const;

export const IDENTITY_OPERATIONS = [
  operation({
    ...row,
    method: "get",
    path: "/v1/whoami",
    role: "viewer",
    summary: "Who the caller is, and what he may do",
    answer: answers.WHO_AM_I,
    handle: (_deps, { context }) => context.get("caller"),
  }),
  operation({
    ...row,
    ...everywhere,
    method: "get",
    path: "/v1/tokens",
    summary: "Tokens of the API, newest first: those that count no more, too",
    answer: z.object({ tokens: z.array(answers.API_TOKEN) }),
    handle: async (deps) => ({ tokens: await listTokens(deps) }),
  }),
  operation({
    ...row,
    ...everywhere,
    method: "post",
    path: "/v1/tokens",
    summary: "Make a token; the answer shows its secret this once",
    body: CREATE,
    keeps: "secret",
    answer: answers.API_TOKEN_MADE,
    problems: [409],
    handle: async (deps, { body, log, context }) => {
      const { subject = null, groups = null, ...wish } = body;
      // From the first token on everybody is asked for one: it must be able to make the next.
      if (context.get("caller").identity === null && (groups !== null || !wish.roles.includes("admin"))) {
        throw conflict(
          "nobody is asked for a token yet, and after this one everybody would be, but nobody could make another: " +
            "make a first one with the role admin, for all groups",
        );
      }
      const { secret, ...token } = await createToken(deps, { ...wish, subject, groups });
      log.warn({ ...token }, "token of the API made");
      context.header("cache-control", "no-store");
      return { ...token, secret };
    },
  }),
  operation({
    ...row,
    ...everywhere,
    method: "post",
    path: "/v1/tokens/revoke",
    summary: "Revoke a token at once",
    body: REVOKE,
    answer: answers.API_TOKEN,
    problems: [404],
    handle: async (deps, { body: { which, by: person }, log }) => {
      const token = await revokeToken(deps, which, person);
      log.warn({ id: token.id, name: token.name, by: person }, "token of the API revoked");
      return token;
    },
  }),
];
