/** `/healthz`: the process answers. `/readyz`: it can take alerts now, or which part cannot. `/metrics` for Prometheus. */
import { Hono } from "hono";
import { messageOf } from "../../config/user-error.ts";
import { auditGauges } from "../audit-metrics.ts";
import type { AppDependencies, AppEnv } from "./context.ts";

/** A look at a part that takes longer is a part that is not ready. */
const LOOK_MS = 2_000;
/** Many probes at once cost one look. */
const KEEP_MS = 1_000;

interface Part {
  ready: boolean;
  detail: string;
}
export interface Readiness {
  ready: boolean;
  parts: { record: Part; temporal: Part; catalogue: Part };
}

export function healthRoutes(deps: AppDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  let kept: { until: number; readiness: Promise<Readiness> } | null = null;
  routes.get("/healthz", (context) => context.json({ alive: true }));
  routes.get("/readyz", async (context) => {
    if (kept === null || kept.until < performance.now()) {
      kept = { until: performance.now() + KEEP_MS, readiness: look(deps) };
    }
    const readiness = await kept.readiness;
    return context.json(readiness, readiness.ready ? 200 : 503);
  });
  const audit = auditGauges(deps.record, deps.metrics);
  routes.get("/metrics", async (context) => {
    await audit.refresh();
    const text = await deps.metrics.registry.metrics();
    return context.body(text, 200, { "content-type": deps.metrics.registry.contentType });
  });
  return routes;
}

async function look(deps: AppDependencies): Promise<Readiness> {
  const [record, temporal] = await Promise.all([part(() => deps.record.ping()), part(() => deps.remediations.ping())]);
  const version = deps.catalogueVersion();
  const catalogue: Part =
    version === null
      ? { ready: false, detail: "no catalogue is loaded" }
      : { ready: true, detail: `version ${version}` };
  const parts = { record, temporal, catalogue };
  for (const [name, { ready }] of Object.entries(parts)) deps.metrics.ready.set({ part: name }, ready ? 1 : 0);
  return { ready: record.ready && temporal.ready && catalogue.ready, parts };
}

async function part(ask: () => Promise<void>): Promise<Part> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${LOOK_MS} ms`)), LOOK_MS);
  });
  try {
    await Promise.race([ask(), late]);
    return { ready: true, detail: "" };
  } catch (error) {
    return { ready: false, detail: messageOf(error) };
  } finally {
    clearTimeout(timer);
  }
}
