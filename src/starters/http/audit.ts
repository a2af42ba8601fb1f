/** `GET /v1/audit`: what people did to the automation as a whole. A remediation's own chain is part of the remediation. */
import { z } from "zod";
import { throughRecord } from "../problems.ts";
import * as answers from "./answers.ts";
import { cursor, limitOf } from "./fields.ts";
import { operation, type AnyOperation } from "./operation.ts";
import { fromCursor, pageOf } from "./page.ts";

const PAGE = 100;
const QUERY = z.strictObject({ limit: limitOf(1_000), cursor }, { error: "only limit and cursor" });
const PLACE = z.tuple([z.string().regex(/^\d{1,9}$/)]);

export const AUDIT_OPERATIONS: AnyOperation[] = [
  operation({
    method: "get",
    path: "/v1/audit",
    role: "viewer",
    everywhere: true,
    tag: "automation",
    summary: "The audit's chain `control`, newest first",
    description: "`selfheal audit verify` checks it, `selfheal audit export` has every chain.",
    query: QUERY,
    answer: z.object({ entries: z.array(answers.AUDIT), next: answers.next }),
    handle: async ({ record }, { query: { limit = PAGE, cursor: at }, context }) => {
      const before = at === undefined ? null : Number(fromCursor(PLACE, at)[0]);
      const found = await throughRecord("read the audit", () => record.newestOfControl(before, limit + 1));
      const { rows, next } = pageOf(context, found, limit, (last) => [String(last.seq)]);
      return { entries: rows, next };
    },
  }),
];
