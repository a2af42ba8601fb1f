import { z } from "zod";
import type { Measurement, Outside, ProbePort } from "../../ports/ports.ts";
import { traceHeaders } from "../../ports/trace.ts";
import { bodyText } from "../body.ts";
import { startTimer } from "../guarded.ts";
import { describeError } from "../network.ts";
import { directProbe } from "./direct-probe.ts";
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
  return directProbe("http.get", outside, httpProbeInput, (input) => get(outside, input));
}

async function get(outside: Outside, { url, timeoutMs, expectBody }: Input): Promise<Measurement> {
  const controller = new AbortController();
  const startedAt = outside.clock.now();
  const cancel = startTimer(outside.clock, timeoutMs, () => {
    controller.abort(new DOMException(`no answer within ${timeoutMs} ms`, "TimeoutError"));
  });
  try {
    const init = { headers: { ...traceHeaders() }, redirect: "manual", signal: controller.signal } as const;
    const response = await outside.fetch(url, init);
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
