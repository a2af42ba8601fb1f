/** What a waiter of the queue waits for outside of the record, as the watcher reads it from its wait's `ref`. */
export const OUTSIDE_SYSTEM = "outside";

export interface OutsideRef {
  /** Ids of silences; over when none of them is active. */
  silences: string[];
  /** Members of a group that load balancer or health query say are unhealthy: better when they are fewer. */
  health: { kind: string; group: string; fewerThan: number } | null;
}
