/** Harm watch: a declared SLI that got worse by more than its bound since before the first effect. */
import type { HarmReading } from "../../contracts/activities.ts";
import type { PlanHarm } from "../../contracts/plan.ts";
import type { Episode } from "../episode.ts";
import { record } from "../proxies.ts";
import { waitUntil } from "../wait.ts";

/** What the bulk watcher calls the hint about this remediation's SLI. */
export function harmHint(episode: Episode): string {
  return `${episode.remediationId}/harm`;
}

/** A restart of the monitoring must not send everything that was just admitted to a person. */
const BASELINE_READINGS = 3;

/** Reads the SLI before the first effect. Not ok when there is one to watch and it cannot be read. */
export async function takeBaseline(episode: Episode): Promise<{ ok: boolean; detail: string }> {
  const { harm, flapWindowMs } = episode.requirePlan();
  if (harm === null) return { ok: true, detail: "" };
  const { desk } = episode;
  for (let readings = 1; ; readings++) {
    const reading = await read(episode, harm, true);
    if (reading.value !== null) {
      episode.harmBaseline = reading.value;
      return { ok: true, detail: "" };
    }
    const detail = `the SLI ${harm.name} cannot be read: ${reading.detail}`;
    if (readings >= BASELINE_READINGS || desk.stop !== null || desk.takeover.claimed()) return { ok: false, detail };
    const wake = (): boolean => desk.stop !== null || desk.takeover.claimed();
    await waitUntil(wake, flapWindowMs / BASELINE_READINGS, detail);
  }
}

/** A sentence when it got worse by more than the bound, else null. Unreadable is not harm: stopping is no safer. */
export async function readHarm(episode: Episode): Promise<string | null> {
  const harm = episode.plan?.harm ?? null;
  if (harm === null || episode.harmBaseline === null) return null;
  return judgeHarm(harm, episode.harmBaseline, await read(episode, harm, false));
}

export function judgeHarm(harm: PlanHarm, baseline: number, reading: HarmReading): string | null {
  if (reading.value === null) return null;
  const worse = harm.better === "higher" ? baseline - reading.value : reading.value - baseline;
  if (worse <= harm.worseBy) return null;
  return `harm: ${harm.name} went from ${baseline} to ${reading.value}, more than ${harm.worseBy} worse`;
}

async function read(episode: Episode, harm: PlanHarm, watch: boolean): Promise<HarmReading> {
  const reply = await record(`read ${harm.name}`)["remediation.read"]({
    remediationId: episode.remediationId,
    phase: episode.view.phase,
    doing: episode.view.doing,
    probes: [],
    harm,
    watchHarm: watch,
  });
  return reply.harm ?? { name: harm.name, value: null, detail: "no reading" };
}
