import { Counter, type Registry } from "prom-client";

export type SpanCounter = Counter<"result">;

/** What became of the spans of this process: 0 of both where nothing is traced. */
export function spanCounter(registry: Registry): SpanCounter {
  const counter = new Counter({
    name: "selfheal_trace_spans_total",
    help: "Spans of traces, by result (sent, lost)",
    labelNames: ["result"] as const,
    registers: [registry],
  });
  for (const result of ["sent", "lost"]) counter.inc({ result }, 0);
  return counter;
}
