import { z } from "zod";
import { AdapterError } from "../../ports/failure.ts";
import type { Measurement, MetricsPort, Outside, ProbePort } from "../../ports/ports.ts";
import type { Secret } from "../../ports/secret.ts";
import { Guarded } from "../guarded.ts";
import { httpJson, type HttpJson } from "../http.ts";

export interface PrometheusOptions {
  /** With the path under which it is served, without `/api`. */
  url: string;
  token?: Secret | undefined;
  outside: Outside;
  timeoutMs?: number;
}

const sample = z.tuple([z.number(), z.string()]);
const answer = z.object({
  status: z.literal("success"),
  data: z.discriminatedUnion("resultType", [
    z.object({
      resultType: z.literal("vector"),
      result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: sample })),
    }),
    z.object({ resultType: z.literal("scalar"), result: sample }),
    z.object({ resultType: z.literal("string"), result: sample }),
    z.object({ resultType: z.literal("matrix"), result: z.unknown() }),
  ]),
  warnings: z.array(z.string()).optional(),
});
type Answer = z.infer<typeof answer>;
type Scalar = Awaited<ReturnType<MetricsPort["scalar"]>>;

/**
 * The one number of a PromQL expression. Its age is that of the sample, by `timestamp(<query>)` at the same evaluation
 * time, so no clock of ours is involved. That works for bare selectors (`up{host="a"}`): for any other expression
 * Prometheus gives the evaluation time, and only its own look-back (5 min) bounds the age. Never rejects.
 */
export function prometheus(options: PrometheusOptions): MetricsPort {
  const { outside, url, token, timeoutMs = 10_000 } = options;
  const guarded = new Guarded({ system: "prometheus", clock: outside.clock, timeoutMs, secrets: token ? [token] : [] });
  const headers = (): Record<string, string> => (token ? { authorization: `Bearer ${token.reveal()}` } : {});
  const http = httpJson({ guarded, fetch: outside.fetch, url, headers });
  return {
    scalar: (query, maxAgeMs) => orReason(query, scalar(http, query, maxAgeMs)),
    series: (query, label) => orReason(query, series(http, query, label)),
    range: (query, span) => orReason(query, range(http, query, span)),
  };
}

/** What the adapter rejects with, as the answer that there is none. */
async function orReason<T>(query: string, answer: Promise<T>): Promise<T | { ok: false; reason: string }> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof AdapterError) return { ok: false, reason: `${error.message} (for ${query})` };
    throw error;
  }
}

type Range = Awaited<ReturnType<MetricsPort["range"]>>;

const matrix = z.object({
  status: z.literal("success"),
  data: z.object({ resultType: z.literal("matrix"), result: z.array(z.object({ values: z.array(sample) })) }),
});

async function range(
  http: HttpJson,
  query: string,
  { from, to, points }: Parameters<MetricsPort["range"]>[1],
): Promise<Range> {
  const step = Math.max(1, Math.ceil((to - from) / 1000 / Math.max(1, points - 1)));
  const asked = { query, start: String(from / 1000), end: String(to / 1000), step: String(step) };
  const { data } = await http({
    ...{ operation: "query_range", kind: "read", method: "GET", path: "/api/v1/query_range" },
    query: asked,
    accept: matrix,
  });
  const [only, ...more] = data.result;
  if (only === undefined) return { ok: false, reason: `no series for ${query}` };
  if (more.length > 0) return { ok: false, reason: `${more.length + 1} series where one was meant for ${query}` };
  const values = only.values.map(([seconds, text]) => ({ at: Math.round(seconds * 1000), value: Number(text) }));
  return { ok: true, points: values.filter(({ value }) => Number.isFinite(value)) };
}

type Series = Awaited<ReturnType<MetricsPort["series"]>>;

async function series(http: HttpJson, query: string, label: string): Promise<Series> {
  const no = (why: string): Series => ({ ok: false, reason: `${why} for ${query}` });
  const { data, warnings } = await ask(http, { query });
  if (warnings?.length) return no(`Prometheus warns that the answer may not be whole (${warnings[0]})`);
  if (data.resultType !== "vector") return no(`the expression gives a ${data.resultType}, not series`);
  const values: Record<string, number> = {};
  for (const { metric, value } of data.result) {
    const name = metric[label];
    if (name === undefined) return no(`a series without the label ${label}`);
    if (Object.hasOwn(values, name)) return no(`two series with ${label}="${name}"`);
    values[name] = Number(value[1]);
  }
  return { ok: true, values };
}

async function scalar(http: HttpJson, query: string, maxAgeMs: number): Promise<Scalar> {
  const no = (why: string): Scalar => ({ ok: false, reason: `${why} for ${query}` });
  const first = await ask(http, { query });
  if (first.warnings?.length) return no(`Prometheus warns that the answer may not be whole (${first.warnings[0]})`);
  const { data } = first;
  if (data.resultType === "scalar") return finite(data.result[1], 0, query);
  if (data.resultType !== "vector") return no(`the expression gives a ${data.resultType}, not one number`);
  const series = data.result[0];
  if (series === undefined) return no("no series");
  if (data.result.length > 1) return no(`${data.result.length} series where one was meant`);

  const [evaluatedAt, text] = series.value;
  const stamp = await ask(http, { query: `timestamp(${query})`, time: String(evaluatedAt) });
  const sampledAt = stamp.data.resultType === "vector" ? Number(stamp.data.result[0]?.value[1]) : Number.NaN;
  if (!Number.isFinite(sampledAt)) return no("the sample's time could not be read");
  const ageMs = Math.max(0, Math.round((evaluatedAt - sampledAt) * 1000));
  if (ageMs > maxAgeMs) return no(`the sample is ${ageMs} ms old, more than ${maxAgeMs} ms,`);
  return finite(text, ageMs, query);
}

function finite(text: string, ageMs: number, query: string): Scalar {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return { ok: true, value, ageMs };
  return { ok: false, reason: `the value is ${text}, not a finite number, for ${query}` };
}

function ask(http: HttpJson, query: Record<string, string>): Promise<Answer> {
  return http({ operation: "query", kind: "read", method: "GET", path: "/api/v1/query", query, accept: answer });
}

export const prometheusProbeInput = z.strictObject({
  query: z.string().min(1).describe("PromQL that gives exactly one number"),
  maxAge: z.number().positive().describe("milliseconds; an older sample counts as none"),
});

/** The probe `prometheus.query`: measured `{ value, ageMs }`. */
export function prometheusProbe(metrics: MetricsPort): ProbePort {
  return {
    async measure(input): Promise<Measurement> {
      const checked = prometheusProbeInput.safeParse(input);
      if (!checked.success) return { ok: false, reason: `prometheus.query: ${z.prettifyError(checked.error)}` };
      const read = await metrics.scalar(checked.data.query, checked.data.maxAge);
      if (!read.ok) return read;
      const detail = `value ${read.value} (${Math.round(read.ageMs / 1000)} s old)`;
      return { ok: true, measured: { value: read.value, ageMs: read.ageMs }, detail };
    },
  };
}
