/** `POST /v1/explain`: why an alert, or a remediation, is decided as it is, with the facts of the record. */
import { Hono } from "hono";
import { z } from "zod";
import { explainAsked } from "../explain.ts";
import { checked, limitBody, readJson } from "./body.ts";
import type { AppDependencies, AppEnv } from "./context.ts";

const MAX_BODY_BYTES = 64 * 1024;

const name = z.string({ error: "a text" }).min(1, "a text that is not empty").max(255, "at most 255 characters");
const ASKED = z.union(
  [
    z.strictObject({ fingerprint: name }),
    z.strictObject({ remediation: name }),
    z.strictObject({ alert: z.looseObject({ labels: z.record(z.string(), z.string()) }) }),
  ],
  { error: "an object with one of fingerprint, remediation, and alert (with its labels)" },
);

export function explainRoutes(deps: AppDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.post("/", limitBody(MAX_BODY_BYTES), async (context) => {
    const asked = checked(ASKED, await readJson(context));
    return context.json(await explainAsked(deps, asked));
  });
  return routes;
}
