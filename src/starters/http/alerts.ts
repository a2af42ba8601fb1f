/** `POST /v1/alerts/<source>`: 200 only when Temporal has all that must go there, 503 while it cannot (ADR 0010). */
import { Hono } from "hono";
import type { Context } from "hono";
import { ProblemError, Unavailable } from "../problems.ts";
import type { IngestAnswer } from "../ingest.ts";
import { SOURCES } from "../sources/index.ts";
import type { Batch, Source } from "../sources/source.ts";
import { limitBody, readJson } from "./body.ts";
import type { AppDependencies, AppEnv } from "./context.ts";
import { bySender, signedOnce } from "./sender.ts";

export interface AlertsAnswer extends IngestAnswer {
  /** Alerts that the sender says it left out of this body. */
  truncatedAlerts: number;
  warnings: string[];
}

export function alertRoutes(deps: AppDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const inFlight = { bodies: 0 };
  for (const source of SOURCES) {
    routes.post(
      `/${source.name}`,
      bySender(deps, source.name),
      limitBody(deps.limits.bodyBytes),
      signedOnce(deps, source.name),
      (context) => counted(deps, inFlight, () => takeAlerts(deps, source, context)),
    );
  }
  return routes;
}

/** Too much at once is overload, which is never the sender's fault: 503, so that it sends again. */
async function counted(
  deps: AppDependencies,
  inFlight: { bodies: number },
  work: () => Promise<Response>,
): Promise<Response> {
  if (inFlight.bodies >= deps.limits.bodiesInFlight) {
    throw new Unavailable("capacity", `${inFlight.bodies} bodies of alerts are being taken in now`, {
      retryAfterSeconds: 1,
    });
  }
  deps.metrics.inFlight.set(++inFlight.bodies);
  try {
    return await work();
  } finally {
    deps.metrics.inFlight.set(--inFlight.bodies);
  }
}

async function takeAlerts(deps: AppDependencies, source: Source, context: Context<AppEnv>): Promise<Response> {
  const body = await readJson(context);
  const batch = source.normalise(body, { receivedAt: deps.now(), maxAlerts: deps.limits.alerts });
  const answer = await deps.starter.ingest(batch);
  context
    .get("log")
    .info(
      { source: source.name, alerts: batch.items.length, accepted: answer.accepted, duplicates: answer.duplicates },
      "alerts taken",
    );
  refuseIfNothingIsRight(batch);
  const full: AlertsAnswer = { ...answer, truncatedAlerts: batch.truncated, warnings: warningsOf(batch) };
  return context.json(full);
}

/** When no alert of the body can ever be accepted, nothing is lost by a 4xx, and it shows in the sender's own metrics. */
function refuseIfNothingIsRight(batch: Batch): void {
  const faults = batch.items.flatMap((item) => (item.kind === "refused" ? item.faults : []));
  const first = faults[0];
  if (first === undefined || batch.items.some((item) => item.kind === "alert")) return;
  const detail = `${first.field} is ${first.value}; right would be ${first.wouldBeRight}`;
  const title = "No alert in the body can be accepted";
  throw new ProblemError({ status: 422, slug: "bad-field", title, detail, faults: faults.slice(0, 20) });
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
