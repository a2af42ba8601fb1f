/** `/healthz`: the process answers. `/readyz`: it can take alerts now, or which part cannot. `/metrics` for Prometheus. */
import { z } from "zod";
import { toldOutside } from "../problems.ts";
import * as answers from "./answers.ts";
import type { AppDependencies } from "./context.ts";
import { operation, type AnyOperation } from "./operation.ts";

/** A look at a part that takes longer is a part that is not ready. */
const LOOK_MS = 2_000;
const KEEP_MS = 1_000;

export type Readiness = z.input<typeof answers.READINESS>;
type Part = Readiness["parts"]["record"];

type LookedAt = Pick<AppDependencies, "record" | "remediations" | "catalogueVersion" | "metrics">;

const row = { method: "get", role: "public", tag: "service" } as const;

/** Many probes at once cost one look. */
export function keptReadiness(deps: LookedAt): () => Promise<Readiness> {
  let kept: { until: number; readiness: Promise<Readiness> } | null = null;
  return () => {
    if (kept === null || kept.until < performance.now()) {
      kept = { until: performance.now() + KEEP_MS, readiness: look(deps) };
    }
    return kept.readiness;
  };
}

export const HEALTH_OPERATIONS: AnyOperation[] = [
  operation({
    ...row,
    path: "/healthz",
    summary: "The process answers",
    answer: answers.ALIVE,
    handle: () => ({ alive: true as const }),
  }),
  operation({
    ...row,
    path: "/readyz",
    summary: "It can take alerts now, or which part cannot (503)",
    answer: answers.READINESS,
    handle: async ({ readiness }, { context }) => {
      const seen = await readiness();
      return seen.ready ? seen : context.json(seen, 503);
    },
  }),
  operation({
    ...row,
    path: "/metrics",
    summary: "Measures, for Prometheus",
    answer: z.string(),
    answerType: "text/plain",
    handle: async ({ metrics: { registry } }, { context }) =>
      context.body(await registry.metrics(), 200, { "content-type": registry.contentType }),
  }),
];

async function look(deps: LookedAt): Promise<Readiness> {
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
    return { ready: false, detail: toldOutside(error) };
  } finally {
    clearTimeout(timer);
  }
}
