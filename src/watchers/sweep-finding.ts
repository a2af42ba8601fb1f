/** What the sweeper can find. A code is stable: people write it into filters and runbooks of their own. */
import type { Logger } from "pino";
import type { RemediationRow } from "../record/api.ts";
import type { Finding, FindingRow, SweepRecord } from "../record/api-sweep.ts";
import type { RecordStore } from "../record/api.ts";
import type { LoadBalancerPort } from "../ports/ports.ts";
import type { Heartbeat } from "./sweep-heartbeats.ts";
import type { TemporalView } from "./sweep-temporal.ts";

export const FINDING_CODES = [
  /** Alerts that were received and did not reach their workflow. */
  "UNDELIVERED",
  /** Alerts that reached a workflow which has ended without taking them up. */
  "ALERTS_LOST",
  /** Open in the record; its workflow has ended without closing it. */
  "WORKFLOW_CLOSED",
  /** Open in the record; Temporal does not know its workflow. */
  "WORKFLOW_NOT_FOUND",
  /** Another namespace answers than the one that the record belongs to. */
  "TEMPORAL_FOREIGN",
  /** Temporal knows almost none of what is open: the wrong namespace, or a server restored to an older state. */
  "TEMPORAL_FORGOT",
  /** Runs in Temporal; the record has nothing open for it. */
  "UNRECORDED",
  /** Its last workflow task, or one of its activities, fails again and again. */
  "STUCK",
  /** The namespace lacks search attributes: no workflow that sets one gets on. */
  "ATTRIBUTES_MISSING",
  /** Its phase should have ended. */
  "PHASE_OVERDUE",
  "LEASES_ORPHANED",
  "QUEUE_LEFT",
  "EFFECT_UNSETTLED",
  "ESCALATION_UNSENT",
  /** We took it out of its pool, and nobody is at it any more. */
  "DRAINED_LEFT",
  /** Out of its pool because a closed remediation said that it stays so. */
  "DRAINED_KEPT",
  /** Out of its pool, and not by us. */
  "DRAINED_ELSEWHERE",
  /** The database was brought back from a backup: the global mode is review until a person has looked. */
  "RECORD_RESTORED",
  /** A source does not send its heartbeat. */
  "ALERTS_SILENT",
  "SCHEDULE_MISSING",
  "SCHEDULE_PAUSED",
] as const;
export type FindingCode = (typeof FINDING_CODES)[number];

export const PARTS = [
  "temporal",
  "pulse",
  "workflows",
  "alerts",
  "inboxes",
  "record",
  "escalations",
  "loadbalancer",
  "schedules",
  "attributes",
  "heartbeats",
] as const;
export type Part = (typeof PARTS)[number];

/** A finding with what can be done about it. */
export interface Candidate extends Finding {
  code: FindingCode;
  part: Part;
  /** Answers what was done, or null when there is nothing to find any more. Idempotent. */
  repair: (() => Promise<string | null>) | null;
  /** People are told once it has been there this long. null: nobody is told. */
  tellAfterMs: number | null;
}

/** What looking needs; it reads only. */
export interface LookDependencies {
  record: SweepRecord & Pick<RecordStore, "now" | "undelivered" | "temporalHome" | "modes">;
  /** Of the active catalogue. Left out: there are none. */
  heartbeats?: () => Promise<Heartbeat[]>;
  temporal: TemporalView;
  /** null: not configured. */
  loadBalancer: Pick<LoadBalancerPort, "servers"> | null;
  log: Logger;
}

export interface Moment {
  nowMs: number;
  /** What the last sweep left, by key. */
  known: ReadonlyMap<string, FindingRow>;
}

type Told = Omit<Candidate, "key" | "repair" | "tellAfterMs" | "safe" | "done" | "ids"> & {
  /** Makes the key together with the code. */
  about: string;
  ids?: Record<string, string>;
  repair?: Candidate["repair"];
  tellAfterMs?: number | null;
};

export function candidate(what: Told): Candidate {
  const { about, ids = {}, repair = null, tellAfterMs = what.severity === "info" ? null : 0, ...rest } = what;
  const key = about === "" ? rest.code : `${rest.code}/${about}`;
  return { ...rest, key, ids, repair, tellAfterMs, safe: repair !== null, done: null };
}

export function toFinding({ repair: _, tellAfterMs: __, ...finding }: Candidate): Finding {
  return finding;
}

/** One of the last sweep that was not looked at again: it stands as it was. */
export function asBefore(row: FindingRow): Candidate {
  const { key, code, part, severity, sentence, ids, safe, done, next } = row;
  const same = { key, severity, sentence, ids, safe, done, next };
  return { ...same, code: code as FindingCode, part: part as Part, repair: null, tellAfterMs: null };
}

export function idsOf(row: Pick<RemediationRow, "remediationId" | "workflowId" | "target">): Record<string, string> {
  return { remediationId: row.remediationId, workflowId: row.workflowId, target: nameOf(row.target) };
}

export function nameOf(target: { kind: string; id: string }): string {
  return `${target.kind}/${target.id}`;
}

export function show(remediationId: string): string {
  return `selfheal remediation show ${remediationId}`;
}

/** `a, b, c and 4 more` */
export function some(items: readonly string[], shown = 5): string {
  const rest = items.length - shown;
  return rest > 0 ? `${items.slice(0, shown).join(", ")} and ${rest} more` : items.join(", ");
}
