/** Tables of what people, and the automation itself, set above single remediations; a part of Tables (tables.ts). */
import type { ColumnType, Generated } from "kysely";
import type { AttestationKind, ReviewVerdict } from "../contracts/autonomy.ts";
import type { BreakerKind, Mode } from "../contracts/facts.ts";

export interface ControlTables {
  pauses: PausesTable;
  standing_approvals: StandingTable;
  modes: ModesTable;
  reviews: ReviewsTable;
  attestations: AttestationsTable;
  breakers: BreakersTable;
}

interface BreakersTable {
  id: string;
  kind: BreakerKind;
  scope: string;
  reason: string;
  /** Whose decision tripped it. */
  remediation_id: string;
  tripped_at: string;
  reset_at: string | null;
  reset_by: string | null;
  reset_reason: string | null;
  reset_how: string | null;
}

interface PausesTable {
  id: string;
  scope: string;
  reason: string;
  by_person: string;
  at: string;
  until_at: string | null;
  resumed_at: string | null;
}

interface StandingTable {
  id: string;
  runbook: string;
  runbook_hash: string;
  group_name: string;
  by_person: string;
  granted_at: string;
  expires_at: string;
  max_count: number;
  used: number;
  withdrawn_at: string | null;
  reason: Generated<string>;
  declared: Generated<boolean>;
  withdrawn_by: ColumnType<string | null, never, string>;
  lapsed_at: ColumnType<string | null, never, string>;
}

interface ModesTable {
  id: string;
  /** `global`, or a scope of a group, a runbook, or a runbook in a group. */
  scope: string;
  mode: Mode;
  /** What selfheal.yaml or the runbook said there when it was set; null: it has no such place. */
  declared: Mode | null;
  /** The version that was promoted; null: it is about no version. */
  runbook_hash: string | null;
  by_person: string;
  reason: string;
  at: string;
  ended_at: ColumnType<string | null, never, string>;
}

interface ReviewsTable {
  remediation_id: string;
  verdict: ReviewVerdict;
  by_person: string;
  reason: string;
  at: string;
}

interface AttestationsTable {
  id: string;
  runbook: string;
  runbook_hash: string;
  kind: AttestationKind;
  passed: boolean;
  summary: string;
  by_person: string;
  at: string;
}
