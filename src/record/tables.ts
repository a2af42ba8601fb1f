/** The tables as kysely sees them; src/record/migrations makes them. Times are ISO strings, set by selfheal_now(). */
import type { ColumnType, Generated } from "kysely";
import type { Severity } from "../contracts/alert.ts";
import type { Word } from "../contracts/ballot.ts";
import type { EffectState } from "../contracts/effect.ts";
import type { EffectDirection } from "../contracts/ids.ts";
import type { Json, JsonObject } from "../contracts/json.ts";
import type { Plan } from "../contracts/plan.ts";
import type { Outcome, Phase } from "../contracts/remediation.ts";
import type { GuardrailResult, Verdict } from "../contracts/verdict.ts";
import type { Disposition, LeaseState } from "./api.ts";
import type { FindingSeverity } from "./api-sweep.ts";
import type { ControlTables } from "./tables-controls.ts";
import type { LessonTables } from "./tables-lessons.ts";
import type { NotificationTables } from "./tables-notifications.ts";

/** Written as JSON text: pg would make an SQL array of a JSON array. */
type AsJson<T> = ColumnType<T, string, string>;

export interface Tables extends ControlTables, LessonTables, NotificationTables {
  alerts: AlertsTable;
  decided_faults: { fault_key: string; remediation_id: string; decided_at: string };
  catalogues: { version: string; content: AsJson<Json>; inventory: string | null; saved_at: string };
  inventories: { hash: string; document: AsJson<Json> };
  catalogue_active: { singleton: Generated<boolean>; version: string; activated_at: string };
  remediations: RemediationsTable;
  plans: { remediation_id: string; plan_hash: string; plan: AsJson<Plan>; saved_at: string };
  verdicts: VerdictsTable;
  decisions: DecisionsTable;
  decision_tokens: DecisionTokensTable;
  signed_bodies: { digest: string; source: string; taken_at: string };
  leases: { remediation_id: string; scope: string; state: LeaseState; since: string; capped: Generated<boolean> };
  queue: QueueTable;
  admissions: AdmissionsTable;
  effects: EffectsTable;
  waits: WaitsTable;
  escalations: EscalationsTable;
  pulse: { singleton: Generated<boolean>; beat: number };
  group_health: { kind: string; group_name: string; at: string; unhealthy: string[] | null; detail: string };
  findings: FindingsTable;
  sweep_last: { singleton: Generated<boolean>; at: string; failures: string[]; temporal_lag_ms: number | null };
  temporal_home: {
    singleton: Generated<boolean>;
    namespace_id: string;
    namespace: string;
    address: string;
    since: string;
    by_person: string | null;
  };
  kept_requests: {
    caller: string;
    key: string;
    request_hash: string;
    held_until: string;
    expires_at: string;
    status: number | null;
    content_type: string | null;
    body: string | null;
  };
  audit_chains: {
    chain: string;
    seq: number;
    hash: string;
    moved_at: Generated<string>;
    pruned_by: ColumnType<number | null, never, number>;
  };
  audit_manifests: { number: number; at: string; hash: string; previous_hash: string; chains: number };
  audit: AuditTable;
}

interface AlertsTable {
  fault_key: string;
  status: "firing" | "resolved";
  fingerprint: string;
  starts_at: string;
  ends_at: string | null;
  labels: AsJson<Record<string, string>>;
  annotations: AsJson<Record<string, string>>;
  source: string;
  target_kind: string | null;
  target_id: string | null;
  target_group: string | null;
  target_places: string[];
  runbook: string | null;
  disposition: Disposition;
  reason: string | null;
  remediation_id: string | null;
  repeats: number;
  received_at: string;
  last_seen_at: string;
  delivered_at: string | null;
}

interface RemediationsTable {
  remediation_id: string;
  workflow_id: string;
  run_id: string;
  target_kind: string;
  target_id: string;
  runbook: string | null;
  group_name: string;
  owner: string;
  severity: Severity;
  phase: Phase;
  doing: string;
  phase_until: string | null;
  plan_hash: string | null;
  catalogue_version: string | null;
  /** Every scope that a pause of this remediation may name. */
  pause_scopes: string[];
  outcome: Outcome | null;
  needs_human: boolean;
  detail: string;
  opened_at: string;
  closed_at: string | null;
  /** Head of the audit chain as close() answered it. */
  closing_hash: string | null;
}

interface VerdictsTable {
  remediation_id: string;
  seq: number;
  /** Of verdict and plan hash: a retried call writes no second row. */
  digest: string;
  verdict: AsJson<Verdict>;
  plan_hash: string | null;
  catalogue_version: string;
  at: string;
}

interface DecisionsTable {
  remediation_id: string;
  plan_hash: string;
  person: string;
  decision: Word;
  via: string;
  reason: string;
  /** `withdrawn` by its person; `void`: another plan came into force. */
  status: "counted" | "ignored" | "withdrawn" | "void";
  detail: string;
  at: string;
  expires_at: string;
}

interface DecisionTokensTable {
  /** SHA-256 of the token, hex: the token itself is nowhere in the record. */
  token_hash: string;
  remediation_id: string;
  plan_hash: string | null;
  person: string;
  decision: string;
  via: string;
  /** Who the API knew the person as; null: it asked nobody. */
  identity: string | null;
  issued_at: string;
  expires_at: string;
  used_at: ColumnType<string | null, never, string>;
}

interface QueueTable {
  remediation_id: string;
  workflow_id: string;
  severity: Severity;
  since: string;
  /** The place in the queue: since minus the head start of its severity, then seq. */
  rank_at: string;
  seq: Generated<number>;
  plan_hash: string;
  caps: AsJson<{ scope: string; max: number }[]>;
  scopes: string[];
  leases: Generated<string[]>;
  /** Scopes on which later ones must wait behind this row. */
  holds: string[];
  /** A known time before which it cannot pass. */
  wait_until: string | null;
  /** Why it waits, for people. */
  detail: string;
  /** What ends its wait, as its guardrails say (`GuardrailResult.waitsFor`). */
  waits_for: string[];
}

interface AdmissionsTable {
  remediation_id: string;
  runbook: string;
  target_kind: string;
  target_id: string;
  plan_hash: string;
  scopes: string[];
  standing_id: string | null;
  results: AsJson<GuardrailResult[]>;
  admitted_at: string;
  first_effect_at: string | null;
  released_at: string | null;
  group_name: string;
  cost: number;
}

interface EffectsTable {
  key: string;
  remediation_id: string;
  rung: string;
  step: string;
  action: string;
  direction: EffectDirection;
  attempt: number;
  state: EffectState;
  request: AsJson<JsonObject>;
  result: ColumnType<JsonObject | null, string | null, string | null>;
  detail: string;
  intent_at: string;
  settled_at: string | null;
}

interface WaitsTable {
  key: string;
  remediation_id: string;
  system: string;
  ref: string;
  seen: string;
  since: string;
  until_at: string | null;
  done_at: string | null;
}

interface EscalationsTable {
  remediation_id: string;
  key: string;
  route: string;
  summary: string;
  at: string;
  sent_at: string | null;
  error: string | null;
  attempts: Generated<number>;
  tried_at: ColumnType<string | null, never, string>;
  /** Not sent before this: the end of the window that it is held for. */
  not_before: ColumnType<string | null, never, string>;
  held_for: ColumnType<string | null, never, string>;
}

interface FindingsTable {
  key: string;
  code: string;
  part: string;
  severity: FindingSeverity;
  sentence: string;
  ids: AsJson<Record<string, string>>;
  safe: boolean;
  done: string | null;
  next: string;
  first_seen_at: string;
  last_seen_at: string;
  gone_at: string | null;
  told_at: string | null;
  tell_attempts: number;
  tell_tried_at: string | null;
  tell_error: string | null;
}

interface AuditTable {
  chain: string;
  seq: number;
  key: string;
  at: string;
  kind: string;
  body: AsJson<JsonObject>;
  previous_hash: string;
  hash: string;
}
