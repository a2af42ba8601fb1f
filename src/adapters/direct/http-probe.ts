import { z } from "zod";
import { AdapterError } from "../../ports/failure.ts";
import type { Measurement, Outside, ProbePort } from "../../ports/ports.ts";
import { bodyText } from "../body.ts";
import { Guarded, startTimer } from "../guarded.ts";
import { describeError } from "../network.ts";
import { failureToReach } from "./reach.ts";

export const httpProbeInput = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe("what to GET; redirects are not followed"),
  timeoutMs: z.number().int().min(1).max(20_000).default(5_000).describe("for the whole answer"),
  expectBody: z.string().min(1).optional().describe("text that the body (up to 1 MB) must contain: sets bodyMatches"),
});
type Input = z.infer<typeof httpProbeInput>;

const LARGEST_BODY = 1024 * 1024;

/**
 * The probe `http.get`: measured `{ status, latencyMs, bodyMatches, failure }`. A target that refuses, stays silent,
 * cannot be reached or cuts the connection gives status 0 and says which in `failure` (reach.ts); whatever is no
 * answer about the target gives no measurement. `bodyMatches` is true when no `expectBody` was given.
 */
export function httpProbe(outside: Outside): ProbePort {
  // No breaker: many targets share this probe, and the dead ones say nothing about the others.
  const breakAfter = Number.POSITIVE_INFINITY;
  const guarded = new Guarded({
    system: "http.get",
    clock: outside.clock,
    timeoutMs: 21_000,
    concurrent: 32,
    breakAfter,
  });
  return {
    async measure(raw): Promise<Measurement> {
      const checked = httpProbeInput.safeParse(raw);
      if (!checked.success) return { ok: false, reason: `http.get: ${z.prettifyError(checked.error)}` };
      try {
        return await guarded.run("get", "read", () => get(outside, checked.data));
      } catch (error) {
        if (error instanceof AdapterError) return { ok: false, reason: error.message };
        throw error;
      }
    },
  };
}

async function get(outside: Outside, { url, timeoutMs, expectBody }: Input): Promise<Measurement> {
  const controller = new AbortController();
  const startedAt = outside.clock.now();
  const cancel = startTimer(outside.clock, timeoutMs, () => {
    controller.abort(new DOMException(`no answer within ${timeoutMs} ms`, "TimeoutError"));
  });
  try {
    const response = await outside.fetch(url, { redirect: "manual", signal: controller.signal });
    const body = expectBody === undefined ? null : await bodyText(response, LARGEST_BODY);
    if (expectBody === undefined) await response.body?.cancel();
    const latencyMs = outside.clock.now() - startedAt;
    const bodyMatches = expectBody === undefined || (body ?? "").includes(expectBody);
    const measured = { status: response.status, latencyMs, bodyMatches, failure: "" };
    return { ok: true, measured, detail: `${url} answered ${response.status} in ${latencyMs} ms` };
  } catch (error) {
    const failure = failureToReach(error);
    if (failure === null) return { ok: false, reason: `${url}: ${describeError(error)}` };
    const latencyMs = outside.clock.now() - startedAt;
    const measured = { status: 0, latencyMs, bodyMatches: false, failure };
    return { ok: true, measured, detail: `${url}: ${describeError(error)}` };
  } finally {
    cancel();
  }
}
