import type { Json } from "./json.ts";

export type Health = "healthy" | "unhealthy" | "unknown";

/** A probe compiled for one target: every value is filled in. */
export interface ProbeSpec {
  /** The probe's own name in messages, e.g. `probe` or `host.ready`. */
  name: string;
  /** `prometheus.query`, `http.get` or `tcp.connect`. */
  uses: string;
  with: { [key: string]: Json };
  /** CEL over what the probe measured (`value`, `status` …). Both must be booleans; neither or both true is unknown. */
  states: { unhealthy: string; healthy: string };
}

/** What a probe said. `unknown` is never healthy. */
export interface ProbeReading {
  probe: string;
  state: Health;
  /** One sentence with the numbers seen: `value 1 at 10:03:11 (4 s old)`, `no series matched …`. */
  reason: string;
  /** What the states were evaluated over; empty when nothing was measured. */
  measured: { [key: string]: Json };
  /** ISO; when it was read. */
  at: string;
}
