/**
 * `POST /v1/alerts/<source>`: 200 only when Temporal has all that must go there, 503 while it cannot (ADR 0010).
 * `GET /v1/alerts`: what the record has of them.
 */
import type { Context } from "hono";
import { z } from "zod";
import { throughRecord } from "../problems.ts";
import { SOURCES } from "../sources/index.ts";
import { refusedBody } from "../sources/refusals.ts";
import type { Batch, Source } from "../sources/source.ts";
import * as answers from "./answers.ts";
import { readJson } from "./body.ts";
import type { AppDependencies, AppEnv } from "./context.ts";
import { cursor, limitOf, name, time } from "./fields.ts";
import { operation, type AnyOperation } from "./operation.ts";
import { fromCursor, pageOf } from "./page.ts";

const row = { tag: "alerts" } as const;

const DISPOSITIONS = ["received", "delivered", "unmatched", "ignored"] as const;
const QUERY = z.strictObject(
  {
    disposition: z.enum(DISPOSITIONS, { error: `one of ${DISPOSITIONS.join(", ")}` }).optional(),
    fingerprint: name.optional(),
    remediation: name.optional().describe("The whole id of a remediation"),
    since: time.optional().describe("Seen then or later"),
    limit: limitOf(1_000),
    cursor,
  },
  { error: "only disposition, fingerprint, remediation, since, limit and cursor" },
);
const PAGE = 100;
const PLACE = z.tuple([z.iso.datetime(), z.string(), z.string()]);

/** To a signed body that was taken before. */
const AGAIN: z.input<typeof answers.INGESTED> = {
  duplicate: true,
  ...{ accepted: 0, duplicates: 0, unmatched: 0, ignored: 0, results: [], truncatedAlerts: 0 },
  warnings: ["this very body was taken before"],
};

export const ALERT_OPERATIONS: AnyOperation[] = [
  ...SOURCES.map((source) =>
    operation({
      ...row,
      method: "post",
      // Whoever has no address of its own for its alerts sends them to the plain one.
      path: source.name === "generic" ? "/v1/alerts" : `/v1/alerts/${source.name}`,
      aliases: source.name === "generic" ? ["/v1/alerts/generic"] : [],
      role: "source",
      source: { name: source.name, again: AGAIN },
      summary: source.summary,
      body: source.body,
      bodyTypes: source.bodyTypes,
      bodyBytes: ({ limits }) => limits.bodyBytes,
      answer: answers.INGESTED,
      handle: (deps, { context }) => takeAlerts(deps, source, context),
    }),
  ),
  operation({
    ...row,
    method: "get",
    path: "/v1/alerts",
    role: "viewer",
    summary: "Alerts that were received, last seen first",
    query: QUERY,
    answer: z.object({ alerts: z.array(answers.ALERT), next: answers.next }),
    handle: async ({ record }, { query, context }) => {
      const { limit = PAGE, cursor: at, remediation, ...rest } = query;
      const given = Object.entries({ ...rest, remediationId: remediation }).filter(([, value]) => value !== undefined);
      const after = at === undefined ? {} : { after: placeOf(at) };
      const filter = { ...Object.fromEntries(given), ...after, limit: limit + 1 };
      const found = await throughRecord("list the alerts", () => record.alerts(filter));
      const { rows, next } = pageOf(context, found, limit, (last) => [last.lastSeenAt, last.faultKey, last.status]);
      return { alerts: rows, next };
    },
  }),
];

function placeOf(at: string) {
  const [lastSeenAt, faultKey, status] = fromCursor(PLACE, at);
  return { lastSeenAt, faultKey, status };
}

async function takeAlerts(deps: AppDependencies, source: Source, context: Context<AppEnv>) {
  const body = await readJson(context);
  const header = (of: string) => context.req.header(of);
  const batch = source.normalise(body, { receivedAt: deps.now(), maxAlerts: deps.limits.alerts, header });
  const answer = await deps.starter.ingest(batch);
  context
    .get("log")
    .info(
      { source: source.name, alerts: batch.items.length, accepted: answer.accepted, duplicates: answer.duplicates },
      "alerts taken",
    );
  refuseIfNothingIsRight(batch);
  return { ...answer, truncatedAlerts: batch.truncated, warnings: warningsOf(batch) };
}

/** When no alert of the body can ever be accepted, nothing is lost by a 4xx, and it shows in the sender's own metrics. */
function refuseIfNothingIsRight(batch: Batch): void {
  const faults = batch.items.flatMap((item) => (item.kind === "refused" ? item.faults : []));
  if (faults.length === 0 || batch.items.some((item) => item.kind === "alert")) return;
  throw refusedBody("No alert in the body can be accepted", faults.slice(0, 20));
}

function warningsOf(batch: Batch): string[] {
  const warnings: string[] = [];
  if (batch.truncated > 0) {
    warnings.push(`${batch.truncated} alerts were left out by the sender (truncatedAlerts): they are not healed`);
  }
  const clipped = batch.items.filter((item) => item.kind === "alert" && item.clipped).length;
  if (clipped > 0) warnings.push(`annotations of ${clipped} alerts were clipped to fit 16 kB`);
  return warnings;
}
