/** `/v1/windows` and `/v1/holds`: when, and on what, automation leaves work to others. */
import { Hono } from "hono";
import { z } from "zod";
import { WINDOW_KINDS } from "../../contracts/surroundings.ts";
import { listHolds, putHold, releaseHold } from "../holds.ts";
import { closeWindows, listWindows, openWindow } from "../windows.ts";
import { checked, limitBody, readJson } from "./body.ts";
import type { AppDependencies, AppEnv } from "./context.ts";

const MAX_BODY_BYTES = 16 * 1024;
const LONGEST_MS = 366 * 24 * 3_600_000;

const name = z.string({ error: "a text" }).trim().min(1, "a text that is not empty").max(255, "at most 255 characters");
const reason = z.string({ error: "a text" }).trim().min(1, "a text that says why").max(500, "at most 500 characters");
const time = z.iso.datetime({ offset: true, error: "a time such as 2026-11-21T22:00:00Z" });
const forMs = z
  .number({ error: "milliseconds" })
  .int("a whole number")
  .min(1, "1 or more")
  .max(LONGEST_MS, "at most a year");

const OPEN = z
  .strictObject(
    {
      kind: z.enum(WINDOW_KINDS, { error: '"maintenance" or "deploy"' }).default("maintenance"),
      scope: name,
      reason,
      by: name,
      from: time.nullish(),
      until: time.nullish(),
      forMs: forMs.nullish(),
    },
    { error: "an object with scope, reason, by, and until or forMs; kind and from where they are needed" },
  )
  .refine(({ until, forMs: ms }) => ((until ?? null) === null ? typeof ms === "number" : typeof ms !== "number"), {
    error: "either until or forMs",
    path: ["until"],
  });
const CLOSE = z.strictObject({ what: name, by: name }, { error: "an object with what (a scope or an id) and by" });
const HOLD = z.strictObject(
  { target: name, holder: name, reason, forMs: forMs.nullish() },
  { error: "an object with target, holder and reason, and forMs where it ends by itself" },
);
const RELEASE = z.strictObject(
  { target: name, holder: name, by: name },
  { error: "an object with target, holder and by" },
);

export function surroundingRoutes(deps: AppDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const limit = limitBody(MAX_BODY_BYTES);

  routes.get("/windows", async (context) => context.json({ windows: await listWindows(deps) }));
  routes.post("/windows", limit, async (context) => {
    const { from = null, until = null, forMs: ms = null, ...ask } = checked(OPEN, await readJson(context));
    const window = await openWindow(deps, { ...ask, from, until, forMs: ms });
    context.get("log").warn({ ...window }, "window opened");
    return context.json(window);
  });
  routes.post("/windows/close", limit, async (context) => {
    const { what, by } = checked(CLOSE, await readJson(context));
    const answer = await closeWindows(deps, what, by);
    context.get("log").warn({ what, by, hinted: answer.hinted }, "window closed");
    return context.json(answer);
  });

  routes.get("/holds", async (context) => context.json(await listHolds(deps)));
  routes.put("/holds", limit, async (context) => {
    const { forMs: ms = null, ...wish } = checked(HOLD, await readJson(context));
    const answer = await putHold(deps, { ...wish, forMs: ms });
    context.get("log").warn({ ...answer.hold }, "target held by another system");
    return context.json(answer);
  });
  routes.post("/holds/release", limit, async (context) => {
    const wish = checked(RELEASE, await readJson(context));
    const answer = await releaseHold(deps, wish);
    context.get("log").warn({ ...wish, hinted: answer.hinted }, "hold released");
    return context.json(answer);
  });
  return routes;
}
