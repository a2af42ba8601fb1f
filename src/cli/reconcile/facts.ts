/** What a reconciliation compares: what the record, Temporal and the world each say, in words that no vendor owns. */
import type { FaultKey } from "../../contracts/alert.ts";
import type { RecordSnapshot } from "../../record/snapshot.ts";
import type { SeenRun } from "../../starters/runs.ts";
import type { RunningWorkflow } from "../../watchers/sweep-temporal.ts";

export interface Facts {
  record: RecordSnapshot;
  /** By runbook: how long a decided fault that goes on stays decided (design law 5). One that is not here: for ever. */
  reopenAfterMs: ReadonlyMap<string, number>;
  temporal: TemporalFacts;
  world: WorldFacts;
}

export interface TemporalFacts {
  /** The newest run of every workflow that the record names, by workflow id. */
  workflows: ReadonlyMap<string, SeenRun>;
  /** All that run, whether the record names them or not. */
  running: readonly RunningWorkflow[];
}

export interface WorldFacts {
  /** Every alert that was answered with 2xx, as its sender counted, repeats too; null: nobody counted. */
  accepted: readonly { faultKey: FaultKey; status: "firing" | "resolved"; target: string }[] | null;
  /** What really changed, oldest first: a call that changed nothing is not in it. */
  changes: readonly WorldChange[];
  /** Every server of a pool. */
  servers: readonly { target: string; takesAllTraffic: boolean; state: string }[];
  /** Targets that do not serve, or have the fault that was to be healed. */
  unwell: readonly { target: string; why: string }[];
  /** Those that nobody has closed. */
  tickets: readonly Left[];
  /** Those that still silence. */
  silences: readonly Left[];
}

export interface WorldChange {
  /** The action that does it: `ticket.open`; for what gives traffic back: `loadbalancer.restore`. */
  action: string;
  /** The idempotency key, where the protocol carries one; else null, and the target is all there is. */
  key: string | null;
  target: string;
  /** ISO, by the clock of the record. */
  at: string;
}

export interface Left {
  id: string;
  key: string | null;
  target: string;
}
