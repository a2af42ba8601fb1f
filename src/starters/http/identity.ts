/** `/v1/whoami` and `/v1/tokens`: who the API knows, and by what. */
import { Hono } from "hono";
import { z } from "zod";
import { ROLES, type Grant } from "../../contracts/roles.ts";
import { createToken, listTokens, revokeToken } from "../tokens.ts";
import { checked, limitBody, readJson } from "./body.ts";
import type { AppDependencies, AppEnv } from "./context.ts";

const MAX_BODY_BYTES = 16 * 1024;
const YEAR_MS = 366 * 24 * 3_600_000;

const name = z.string({ error: "a text" }).trim().min(1, "a text that is not empty").max(100, "at most 100 characters");
const CREATE = z.strictObject(
  {
    name: name.regex(/^[\w.@-]+$/, "letters, digits and . _ @ -"),
    subject: name.nullish(),
    roles: z.array(z.enum(ROLES, { error: `one of ${ROLES.join(", ")}` }), { error: "a list" }).min(1, "one or more"),
    groups: z.array(name, { error: "a list" }).min(1, "one or more, or null for all").nullish(),
    forMs: z.number({ error: "milliseconds" }).int("a whole number").min(1, "1 or more").max(YEAR_MS, "at most a year"),
    by: name,
  },
  { error: "an object with name, roles, forMs and by, and subject, groups where they are needed" },
);
const REVOKE = z.strictObject({ which: name, by: name }, { error: "an object with which (a name or an id) and by" });

export interface WhoAmI {
  /** null: the API asks nobody who he is. */
  subject: string | null;
  identity: string | null;
  grants: readonly Grant[];
}

export function identityRoutes(deps: AppDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const limit = limitBody(MAX_BODY_BYTES);
  routes.get("/whoami", (context) => {
    const answer: WhoAmI = context.get("caller");
    return context.json(answer);
  });
  routes.get("/tokens", async (context) => context.json({ tokens: await listTokens(deps) }));
  routes.post("/tokens", limit, async (context) => {
    const { subject = null, groups = null, ...wish } = checked(CREATE, await readJson(context));
    const { secret, ...token } = await createToken(deps, { ...wish, subject, groups });
    context.get("log").warn({ ...token }, "token of the API made");
    context.header("cache-control", "no-store");
    return context.json({ ...token, secret });
  });
  routes.post("/tokens/revoke", limit, async (context) => {
    const { which, by } = checked(REVOKE, await readJson(context));
    const token = await revokeToken(deps, which, by);
    context.get("log").warn({ id: token.id, name: token.name, by }, "token of the API revoked");
    return context.json(token);
  });
  return routes;
}
