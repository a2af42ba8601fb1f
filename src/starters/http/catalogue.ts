/** `GET /v1/catalogue`: what this process decides with, and what of its folder is not in use and why. */
import { Hono } from "hono";
import type { FolderStatus } from "../live-folder.ts";
import { throughRecord } from "../problems.ts";
import type { AppDependencies, AppEnv } from "./context.ts";

export interface CatalogueAnswer {
  /** Of this process; null while none is loaded. */
  version: string | null;
  /** Of the record: what new remediations decide with. */
  active: string | null;
  /** null: this process watches no folder. */
  folder: FolderStatus | null;
}

export function catalogueRoutes(deps: AppDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get("/catalogue", async (context) => {
    const active = await throughRecord("read the active version", () => deps.record.activeVersion());
    const answer: CatalogueAnswer = { version: deps.catalogueVersion(), active, folder: deps.folder?.() ?? null };
    return context.json(answer);
  });
  return routes;
}
