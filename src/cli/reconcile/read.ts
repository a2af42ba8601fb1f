/** All that a reconciliation compares, from where it stands: the record, Temporal and the lab. */
import { ACTIONS } from "../../activities/actions.ts";
import type { World } from "../../lab/world.ts";
import type { SnapshotReader } from "../../record/snapshot.ts";
import { requireCatalogue } from "../../starters/active-catalogue.ts";
import type { TemporalView } from "../../watchers/sweep-temporal.ts";
import type { Facts } from "./facts.ts";
import { readLab } from "./read-lab.ts";
import { readTemporal } from "./read-temporal.ts";

export interface Sources {
  record: SnapshotReader;
  temporal: TemporalView;
  world: World;
  /** With the runbooks, which say how long a decided fault stays decided. */
  configFolder: string;
}

/** Rejects while one of them does not answer. */
export async function readFacts({ record, temporal, world, configFolder }: Sources): Promise<Facts> {
  const { runbooks } = await requireCatalogue(configFolder, ACTIONS);
  const reopenAfterMs = new Map(runbooks.map((runbook) => [runbook.name, runbook.reopenAfterMs]));
  const snapshot = await record.read();
  return {
    record: snapshot,
    reopenAfterMs,
    temporal: await readTemporal(temporal, snapshot),
    world: readLab(world),
  };
}
