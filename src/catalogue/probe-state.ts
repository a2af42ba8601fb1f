import type { Json, JsonObject } from "../contracts/json.ts";
import type { ProbeReading, ProbeSpec } from "../contracts/probe.ts";
import type { Measurement } from "../ports/ports.ts";
import { evaluateCondition } from "./expression.ts";

/** What a measurement means. Both states true, neither, an error in one, or no measurement: unknown, never healthy. */
export function judge(spec: ProbeSpec, measurement: Measurement, at: string): ProbeReading {
  const base = { probe: spec.name, at };
  if (!measurement.ok) return { ...base, state: "unknown", reason: measurement.reason, measured: {} };
  const { measured, usable } = plain(measurement.measured);
  const unhealthy = evaluateCondition(spec.states.unhealthy, usable);
  const healthy = evaluateCondition(spec.states.healthy, usable);
  const unknown = (why: string): ProbeReading => ({
    ...base,
    state: "unknown",
    reason: `${measurement.detail}: ${why}`,
    measured,
  });
  if (!unhealthy.ok) return unknown(unhealthy.reason);
  if (!healthy.ok) return unknown(healthy.reason);
  if (unhealthy.value === healthy.value) {
    return unknown(unhealthy.value ? "it is both healthy and unhealthy" : "it is neither healthy nor unhealthy");
  }
  return { ...base, state: healthy.value ? "healthy" : "unhealthy", reason: measurement.detail, measured };
}

/** NaN and infinity are not JSON: they are shown as text, and a state that reads one has no answer. */
function plain(measured: { [key: string]: Json }): { measured: JsonObject; usable: JsonObject } {
  const isUsable = (value: Json): boolean => typeof value !== "number" || Number.isFinite(value);
  const entries = Object.entries(measured);
  return {
    measured: Object.fromEntries(entries.map(([key, value]) => [key, isUsable(value) ? value : `${value as number}`])),
    usable: Object.fromEntries(entries.filter(([, value]) => isUsable(value))),
  };
}
