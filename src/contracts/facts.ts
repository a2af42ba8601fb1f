/** The facts that the policy sees. Whatever could not be read is null, and null refuses. */
import type { Json } from "./json.ts";
import type { Risk } from "./plan.ts";
import type { ProbeReading } from "./probe.ts";
import type { Target } from "./target.ts";

export type Mode = "observe" | "review" | "auto";

export interface Pause {
  id: string;
  /** `global`, or a scope name of ids.ts. */
  scope: string;
  reason: string;
  by: string;
  at: string;
  /** ISO or null: until lifted. */
  until: string | null;
}

export interface StandingApproval {
  id: string;
  runbook: string;
  runbookHash: string;
  group: string;
  by: string;
  expiresAt: string;
  maxCount: number;
  used: number;
}

/** What admission counts, read in one transaction. */
export interface CountedFacts {
  /** ISO; the last time this runbook acted on this target. */
  lastActedAt: string | null;
  /** Times this runbook acted on this target inside the attempts window. */
  attempts: number;
  /** Times this runbook acted at all inside the rate window. */
  rateUsed: number;
  /** ISO; when the oldest of these acted. null: there is none. */
  rateSince: string | null;
  /** Leases on each scope of the plan that others hold, orphaned ones included. */
  held: Record<string, number>;
  /** The id of another open remediation of the target, if there is one. */
  openElsewhere: string | null;
  /** A standing approval that covers this runbook hash and group now, with a use left. */
  standing: StandingApproval | null;
  /** People whose approval of this very plan hash counts and is not expired. */
  approvedBy: string[];
  pauses: Pause[];
}

export interface DecisionFacts {
  /** The database's time, ISO. */
  now: string;
  target: Target | null;
  /** Result of the runbook's `require`; null when it could not be evaluated. */
  requirement: { holds: boolean | null; detail: string };
  modes: { global: Mode; group: Mode; runbook: Mode };
  reading: ProbeReading;
  /** null when a collect failed. */
  collected: { [key: string]: Json } | null;
  planHash: string;
  risk: Risk;
  /** null when the record could not be read. */
  counted: CountedFacts | null;
}
