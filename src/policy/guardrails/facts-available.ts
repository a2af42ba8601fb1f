import { pass, unavailable, type Guardrail } from "../guardrail.ts";

/** Nothing is decided on what could not be read: the probe's word, the evidence, the record's counts, the time. */
export const factsAvailable: Guardrail = {
  name: "facts-available",
  counted: false,
  evaluate(_plan, { now, reading, collected, counted }) {
    const missing: string[] = [];
    if (Number.isNaN(Date.parse(now))) missing.push("time of the record");
    if (reading.state !== "unhealthy") missing.push(`probe that says unhealthy (${reading.state}: ${reading.reason})`);
    if (collected === null) missing.push("evidence that the runbook collects");
    if (counted === null) missing.push("count of the record");
    const saw = { probe: reading.state, collected: collected !== null, counted: counted !== null };
    if (missing.length > 0) return unavailable("facts-available", `there is no ${missing.join(", no ")}`, saw);
    return pass("facts-available", `the probe says unhealthy: ${reading.reason}`, saw);
  },
};
