/** What fired, from Prometheus' own series `ALERTS`: range queries in chunks, each small enough for one answer. */
import { z } from "zod";
import { AdapterError } from "../../ports/failure.ts";
import type { Outside } from "../../ports/ports.ts";
import type { Secret } from "../../ports/secret.ts";
import { Guarded } from "../guarded.ts";
import { httpJson, type HttpJson } from "../http.ts";

export interface FiredOptions {
  /** With the path under which it is served, without `/api`. */
  url: string;
  token?: Secret | undefined;
  outside: Outside;
  /** ms since 1970. */
  from: number;
  to: number;
  /** Between two looks; what fires for a shorter time may be missed. Default 60,000. */
  stepMs?: number;
  /** Of one query; halved when its answer is too large. Default 6 h. */
  chunkMs?: number;
}

export interface Fired {
  /** Without `__name__` and `alertstate`. */
  labels: Record<string, string>;
  /** ms since 1970, to the step. */
  startsAt: number;
  /** null: it still fires at the end. */
  endsAt: number | null;
}

const HOUR_MS = 3_600_000;
const LEAST_CHUNK_MS = 600_000;
/** A gap of so many steps is no end: a scrape may fail. */
const GAP_STEPS = 3;

const answer = z.object({
  status: z.literal("success"),
  data: z.object({
    resultType: z.literal("matrix"),
    result: z.array(
      z.object({ metric: z.record(z.string(), z.string()), values: z.array(z.tuple([z.number(), z.string()])) }),
    ),
  }),
});
type Series = z.infer<typeof answer>["data"]["result"][number];

/** In the order in which they ended; those that still fire last. Throws an AdapterError. */
export async function* firedAlerts(options: FiredOptions): AsyncGenerator<Fired> {
  const { from, to, stepMs = 60_000, chunkMs = 6 * HOUR_MS } = options;
  const http = clientOf(options);
  const firing = new Map<string, Fired & { lastAt: number }>();
  for (let start = from; start < to;) {
    const read = await readChunk(http, start, Math.min(to, start + chunkMs), stepMs);
    for (const { metric, values } of read.series) {
      const { __name__: _, alertstate: __, ...labels } = metric;
      const key = JSON.stringify(Object.entries(labels).sort());
      for (const [seconds] of values) {
        const at = Math.round(seconds * 1000);
        const known = firing.get(key);
        if (known !== undefined && at - known.lastAt <= GAP_STEPS * stepMs) known.lastAt = at;
        else {
          if (known !== undefined) yield ended(known, stepMs);
          firing.set(key, { labels, startsAt: at, endsAt: null, lastAt: at });
        }
      }
    }
    for (const [key, one] of firing) {
      if (read.end - one.lastAt <= GAP_STEPS * stepMs) continue;
      firing.delete(key);
      yield ended(one, stepMs);
    }
    start = read.end + stepMs;
  }
  for (const { labels, startsAt } of firing.values()) yield { labels, startsAt, endsAt: null };
}

function ended({ labels, startsAt, lastAt }: Fired & { lastAt: number }, stepMs: number): Fired {
  return { labels, startsAt, endsAt: lastAt + stepMs };
}

function clientOf({ url, token, outside }: FiredOptions): HttpJson {
  const guarded = new Guarded({
    system: "prometheus",
    clock: outside.clock,
    timeoutMs: 30_000,
    secrets: token ? [token] : [],
  });
  const headers = (): Record<string, string> => (token ? { authorization: `Bearer ${token.reveal()}` } : {});
  return httpJson({ guarded, fetch: outside.fetch, url, headers });
}

async function readChunk(
  http: HttpJson,
  start: number,
  end: number,
  stepMs: number,
): Promise<{ series: Series[]; end: number }> {
  const seconds = (ms: number): string => String(ms / 1000);
  const query = {
    query: 'ALERTS{alertstate="firing"}',
    start: seconds(start),
    end: seconds(end),
    step: seconds(stepMs),
  };
  try {
    const call = { operation: "query_range", kind: "read", method: "GET", path: "/api/v1/query_range", query } as const;
    const { data } = await http({ ...call, accept: answer });
    return { series: data.result, end };
  } catch (error) {
    // Too large an answer, or more samples than the server allows: half of it may do.
    const half = start + Math.floor((end - start) / 2 / stepMs) * stepMs;
    if (!(error instanceof AdapterError) || !/larger|too many|sample/i.test(error.message)) throw error;
    if (end - start <= LEAST_CHUNK_MS) throw error;
    return readChunk(http, start, half, stepMs);
  }
}
