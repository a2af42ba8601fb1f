/** What a waiter of the queue waits for outside of the record, as the watcher reads it from its wait's `ref`. */
import type { TargetRef } from "./target.ts";

export const OUTSIDE_SYSTEM = "outside";

/** Of a lease, by what its holder wrote: `host/web-1.example.net awx`. */
export function leaseId({ kind, id }: TargetRef, holder: string): string {
  return `${kind}/${id} ${holder}`;
}

export interface OutsideRef {
  /** Ids of silences; over when none of them is active. */
  silences: string[];
  /** Ids of leases of other systems; over when none of them is there. */
  leases: string[];
  /** Members of a group that load balancer or health query say are unhealthy: better when they are fewer. */
  health: { kind: string; group: string; fewerThan: number } | null;
}
