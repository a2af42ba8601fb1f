/** `/v1/report`: what happened in a day, a week or a month; and postmortem drafts. */
import { Hono } from "hono";
import { z } from "zod";
import { PERIOD_KINDS } from "../../measures/period.ts";
import { postmortem, report } from "../reports.ts";
import { checked } from "./body.ts";
import type { AppDependencies, AppEnv } from "./context.ts";

const text = z.string({ error: "a text" }).trim().min(1, "a text that is not empty").max(255, "at most 255 characters");
const REPORT = z.strictObject(
  {
    kind: z.enum(PERIOD_KINDS, { error: `one of ${PERIOD_KINDS.join(", ")}` }).default("month"),
    name: text.optional(),
    group: text.optional(),
  },
  { error: "only kind, name and group" },
);

export function reportRoutes(deps: AppDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get("/report", async (context) => {
    const { kind, name = null, group = null } = checked(REPORT, context.req.query());
    return context.json(await report(deps, { kind, name, group }));
  });
  // A target reads `host/web-1`, and not every client encodes the slash.
  for (const path of ["/postmortems/:id", "/postmortems/:kind/:id"] as const) {
    routes.get(path, async (context) => {
      const { kind, id } = context.req.param() as { kind?: string; id: string };
      return context.json(await postmortem(deps, kind === undefined ? id : `${kind}/${id}`));
    });
  }
  return routes;
}
