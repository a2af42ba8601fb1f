/** `GET /v1/catalogue`: what this process decides with, and what of its folder is not in use and why. */
import type { z } from "zod";
import { throughRecord } from "../problems.ts";
import * as answers from "./answers-automation.ts";
import { operation } from "./operation.ts";

export type CatalogueAnswer = z.input<typeof answers.CATALOGUE>;

export const CATALOGUE_OPERATIONS = [
  operation({
    method: "get",
    path: "/v1/catalogue",
    role: "viewer",
    everywhere: true,
    tag: "service",
    summary: "What this process decides with, and what of its folder is not in use and why",
    answer: answers.CATALOGUE,
    handle: async (deps) => {
      const active = await throughRecord("read the active version", () => deps.record.activeVersion());
      return { version: deps.catalogueVersion(), active, folder: deps.folder?.() ?? null };
    },
  }),
];
