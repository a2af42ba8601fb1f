import { throughWay } from "../record/actor.ts";
import { sweepOnce, type SweepDependencies } from "./sweep.ts";

export interface SweepTotals {
  found: number;
  failures: string[];
}
export interface SweepActivities {
  "sweep.run"(): Promise<SweepTotals>;
}

/** One sweep as an activity. `scheduledAtMs` is the server's time of the running one. */
export function createSweepActivities(deps: SweepDependencies, scheduledAtMs: () => number): SweepActivities {
  return {
    "sweep.run": async () => {
      const { found, failures } = await throughWay("schedule", () => sweepOnce(deps, scheduledAtMs()));
      return { found: found.length, failures };
    },
  };
}
