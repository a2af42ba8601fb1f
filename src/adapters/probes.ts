import type { z } from "zod";
import { httpProbeInput } from "./direct/http-probe.ts";
import { tcpProbeInput } from "./direct/tcp-probe.ts";
import { prometheusProbeInput } from "./prometheus/metrics.ts";

/** Every probe a runbook may use, with the schema of its `with`: runbooks are checked against these. */
export const PROBE_INPUTS: Record<string, z.ZodObject> = {
  "prometheus.query": prometheusProbeInput,
  "http.get": httpProbeInput,
  "tcp.connect": tcpProbeInput,
};
