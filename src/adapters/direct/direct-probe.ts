import { z } from "zod";
import { AdapterError } from "../../ports/failure.ts";
import type { Measurement, Outside, ProbePort } from "../../ports/ports.ts";
import { Guarded } from "../guarded.ts";

/** Each probe has a time-out of its own input, at most 20 s; this one only catches what would hang all the same. */
const TIMEOUT_MS = 21_000;
const CONCURRENT = 32;

/** A probe that asks the target itself. It never rejects: what is no measurement says why. */
export function directProbe<I extends z.ZodType>(
  name: string,
  outside: Outside,
  schema: I,
  measure: (input: z.infer<I>) => Promise<Measurement>,
): ProbePort {
  // No breaker: many targets share this probe, and the dead ones say nothing about the others.
  const breakAfter = Number.POSITIVE_INFINITY;
  const limits = { timeoutMs: TIMEOUT_MS, concurrent: CONCURRENT, breakAfter };
  const guarded = new Guarded({ system: name, clock: outside.clock, ...limits });
  return {
    async measure(raw) {
      const checked = schema.safeParse(raw);
      if (!checked.success) return { ok: false, reason: `${name}: ${z.prettifyError(checked.error)}` };
      try {
        return await guarded.run("measure", "read", () => measure(checked.data));
      } catch (error) {
        if (error instanceof AdapterError) return { ok: false, reason: error.message };
        throw error;
      }
    },
  };
}
