/** The kinds of probe that a runbook may use, what they ask and what they measure. Equal to the adapters' own schemas. */
import { z } from "zod";

export interface ProbeKind {
  input: z.ZodType;
  /** The names that `states` may use. */
  measured: readonly string[];
  /** Fields that are PromQL: values put into them are escaped. */
  promql: readonly string[];
}

const timeoutMs = z.number().int().min(1).max(20_000).optional().describe("milliseconds");

export const PROBE_KINDS: Record<string, ProbeKind> = {
  "prometheus.query": {
    input: z.strictObject({
      query: z.string().min(1).describe("PromQL that gives exactly one number"),
      maxAge: z.number().positive().describe("milliseconds; an older sample counts as none"),
    }),
    measured: ["value", "ageMs"],
    promql: ["query"],
  },
  "http.get": {
    input: z.strictObject({
      url: z
        .string()
        .regex(/^https?:\/\/\S+$/, { error: "an http or https URL" })
        .describe("what to GET; redirects are not followed"),
      timeoutMs,
      expectBody: z.string().min(1).optional().describe("text that the body must contain: sets bodyMatches"),
    }),
    measured: ["status", "latencyMs", "bodyMatches", "failure"],
    promql: [],
  },
  "tcp.connect": {
    input: z.strictObject({
      host: z.string().min(1).describe("name or address"),
      port: z.number().int().min(1).max(65_535).describe("TCP port"),
      timeoutMs,
    }),
    measured: ["connected", "latencyMs", "failure"],
    promql: [],
  },
};
