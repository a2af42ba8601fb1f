/** Verification: the same probe that confirmed must hold healthy for the stabilisation time, and nothing gets worse. */
import type { PlanVerify } from "../../contracts/plan.ts";
import type { ProbeReading, ProbeSpec } from "../../contracts/probe.ts";
import type { Episode } from "../episode.ts";
import { record } from "../proxies.ts";
import { heldUntil } from "../held.ts";
import { waitUntil } from "../wait.ts";
import { judgeHarm } from "./harm.ts";

export type Verified = { state: "healthy" | "unhealthy" | "stop" | "cancelled"; detail: string };

/** Looks while it is not healthy yet, and looks while it must hold: the number of readings is bounded. */
const LOOKS_UNTIL_HEALTHY = 10;
const LOOKS_WHILE_HOLDING = 4;
const SHORTEST_GAP_MS = 250;

export async function verify(episode: Episode, spec: PlanVerify): Promise<Verified> {
  const deadline = episode.now() + spec.withinMs + spec.holdMs;
  const { takeover } = episode.desk;
  let healthySince: number | null = null;
  for (;;) {
    const word = await heldUntil(episode, {
      at: "verify",
      about: episode.view.phase === "verify" ? undefined : "the verification has not begun",
      offers: ["retry", "markDone", "release", "end"],
      effect: null,
    });
    if (word?.command === "markDone") {
      episode.vouched = word.said;
      return { state: "healthy", detail: word.said };
    }
    // Nobody looked while it stood still: it must hold anew.
    if (word !== null) healthySince = null;
    episode.enter("verify", healthySince === null ? "waiting for a healthy probe" : "healthy, it must hold");
    const { readings, harmed } = await readAll(episode, [episode.requirePlan().probe, ...spec.also], "verifying");
    const bad = readings.find((reading) => reading.state !== "healthy");
    const now = Date.now();
    healthySince = bad === undefined ? (healthySince ?? now) : null;
    if (harmed !== null) return { state: "stop", detail: harmed };
    if (healthySince !== null && now - healthySince >= spec.holdMs) {
      return { state: "healthy", detail: `healthy for ${spec.holdMs} ms` };
    }
    if (bad !== undefined && episode.now() >= deadline && !takeover.claimed()) {
      return { state: "unhealthy", detail: `not healthy: ${bad.probe} is ${bad.state}: ${bad.reason}` };
    }
    const stop = episode.desk.stop;
    if (stop !== null) return { state: "cancelled", detail: stop.because };
    const gap = healthySince === null ? spec.withinMs / LOOKS_UNTIL_HEALTHY : spec.holdMs / LOOKS_WHILE_HOLDING;
    await waitUntil(
      () => episode.desk.stop !== null || takeover.claimed(),
      Math.max(gap, SHORTEST_GAP_MS),
      `verify: ${bad?.reason ?? "hold"}`,
    );
  }
}

/** The probes and the harm SLI in one reading. `harmed` is a sentence when the SLI got worse beyond its bound. */
export async function readAll(
  episode: Episode,
  probes: ProbeSpec[],
  doing: string,
): Promise<{ readings: ProbeReading[]; harmed: string | null }> {
  const { harm } = episode.requirePlan();
  const reply = await record(`${doing}: ${probes.map((probe) => probe.name).join(", ")}`)["remediation.read"]({
    remediationId: episode.remediationId,
    phase: episode.view.phase,
    doing,
    probes,
    harm,
    watchHarm: false,
  });
  const { readings } = reply;
  if (harm === null || episode.harmBaseline === null || reply.harm === null) return { readings, harmed: null };
  return { readings, harmed: judgeHarm(harm, episode.harmBaseline, reply.harm) };
}
