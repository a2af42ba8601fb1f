/** `/v1/pauses`, `/v1/queue`, `/v1/breakers`, `/v1/left-out`: how people steer the automation as a whole. */
import { Hono } from "hono";
import { z } from "zod";
import { pauseScope, resetBreaker, resumeWhat, targetBack } from "../controls.ts";
import { throughRecord } from "../problems.ts";
import { checked, limitBody, readJson } from "./body.ts";
import type { AppDependencies, AppEnv } from "./context.ts";

const MAX_BODY_BYTES = 16 * 1024;
const LONGEST_PAUSE_MS = 366 * 24 * 3_600_000;

const name = z.string({ error: "a text" }).trim().min(1, "a text that is not empty").max(255, "at most 255 characters");
const reason = z.string({ error: "a text" }).trim().min(1, "a text that says why").max(500, "at most 500 characters");
const PAUSE = z.strictObject(
  {
    scope: name,
    reason,
    by: name,
    forMs: z
      .number({ error: "milliseconds" })
      .int("a whole number")
      .min(1, "1 or more")
      .max(LONGEST_PAUSE_MS, "at most a year")
      .nullish(),
  },
  { error: "an object with scope, reason and by, and forMs where it ends by itself" },
);
const RESUME = z.strictObject({ what: name, by: name }, { error: "an object with what (a scope or an id) and by" });
const RESET = z.strictObject(
  { scope: name, reason, by: name, how: z.enum(["drop", "reEvaluate"], { error: '"drop" or "reEvaluate"' }) },
  { error: "an object with scope, reason, by and how" },
);
const BACK = z.strictObject({ target: name, reason, by: name }, { error: "an object with target, reason and by" });

export function controlRoutes(deps: AppDependencies): Hono<AppEnv> {
  const { record } = deps;
  const routes = new Hono<AppEnv>();
  const limit = limitBody(MAX_BODY_BYTES);

  routes.get("/pauses", async (context) =>
    context.json({ pauses: await throughRecord("list the pauses", () => record.pauses()) }),
  );
  routes.post("/pauses", limit, async (context) => {
    const { forMs = null, ...wish } = checked(PAUSE, await readJson(context));
    const pause = await pauseScope(deps, { ...wish, forMs });
    context.get("log").warn({ ...pause }, "paused");
    return context.json(pause);
  });
  routes.post("/pauses/resume", limit, async (context) => {
    const { what, by } = checked(RESUME, await readJson(context));
    const answer = await resumeWhat(deps, what, by);
    context.get("log").warn({ what, by, hinted: answer.hinted }, "resumed");
    return context.json(answer);
  });

  routes.get("/queue", async (context) =>
    context.json({ queue: await throughRecord("list the queue", () => record.queue()) }),
  );

  routes.get("/breakers", async (context) =>
    context.json({ breakers: await throughRecord("list the breakers", () => record.breakers()) }),
  );
  routes.post("/breakers/reset", limit, async (context) => {
    const wish = checked(RESET, await readJson(context));
    const answer = await resetBreaker(deps, wish);
    context.get("log").warn({ ...wish, dropped: answer.dropped.length, hinted: answer.hinted }, "breaker reset");
    return context.json(answer);
  });

  routes.get("/left-out", async (context) =>
    context.json({ leftOut: await throughRecord("list who is left out", () => record.leftOut()) }),
  );
  routes.post("/left-out/back", limit, async (context) => {
    const wish = checked(BACK, await readJson(context));
    const answer = await targetBack(deps, wish);
    context.get("log").warn({ ...wish, remediations: answer.remediations }, "target is back");
    return context.json(answer);
  });
  return routes;
}
