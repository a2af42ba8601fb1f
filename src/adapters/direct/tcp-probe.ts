import { z } from "zod";
import type { Measurement, Outside, ProbePort } from "../../ports/ports.ts";
import { startTimer } from "../guarded.ts";
import { describeError } from "../network.ts";
import { directProbe } from "./direct-probe.ts";
import { failureToReach } from "./reach.ts";

export const tcpProbeInput = z.strictObject({
  host: z.string().min(1).describe("name or address"),
  port: z.number().int().min(1).max(65_535).describe("TCP port"),
  timeoutMs: z.number().int().min(1).max(20_000).default(3_000).describe("for the connection"),
});
type Input = z.infer<typeof tcpProbeInput>;

/**
 * The probe `tcp.connect`: measured `{ connected, latencyMs, failure }`. Refused, silent and unreachable are answers
 * about the target: `connected` is false and `failure` says which, so that a runbook can tell a closed port from a
 * silent host. A name that does not resolve or no route from here gives no measurement.
 */
export function tcpProbe(outside: Outside): ProbePort {
  return directProbe("tcp.connect", outside, tcpProbeInput, (input) => connect(outside, input));
}

async function connect(outside: Outside, { host, port, timeoutMs }: Input): Promise<Measurement> {
  const startedAt = outside.clock.now();
  const where = `${host}:${port}`;
  try {
    await connected(outside, { host, port, timeoutMs });
    const latencyMs = outside.clock.now() - startedAt;
    return { ok: true, measured: { connected: true, latencyMs, failure: "" }, detail: `${where} accepts connections` };
  } catch (error) {
    const failure = failureToReach(error);
    if (failure === null) return { ok: false, reason: `${where}: ${describeError(error)}` };
    const latencyMs = outside.clock.now() - startedAt;
    return {
      ok: true,
      measured: { connected: false, latencyMs, failure },
      detail: `${where}: ${describeError(error)}`,
    };
  }
}

function connected(outside: Outside, { host, port, timeoutMs }: Input): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = outside.connect({ host, port });
    const end = (act: () => void): void => {
      cancel();
      socket.destroy();
      act();
    };
    const cancel = startTimer(outside.clock, timeoutMs, () => {
      end(() => reject(new DOMException(`no answer within ${timeoutMs} ms`, "TimeoutError")));
    });
    socket.on("connect", () => end(resolve));
    socket.on("error", (error) => end(() => reject(error)));
  });
}
